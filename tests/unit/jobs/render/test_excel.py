"""jobs.render.excel.workbook: the workbook holds the report's numbers, and its texts are texts."""

import gc
import io
import warnings
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import openpyxl
import pandas as pd
import pytest

from jobs.render.excel.workbook import write_excel
from jobs.render.language import Language
from jobs.schema import ROWS, Change, State, carried_columns
from tests.night import with_members

SHEETS = ["Summary", "Transitions", "Organizations", "Changes", "Unknown", "About"]
HOSTILE = ("<script>alert(1)</script>", "=1+1", '"; DROP', "学" * 128)
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def report(report_of, nights, tmp_path):
    """Return the report of a third night in which everything happens that can."""
    first, second, third = nights
    file = tmp_path / "report.parquet"
    file.write_bytes(b"stands for the baseline's file")
    pairs = [f"00{number % 3}/o{number:02}" for number in range(20)]
    one = report_of(dict.fromkeys(pairs, "ON"), first)
    two = report_of(dict.fromkeys(pairs[1:], "ON"), second, baseline=one, baseline_file=file)
    heard = dict.fromkeys(pairs[2:], "ON") | {
        pairs[3]: "OFF",
        pairs[4]: "NONE",
        pairs[5]: "UNKNOWN",
        pairs[6]: "UNKNOWN",
        "学校/oNew": "OFF",
    }
    return report_of(
        heard, third, baseline=two, baseline_file=file, extra_lines=",1\noShort,00300,a,b\n"
    )


def workbook(report, language=Language.EN, **limits) -> openpyxl.Workbook:
    return openpyxl.load_workbook(written(report, language, **limits))


def written(report, language=Language.EN, **limits) -> io.BytesIO:
    """Return the workbook in which every carried column is shown."""
    report = replace(report, show=tuple(carried_columns(report.rows.columns, ROWS)))
    file = io.BytesIO()
    write_excel(report, file, language, **limits)
    return file


def table(sheet, heading) -> list[dict[str, object]]:
    """Return the rows of the table whose first column has that heading."""
    top = next(cell.row for cell in sheet["A"] if cell.value == heading)
    names = [cell.value for cell in sheet[top]]
    rows = []
    for row in sheet.iter_rows(min_row=top + 1, values_only=True):
        if row[0] is None:
            break
        rows.append(dict(zip(names, row, strict=True)))
    return rows


def listed(sheet) -> pd.DataFrame:
    head, *rows = sheet.iter_rows(values_only=True)
    return pd.DataFrame(rows, columns=head)


def test_sheets_stand_in_the_order_in_which_they_are_read(report):
    assert workbook(report).sheetnames == SHEETS


def test_no_carried_column_is_in_it_unless_it_is_to_be_shown(report):
    file = io.BytesIO()
    write_excel(report, file)
    values = [str(value) for value in report.rows["class"].dropna()]
    with zipfile.ZipFile(file) as book:
        content = b"".join(book.read(name) for name in book.namelist()).decode()
    assert [value for value in values if value in content] == []
    assert list(listed(openpyxl.load_workbook(file)["Changes"]))[:3] == [
        "organization_id",
        "openid",
        "change",
    ]
    assert "class" in list(listed(workbook(report)["Changes"]))


def test_states_are_the_metadata_s(report):
    summary = report.summary
    rows = {row["state"]: row for row in table(workbook(report)["Summary"], "state")}
    assert {name: row["pairs"] for name, row in rows.items()} == summary.states
    for state in ("ON", "OFF", "NONE"):
        flow = summary.roll_forward[state]
        assert rows[state]["share"] == pytest.approx(summary.states[state] / summary.pairs)
        assert rows[state]["last known"] == summary.known[state]
        assert rows[state]["net change"] == flow.closing - flow.opening
    assert rows["UNKNOWN"]["last known"] is None


