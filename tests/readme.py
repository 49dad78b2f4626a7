"""The pages of documentation, and their blocks that the program writes.

``python -m tests.readme`` writes those blocks anew. Each stands between ``<!-- NAME -->`` and the
end of the fenced block behind it, where NAME is ``transcript`` or ``help: COMMAND``. The table of
columns is written anew, too, in both languages. A test compares them with what the program says.
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from jobs.schema import COLUMNS, ROWS, State, UnknownReason

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
JOBS = ROOT / "jobs" / "README.md"
PALM = ROOT / "palm" / "README.md"
SANDBOX = ROOT / "palm" / "sandbox" / "README.md"
BENCHMARKS = ROOT / "tests" / "benchmarks" / "README.md"
TESTS = ROOT / "tests" / "README.md"
PAGES = (README, JOBS, PALM, SANDBOX, BENCHMARKS, TESTS)
TWINS = {page: page.with_name("README.zh-CN.md") for page in (README, JOBS)}
"""The pages that exist in Chinese, too, each with its Chinese twin."""
ROOMS = {
    "transcript": README,
    "help: palm-reconcile": JOBS,
    "help: palm-report": JOBS,
    "help: palm get": PALM,
    "help: palm check": PALM,
    "help: palm sandbox": SANDBOX,
}
"""The page on which each block belongs."""
_STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_BLOCK = re.compile(r"<!-- (transcript|help: [a-z -]+) -->\n(?:```text\n.*?```\n)?", re.DOTALL)

_COLUMNS = ("| column | type | meaning |", "| 列 | 类型 | 含义 |")
_CARRIED = (
    "| *further input columns* | text | as in the input, `input_` in front of a used name |",
    "| *输入中的其他列* | 文本 | 按输入原样；名称已被占用的，前面加 `input_` |",
)
_CHANGES = (" ([changes](#changes))", "（[变更](#变更)）")
_PERSONAL = (" (personal data)", "（个人数据）")
_PUNCTUATION = ((": ", ": ", "; "), ("：", "：", "；"))
_NAMES = re.compile(rf"\b({'|'.join(name for name in ROWS if '_' in name)})\b", re.ASCII)


def columns(page: Path) -> str:
    """Return the table of the report's columns, in the page's language."""
    at = int(page in TWINS.values())
    lines = [_COLUMNS[at], "|---|---|---|"]
    for column in COLUMNS:
        meaning = _NAMES.sub(r"`\1`", column.meaning[at]) + _PERSONAL[at] * column.personal
        begin, between, end = _PUNCTUATION[at]
        if column.name == "state":
            meaning += begin + end.join(f"`{s}`{between}{s.meaning[at]}" for s in State)
        elif column.name == "unknown_reason":
            meaning += begin + " ".join(f"`{reason}`" for reason in UnknownReason)
        elif column.name == "change":
            meaning += _CHANGES[at]
        lines.append(f"| `{column.name}` | {column.type.text[at]} | {meaning} |")
        if column.name == "openid":
            lines.append(_CARRIED[at])
    return "\n".join(lines) + "\n"


def with_columns(page: Path) -> str:
    """Return a page with the table of columns as it has to be."""
    heading = re.escape(_COLUMNS[page in TWINS.values()])
    text, count = re.subn(
        rf"^{heading}\n(?:\|.*\n)+", lambda _: columns(page), text_of(page), flags=re.MULTILINE
    )
    assert count == 1, f"{page} has no table of columns"
    return text


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


def written(page: Path) -> dict[str, str]:
    """Return a page's blocks as they stand, by name."""
    return {match[1]: match[0] for match in _BLOCK.finditer(text_of(page))}


def text_of(page: Path) -> str:
    """Return what stands on a page."""
    return page.read_text(encoding="utf-8")


def section(page: Path, heading: str) -> str:
    """Return what stands under one heading of a page, up to the next of its level or above."""
    level = heading[: heading.index(" ")]
    found = re.search(
        rf"^{re.escape(heading)}\n(.*?)(?=^#{{1,{len(level)}}} |\Z)",
        text_of(page),
        re.DOTALL | re.MULTILINE,
    )
    assert found, f"{page} has no {heading}"
    return found[1]


if __name__ == "__main__":
    for page in PAGES:
        text = _BLOCK.sub(lambda match: block(match[1]), text_of(page))
        page.write_text(text, encoding="utf-8")
    for page in (JOBS, TWINS[JOBS]):
        page.write_text(with_columns(page), encoding="utf-8")
