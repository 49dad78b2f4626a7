"""Files that went wrong, through the command: what is asked, what is said, what is written."""

from __future__ import annotations

import codecs

import pytest

from jobs.report.parquet import read_parquet
from tests.night import DAY, NEXT

PEOPLE = [f"oCase{number:02}{'a' * 21}" for number in range(6)]
KEYS = "openid,organization_id\n"


def of(line, count=3, header=KEYS):
    return header + "".join(line.format(openid) + "\n" for openid in PEOPLE[:count])


FLOATS = ["1004.0", "1004.0", "1.00E+03", "1004"]
WIDE = ["１００４", "1004", "１００４"]
DECORATED = "lines blanks, quotes or invisible characters round a key were taken off"
DATED = "openid,organization_id,run_date\n"


def each(organizations):
    """Return a file with one pair for each organization."""
    return KEYS + "".join(f"{o},{own}\n" for o, own in zip(PEOPLE, organizations, strict=False))


CASES = {
    "blank before quote": (of('"{}", "1001"', 6), 6, "1001", f"On 6 {DECORATED}"),
    "formula text": (of('{},"=""0042"""', 6), 6, "0042", f"On 6 {DECORATED}"),
    "no-break space": (of("{},1004\u00a0"), 3, "1004", f"On 3 {DECORATED}"),
    "float ids": (each(FLOATS), 4, "1004", "of 3 pairs look damaged (.0, E+), first on line 2"),
    "wide digits": (each(WIDE), 3, "1004", "of 2 pairs hold full-width digits, first on line 2"),
    "backticks": (of("`{},`1004,`张", 4, "`openid,`organization_id,`姓名\n"), 4, "1004", "On 4 "),
    "sep line": (of("{};1004", 3, "sep=;\nopenid;organization_id\n"), 3, "1004", ""),
    "title": ("刷掌名单 2026-11\n\n" + of("{},1004"), 3, "1004", ""),
    "header again": (of("{},1004", 2) + of("{},1005"), 5, "1004", "line 4 (the header again)"),
    "run_date column": (of("{},1004,2026-11-01", 3, DATED), 3, "1004", ""),
}


@pytest.mark.parametrize(("text", "pairs", "organization", "said"), CASES.values(), ids=CASES)
def test_the_command_reads_what_was_meant_and_says_what_it_did(
    reconcile, folder, text, pairs, organization, said
):
    (folder / "case.csv").write_text(text, encoding="utf-8")
    ended = reconcile(source="case.csv", run_date=DAY)
    assert ended.code == (3 if "header again" in said else 0)
    report = read_parquet(folder / "report.parquet")
    assert len(report.rows) == pairs
    assert organization in set(report.rows["organization_id"])
    assert said in " ".join(ended.err.split())


def test_unicode_text_of_excel_is_read(reconcile, folder):
    text = of("{}\t1004", header="openid\torganization_id\n").replace("\n", "\r\n")
    (folder / "case.txt").write_bytes(codecs.BOM_UTF16_LE + text.encode("utf-16-le"))
    assert reconcile(source="case.txt").code == 0
    assert len(read_parquet(folder / "report.parquet").rows) == 3


def test_two_files_put_together_with_other_columns_end_with_65_and_write_nothing(
    reconcile, folder, gateway
):
    (folder / "case.csv").write_text(
        of("{},1004") + of("1004,{}", header="organization_id,openid\n")
    )
    before = gateway.stats.requests
    ended = reconcile(source="case.csv")
    assert ended.code == 65
    assert "line 5: another header" in ended.only_line
    assert gateway.stats.requests == before
    assert list(folder.glob("*.parquet")) == []


def test_a_decorated_file_after_a_plain_one_changes_nothing(reconcile, folder):
    (folder / "case.csv").write_text(of("{},1004"))
    assert reconcile(source="case.csv", run_date=DAY).code == 0
    (folder / "case.csv").write_text(of('"{}\u00a0", "1004"'))
    assert reconcile(source="case.csv", run_date=NEXT).code == 0
    changes = read_parquet(folder / "report.parquet").summary.changes
    assert changes["FIRST_SEEN"] == changes["DROPPED"] == 0