def test_changes_and_their_sums_are_the_metadata_s(report):
    sheet, summary = workbook(report)["Summary"], report.summary
    changes = {row["change"]: row["pairs"] for row in table(sheet, "change")}
    assert changes == summary.changes
    assert changes["CLOSED"] == changes["CLEARED"] == changes["DROPPED"] == 1
    sums = {row["sum"]: row["pairs"] for row in table(sheet, "sum")}
    assert sums == {"gain": summary.gain, "loss": summary.loss, "hidden": summary.hidden}
    reasons = {row["unknown_reason"]: row["pairs"] for row in table(sheet, "unknown_reason")}
    assert reasons == summary.unknown_reasons == {"TIMEOUT": 2}


def test_summary_begins_with_the_headline_and_what_to_know_before_the_numbers(report):
    sheet = workbook(report)["Summary"]
    assert sheet["A1"].value.startswith("2025-03-05: of 19 pairs 14 are ON")
    assert sheet["A2"].value.startswith("2 input lines hold no pair")
    assert sheet.freeze_panes == "A2"


def test_without_a_baseline_nothing_is_called_a_net_change(report_of, nights):
    sheet = workbook(report_of({"1/oA": "ON"}, nights[0]))["Summary"]
    assert {row["net change"] for row in table(sheet, "state")} == {None}


def test_transitions_are_the_metadata_s(report):
    rows = table(workbook(report)["Transitions"], "before \\ now")
    total = rows.pop()
    matrix = report.summary.transitions
    assert {
        row["before \\ now"]: {name: row[name] for name in matrix["ON"]} for row in rows
    } == matrix
    assert [row["total"] for row in rows] == [sum(row.values()) for row in matrix.values()]
    assert total["total"] == len(report.rows)


def test_organizations_are_the_metadata_s(report):
    found = listed(workbook(report)["Organizations"]).set_index("organization_id")
    assert list(found.index) == ["000", "001", "002", "学校"]
    for name, own in report.summary.by_organization.items():
        assert found.loc[name, "pairs"] == own.pairs
        assert {state: found.loc[name, state] for state in State} == own.states
        changes = {c: found.loc[name, c] for c in Change if c is not Change.UNKNOWN}
        assert {c: n for c, n in changes.items() if n} == {
            c: n for c, n in own.changes.items() if c != Change.UNKNOWN
        }
        assert found.loc[name, "ON share"] == pytest.approx(own.states["ON"] / own.pairs)


def test_changes_hold_every_pair_to_which_something_happened_class_by_class(report):
    found = listed(workbook(report)["Changes"])
    quiet = ("UNCHANGED", "ABSENT", "UNKNOWN")
    rows = report.rows[~report.rows["change"].isin(quiet)]
    assert sorted(found["openid"]) == sorted(rows["openid"])
    assert found["change"].to_list() == ["FIRST_SEEN", "CLOSED", "CLEARED", "DROPPED"]
    assert found["class"].to_list() == ["k-oNew", "k-o03", "k-o04", "k-o01"]


def test_unknown_holds_every_pair_without_an_answer(report):
    found = listed(workbook(report)["Unknown"])
    assert found["openid"].to_list() == ["o05", "o06"]
    assert found["unknown_reason"].to_list() == ["TIMEOUT", "TIMEOUT"]
    assert found["known_state"].to_list() == ["ON", "ON"]
    assert found["class"].to_list() == ["k-o05", "k-o06"]


def test_about_holds_the_rest_of_the_metadata(report):
    sheet, about = workbook(report)["About"], report.about
    values = {row["key"]: row["value"] for row in table(sheet, "key")}
    assert values["run.id"] == about["run"]["id"]
    assert values["input.lines"] == about["input"]["lines"]
    assert values["gateway.mchid"] == "0000000000"
    assert values["run.verdict"] is None
    assert values["baseline.sha256"] == about["baseline"]["sha256"]
    assert not [key for key in values if key.startswith(("summary", "history", "controls"))]
    controls = table(sheet, "control")
    assert [row["control"] for row in controls] == [each.name for each in report.controls]
    assert {row["Verdict"] for row in controls} == {"holds"}
    invalid = [(row["line"], row["reason"]) for row in table(sheet, "line")]
    assert invalid == [(each["line"], each["reason"]) for each in about["input"]["invalid_lines"]]
    runs = table(sheet, "run_date")
    assert [run["CLOSED"] for run in runs] == [r["changes"]["CLOSED"] for r in about["history"]]


