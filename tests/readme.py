"""The README's blocks that the program writes: ``python -m tests.readme`` writes them anew.

Blocks stand between ``<!-- NAME -->`` and the end of the fenced block behind it, where NAME is
``transcript`` or ``help: COMMAND``. A test compares them with what the program says.
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
_STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_BLOCK = re.compile(r"<!-- (transcript|help: [a-z -]+) -->\n(?:```text\n.*?```\n)?", re.DOTALL)


def commands() -> tuple[str, str]:
    """Return the README's two commands, as typed: the main job's and the tests'."""
    run, test = re.findall(r"```sh\n(python3 -m venv .*?)\n```", README.read_text(encoding="utf-8"))
    return run, test


def run_line(output: Path) -> list[str]:
    """Return the main job's command with this interpreter's scripts, writing to ``output``."""
    line = commands()[0].rsplit("&& ", 1)[1]
    words = line.replace("-o report.parquet", f"-o {output}").split()
    return [str(Path(sys.executable).parent / Path(words[0]).name), *words[1:]]


def say(command: list[str]) -> str:
    """Return what a command prints, in a terminal of 100 columns; without the bar and styles."""
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "PALM_PROGRESS": "off"}
    shown, terminal = pty.openpty()
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=terminal
    ) as process:
        os.close(terminal)
        text = process.stdout.read() + _read_all(shown)
    assert process.returncode == 0, text
    plain = _STYLE.sub("", text.decode())
    return "\n".join(line.rstrip() for line in plain.splitlines())


def _read_all(descriptor: int) -> bytes:
    """Return what a terminal shows until nobody writes to it any more, which is an error to it."""
    text = b""
    try:
        while part := os.read(descriptor, 65_536):
            text += part
    except OSError:
        pass
    finally:
        os.close(descriptor)
    return text


def block(name: str) -> str:
    """Return the block of that name, as the program would have it now."""
    if name == "transcript":
        with tempfile.TemporaryDirectory() as folder:
            said = say(run_line(Path(folder) / "report.parquet"))
        said = said[: said.index("Written: ")] + "Written: report.parquet"
    else:
        program, *words = name.removeprefix("help: ").split()
        said = say([str(Path(sys.executable).parent / program), *words, "--help"])
    return f"<!-- {name} -->\n```text\n{said}\n```\n"


def written() -> dict[str, str]:
    """Return the README's blocks as they stand, by name."""
    text = README.read_text(encoding="utf-8")
    return {match[1]: match[0] for match in _BLOCK.finditer(text)}


if __name__ == "__main__":
    text = README.read_text(encoding="utf-8")
    README.write_text(_BLOCK.sub(lambda match: block(match[1]), text), encoding="utf-8")
