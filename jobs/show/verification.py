"""``palm-report --verify``: what a check of a report against its evidence found."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jobs.errors import OutputError, UsageError
from jobs.parsed_options import ParsedOptions
from jobs.render.language import Language

if TYPE_CHECKING:
    import pandas as pd

    from jobs.evidence.verify.verification import Verification
    from jobs.report.model import Report

__all__ = ["check_options", "show_verification"]

_WITH_VERIFY: Final = (
    "evidence", "key", "certificate", "fingerprint", "root", "baseline", "chain", "openid",
    "organization_id",
)  # fmt: skip
_NOT_WITH_VERIFY: Final = (
    "only", "organization", "where", "by", "show", "split_by", "redact", "since", "until",
)  # fmt: skip
_FOLDER: Final = "evidence"


def check_options(given: ParsedOptions) -> None:
    """Check that the options go together with ``--verify``, or are not there without it.

    Raises:
        UsageError: They do not.
    """
    verify = given["verify"]
    for name in _NOT_WITH_VERIFY if verify else _WITH_VERIFY:
        if given[name]:
            option = f"--{name.replace('_', '-')}"
            if name == "only":
                option = f"--{given['only']}"
            raise UsageError(
                f"{option} and --verify contradict each other"
                if verify
                else f"{option} is for --verify"
            )
    if not verify:
        return
    if (given["openid"] is None) != (given["organization_id"] is None):
        raise UsageError("--openid and --organization-id belong together")
    has_output = bool(given["output"]) or given["stdout_format"] is not None
    if has_output and given["openid"] is None:
        raise UsageError("--verify writes one person's proof: name --openid and --organization-id")


def show_verification(
    report: Report, path: Path, given: ParsedOptions, read: Callable[[Path], Report]
) -> int:
    """Check a report and print what was found, or write one person's proof.

    Args:
        report: The report.
        path: Its file.
        given: The options, as click took them.
        read: Reads a report: the baseline.

    Returns:
        The exit code.

    Raises:
        InputError: Evidence, or the baseline, cannot be read.
        OutputError: The proof, or standard output, cannot be written.
        UsageError: Options are wrong, or the evidence is of another run.
    """
    from jobs.evidence.outcomes import worst  # noqa: PLC0415 - pandas and all
    from jobs.evidence.verify.proof import row_of  # noqa: PLC0415
    from jobs.evidence.verify.trust import read_trust  # noqa: PLC0415
    from jobs.evidence.verify.verification import verify_report  # noqa: PLC0415
    from jobs.store.days import report_in  # noqa: PLC0415
    from palm import Pair  # noqa: PLC0415

    language = Language(given["lang"])
    folder = given["evidence"] or _folder_beside(path)
    trust = read_trust(given["key"], given["certificate"], given["fingerprint"], given["root"])
    rows = None
    if given["openid"] is not None:
        rows = row_of(report.chunks(), Pair(given["openid"], given["organization_id"]))
    baseline = None
    if given["baseline"] is not None:
        baseline_path = report_in(given["baseline"])
        baseline = read(baseline_path), baseline_path
    found = verify_report(
        report, path, folder, trust, rows=rows, baseline=baseline, chain=given["chain"]
    )
    proof_is_printed = False
    if rows is not None and (given["output"] or given["stdout_format"] is not None):
        proof_is_printed = _write_proof(report, rows, path, folder, given)
    if not proof_is_printed:
        _print(found, language)
    if baseline is None:
        return found.exit_code
    before = verify_report(*baseline, folder, trust)
    _print(before, language)
    return worst({found.exit_code, before.exit_code})


def _folder_beside(path: Path) -> Path:
    """Return where evidence is looked for by default: ``evidence`` beside the reports."""
    from jobs.store.days import is_dated_report  # noqa: PLC0415 - not needed for --help
    from jobs.store.locations import is_day_folder  # noqa: PLC0415

    absolute = path.absolute()
    day = absolute.parent if is_dated_report(absolute) else absolute
    reports = day.parent if is_day_folder(day) else day
    return Path(os.path.relpath(reports.parent / _FOLDER))


def _write_proof(
    report: Report, row: pd.DataFrame, path: Path, folder: Path, given: ParsedOptions
) -> bool:
    """Write one person's proof; return True if standard output holds it."""
    from jobs.evidence.folder import EvidenceDay  # noqa: PLC0415 - pandas and all
    from jobs.evidence.read import EvidenceFiles  # noqa: PLC0415
    from jobs.evidence.verify.proof import person_proof  # noqa: PLC0415
    from jobs.store.files.same_file import check_outputs_apart  # noqa: PLC0415
    from jobs.store.outputs import parse_outputs  # noqa: PLC0415
    from jobs.store.preflight import check_outputs  # noqa: PLC0415
    from jobs.store.publish import write_all  # noqa: PLC0415

    outputs = parse_outputs(given["output"], given["stdout_format"], report.run_date)
    check_outputs_apart(outputs.files, path, kept=None, piped=outputs.stdout is not None)
    formats = {*(each.suffix for each in outputs.files)} | (
        {f".{outputs.stdout}"} if outputs.stdout else set()
    )
    if outputs.folder is not None or formats != {".json"}:
        raise UsageError("a proof is JSON: -o proof.json")
    check_outputs(outputs)
    with EvidenceFiles(EvidenceDay.of(folder, report.run_date).parts()) as files:
        proof = person_proof(row, files)
    stdout = sys.stdout.buffer if outputs.stdout else None
    failed = write_all(
        lambda _, file: file.write(proof), report.run_id, outputs, Language(given["lang"]), stdout
    )
    if failed:
        raise OutputError("; ".join(each.sentence() for each in failed))
    return outputs.stdout is not None


def _print(found: Verification, language: Language) -> None:
    from jobs.render.terminal import SummaryConsole  # noqa: PLC0415 - not needed for --help
    from jobs.render.translations import translator  # noqa: PLC0415
    from jobs.show.verification_lines import print_verification  # noqa: PLC0415

    try:
        print_verification(found, SummaryConsole(highlight=False), translator(language), language)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has seen enough: palm-report ... | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        raise OutputError(f"standard output cannot be written: {error.strerror}") from None