@pytest.mark.parametrize("many_rows", [0, 50_000])
@pytest.mark.parametrize("openid", HOSTILE)
def test_hostile_openids_stay_text_and_unharmed(report, openid, many_rows):
    rows = report.rows.assign(openid=openid, **{"class": openid, "=name": "{=1}"})
    book = workbook(replace(report, rows=rows), many_rows=many_rows)
    for name in ("Changes", "Unknown"):
        cells = [cell for row in book[name].iter_rows(min_row=2) for cell in row]
        assert [cell for cell in cells if cell.value == openid]
        assert not [cell for cell in cells if cell.data_type == "f" or cell.hyperlink]
        found = listed(book[name])
        assert set(found["openid"]) == set(found["class"]) == {openid}
        assert set(found["=name"]) == {"{=1}"}


def test_ids_are_text_that_stays_text_when_it_is_edited(report):
    sheet = workbook(report)["Changes"]
    for cell in sheet["A"][1:] + sheet["B"][1:]:
        assert (cell.data_type, cell.number_format) == ("s", "@")
    assert sheet["A3"].value == "000"


def test_times_are_local_wall_time_with_the_zone_in_the_heading(report):
    found = listed(workbook(report)["Changes"])
    rows = report.rows.set_index("openid")
    for openid, shown in zip(found["openid"], found["known_at (Asia/Shanghai)"], strict=True):
        local = rows.loc[openid, "known_at"].astimezone(SHANGHAI).replace(tzinfo=None)
        assert abs(shown - local) < timedelta(milliseconds=1)
    last = found["last_in_input"].dropna().unique()
    assert [pd.Timestamp(day).date().isoformat() for day in last] == ["2025-03-04"]


def test_times_that_excel_does_not_know_are_text(report):
    rows = report.rows.copy()
    rows.loc[rows.index[:3], "authorize_time"] = datetime(1, 2, 3, 4, 5, 6, tzinfo=UTC)
    rows["change"] = rows["change"].mask(rows.index < 3, "CLOSED")
    found = listed(workbook(replace(report, rows=rows))["Changes"])
    shown = found["authorize_time (Asia/Shanghai)"].to_list()
    assert sum(isinstance(value, str) and value.startswith("0001-02-03") for value in shown) == 3
    assert any(isinstance(value, datetime) for value in shown)


def test_headings_stay_in_sight_and_filter(report):
    book = workbook(report)
    frozen = {name: book[name].freeze_panes for name in SHEETS}
    assert frozen == {
        "Summary": "A2", "Transitions": "B2", "Organizations": "B2", "Changes": "C2",
        "Unknown": "C2", "About": "B2",
    }  # fmt: skip
    assert book["Changes"].auto_filter.ref == "A1:P5"
    assert book["Unknown"].auto_filter.ref == "A1:R3"
    assert book["Organizations"].auto_filter.ref == "A1:U5"


def test_columns_are_as_wide_as_what_they_hold(report):
    rows = report.rows.assign(openid="o" * 28, **{"class": "学" * 20, "note": "x" * 1000})
    widths = workbook(replace(report, rows=rows))["Changes"].column_dimensions
    assert 28 < widths["B"].width < 34
    assert 40 < widths["C"].width < 46
    assert widths["D"].width < 64


def test_only_shares_are_coloured(report):
    book = workbook(report)
    coloured = {
        sheet.cell(row, area.min_col).number_format
        for sheet in book
        for found in sheet.conditional_formatting
        for area in found.cells.ranges
        for row in range(area.min_row, area.max_row + 1)
        if sheet.cell(row, area.min_col).value is not None
    }
    assert coloured == {'[=0]0.0%;[<0.001]"< 0.1%";0.0%'}
    assert not book["Changes"].conditional_formatting


