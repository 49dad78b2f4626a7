"""What every benchmark shares: its options, medians with their spread, the machine, the table.

With ``--readme`` a benchmark writes what it prints into README.md beside this file, too: into the
block under ``<!-- benchmark: NAME -->``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import signal
import statistics
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

__all__ = ["Spread", "finish", "machine", "markdown", "options", "processor"]

_LIBRARIES: Final = (
    "aiohttp", "cryptography", "numpy", "pandas", "pyarrow", "uvloop", "wechatpayv3",
)  # fmt: skip
_CPUS: Final = Path("/proc/cpuinfo")
_README: Final = Path(__file__).with_name("README.md")


class Spread(NamedTuple):
    """A median, and the least and the most that it is the median of."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        """Return the spread of some numbers."""
        found = list(values)
        return cls(statistics.median(found), min(found), max(found))

    def text(self, digits: int = 2) -> str:
        """Return it as a table's cell has it."""
        median, least, most = (f"{value:,.{digits}f}" for value in self)
        return median if least == most else f"{median} ({least} to {most})"


def options(
    doc: str | None, *, rounds: int | None = 5, counts: str = "how often all is measured"
) -> argparse.ArgumentParser:
    """Return a parser with the options that every benchmark has.

    From here on SIGTERM ends a benchmark as Ctrl+C does: what it started ends with it.
    """
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=doc, formatter_class=form)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers here too")
    parser.add_argument(
        "--readme", action="store_true", help="write the tables into tests/benchmarks/README.md"
    )
    if rounds is not None:
        parser.add_argument("--rounds", type=int, default=rounds, metavar="N", help=counts)
    return parser


def processor() -> str:
    """Return the CPU's name, as the kernel has it."""
    if _CPUS.exists():
        for line in _CPUS.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def machine(**more: str) -> dict[str, Any]:
    """Return what it was measured on."""
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "cpu": processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "libraries": found | more,
    }


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; its columns but the first are aligned to the right."""
    lines = [header, *rows]
    widths = [max(3, *(len(line[at]) for line in lines)) for at in range(len(header))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    made = [
        [cell.rjust(width) if at else cell.ljust(width) for at, (cell, width) in zipped]
        for zipped in (enumerate(zip(line, widths, strict=True)) for line in [header, rule, *rows])
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in made)


def finish(given: argparse.Namespace, text: str, numbers: dict[str, Any], **more: str) -> None:
    """Print the table and the machine; write them, and the JSON, where that was asked for."""
    on = machine(**more)
    versions = ", ".join(f"{name} {number}" for name, number in on["libraries"].items())
    text = f"{text}\n\n{on['cpu']}, {on['cores']} cores, {on['python']},\n{versions}"
    print(f"\n{text}")
    if given.readme:
        _write_readme(Path(sys.argv[0]).stem, text)
    if given.json:
        given.json.write_text(json.dumps({"machine": on, **numbers}, indent=2) + "\n")


def _write_readme(name: str, text: str) -> None:
    marker = f"<!-- benchmark: {name} -->\n```text\n"
    before = _README.read_text(encoding="utf-8")
    block = re.compile(re.escape(marker) + r".*?```\n", re.DOTALL)
    after, found = block.subn(lambda _: f"{marker}{text}\n```\n", before)
    if found != 1:
        raise SystemExit(f"{_README} has {found} blocks for the benchmark {name}, not one")
    _README.write_text(after, encoding="utf-8")