def test_what_does_not_fit_is_cut_and_the_sheet_says_what(report):
    book = workbook(report, most_rows=4)
    changes = book["Changes"]
    assert changes["A1"].value == (
        "2 more rows do not fit on a sheet of Excel; Parquet and CSV have them all. "
        "CLEARED 1, DROPPED 1"
    )
    assert changes.max_row == 4
    assert [cell.value for cell in changes["D"]][1:] == ["change", "FIRST_SEEN", "CLOSED"]
    assert changes.freeze_panes == "C3"
    assert changes.auto_filter.ref == "A2:P4"
    assert book["Unknown"]["A1"].value == "organization_id", "three rows fit"
    assert book["Organizations"]["A1"].value.startswith("2 more rows do not fit")


@pytest.mark.parametrize("many_rows", [0, 50_000])
@pytest.mark.parametrize("text", ["\0\a\x1b", "a\rb\nc", "\ufffe\uffff", "_x0041_", " ", "\u2028"])
def test_no_character_breaks_the_workbook(report, text, many_rows):
    rows = report.rows.assign(**{"class": text, f"name {text}": "x"})
    found = workbook(replace(report, rows=rows), many_rows=many_rows)["Changes"]
    assert found.max_row == 5
    assert len({row[2].value for row in found.iter_rows(min_row=2)}) == 1


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("x" * 32_767, 32_767),
        ("x" * 32_768, 32_767),
        ("😀" * 16_383, 16_383),
        ("😀" * 16_384, 16_384),
    ],
)
def test_a_text_longer_than_a_cell_is_cut_and_ends_in_an_ellipsis(report, text, kept):
    rows = report.rows.assign(**{"class": text})
    shown = listed(workbook(replace(report, rows=rows))["Changes"])["class"][0]
    assert len(shown) == kept
    assert len(shown.encode("utf-16-le")) <= 2 * 32_767
    assert (shown == text) is not shown.endswith("…")


def test_a_workbook_kept_on_disk_holds_the_same(report):
    one, other = workbook(report), workbook(report, many_rows=0)
    for name in SHEETS:
        cells = [list(book[name].iter_rows(values_only=True)) for book in (one, other)]
        assert cells[0] == cells[1]


def test_labels_are_chinese_and_names_stay(report):
    book = workbook(report, Language.ZH, most_rows=4)
    assert book.sheetnames == ["摘要", "状态迁移", "机构", "变更", "未知", "关于"]
    assert {row["change"] for row in table(book["摘要"], "change")} == set(Change)
    assert {row["state"] for row in table(book["摘要"], "state")} >= {"ON", "OFF", "NONE"}
    assert [cell.value for cell in book["变更"][2]][:2] == ["organization_id", "openid"]


def test_nothing_says_who_made_it_and_the_same_report_gives_the_same_bytes(report):
    properties = workbook(report).properties
    assert not properties.creator
    assert not properties.lastModifiedBy
    assert properties.created == datetime.fromisoformat(report.about["run"]["finished"]).replace(
        tzinfo=None
    )
    assert written(report).getvalue() == written(report).getvalue()


def test_nothing_in_it_runs_or_leads_anywhere(report):
    names = zipfile.ZipFile(written(report)).namelist()
    assert not [name for name in names if "vba" in name or "external" in name]
    sheets = [zipfile.ZipFile(written(report)).read(n) for n in names if "worksheets/sheet" in n]
    assert not [sheet for sheet in sheets if b"<f>" in sheet or b"<hyperlink" in sheet]


def test_it_goes_down_a_pipe(report):
    class Pipe(io.RawIOBase):
        def __init__(self):
            self.taken = b""

        def writable(self):
            return True

        def write(self, some):
            self.taken += bytes(some)
            return len(some)

    pipe = Pipe()
    write_excel(report, pipe)
    assert openpyxl.load_workbook(io.BytesIO(pipe.taken)).sheetnames == SHEETS


def test_an_error_of_the_file_is_passed_on(report):
    class Full(io.RawIOBase):
        def write(self, _):
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write_excel(report, Full())


def test_nothing_is_left_behind_where_it_fails(report, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = set(tmp_path.iterdir())
    broken = with_members(report, {"history": [report.about["history"][0] | {"states": {}}]})
    with pytest.raises(KeyError):
        write_excel(broken, io.BytesIO(), many_rows=0)
    with warnings.catch_warnings():  # XlsxWriter leaves its files to be closed when forgotten
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    assert set(tmp_path.iterdir()) == before
