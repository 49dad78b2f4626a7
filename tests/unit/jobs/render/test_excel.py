"""jobs.render.excel.workbook: the workbook holds the report's numbers, and its texts are texts."""

import gc
import io
import re
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
from jobs.render.numbers import LOSSES_FIRST
from jobs.render.text import CONTROLS
from jobs.schema import ROWS, Change, State, carried_columns
from tests.night import with_members

SHEETS = ["Summary", "Organizations", "Transitions", "Trend", "Changes", "Unknown", "About"]
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
    top = next(
        cell.row for cell in sheet["A"] if cell.value == heading and sheet.cell(cell.row, 2).value
    )
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
    assert changes == {name: count for name, count in summary.changes.items() if count}
    assert changes["CLOSED"] == changes["CLEARED"] == changes["DROPPED"] == 1
    assert list(changes) == [each for each in LOSSES_FIRST if each in changes]
    sums = {row["sum"]: (row["pairs"], row["share"]) for row in table(sheet, "sum")}
    assert sums == {
        "lost": (summary.loss, pytest.approx(summary.loss / 19)),
        "gained": (summary.gain, None),
        "net": (summary.gain - summary.loss, None),
        "hidden": (summary.hidden, None),
        "ON before": (19, 1.0),
        "ON after": (16, pytest.approx(16 / 19)),
    }
    reasons = {row["unknown_reason"]: row["pairs"] for row in table(sheet, "unknown_reason")}
    assert reasons == summary.unknown_reasons == {"TIMEOUT": 2}


def test_summary_begins_with_the_headline_and_ends_with_small_warnings_and_controls(report):
    sheet = workbook(report)["Summary"]
    assert sheet["A1"].value.startswith("2025-03-05: of 19 pairs 14 are ON")
    lines = [cell.value for cell in sheet["A"]]
    assert lines.index("States") < lines.index("Changes") < lines.index("The input")
    assert lines[lines.index("The input") + 1].startswith("2 input lines hold no pair")
    assert lines[-1] == "Controls: 14 of 14 hold"


def test_without_a_baseline_nothing_is_called_a_net_change(report_of, nights):
    sheet = workbook(report_of({"1/oA": "ON"}, nights[0]))["Summary"]
    assert "net change" not in table(sheet, "state")[0]


def test_transitions_are_the_metadata_s(report):
    rows = table(workbook(report)["Transitions"], "before \\ now")
    total = rows.pop()
    matrix = report.summary.transitions
    names = {"never": "never known", "not_in_input": "not in the input"}
    assert {
        row["before \\ now"]: {name: row[names.get(name, name)] for name in matrix["ON"]}
        for row in rows
    } == {names.get(was, was): row for was, row in matrix.items()}
    assert [row["total"] for row in rows] == [sum(row.values()) for row in matrix.values()]
    assert total["total"] == len(report.rows)


def test_organizations_are_the_metadata_s(report):
    found = listed(workbook(report)["Organizations"]).set_index("organization_id")
    assert list(found.index) == ["000", "001", "002", "学校"], "those that lost most first"
    for name, own in report.summary.by_organization.items():
        assert found.loc[name, "pairs"] == own.pairs
        assert {state: found.loc[name, state] for state in State} == own.states
        changes = {c: found.loc[name, c] for c in Change if c is not Change.UNKNOWN}
        assert {c: n for c, n in changes.items() if n} == {
            c: n for c, n in own.changes.items() if c != Change.UNKNOWN
        }
        lost, gained, net = found.loc[name, ["lost", "gained", "net"]]
        assert (lost, gained, net) == (own.lost, own.gained, own.net)
        shares = found.loc[name, ["share ON before", "share ON after", "share lost"]]
        expected = [
            own.on_before / own.pairs_before if own.pairs_before else float("nan"),
            own.on_after / own.pairs,
            own.lost / own.on_before if own.on_before else float("nan"),
        ]
        assert shares.to_list() == pytest.approx(expected, nan_ok=True)
        assert found.loc[name, "hidden"] == 0


def test_changes_hold_every_pair_to_which_something_happened_class_by_class(report):
    found = listed(workbook(report)["Changes"])
    quiet = ("UNCHANGED", "ABSENT", "UNKNOWN")
    rows = report.rows[~report.rows["change"].isin(quiet)]
    assert sorted(found["openid"]) == sorted(rows["openid"])
    assert found["change"].to_list() == ["CLOSED", "CLEARED", "FIRST_SEEN", "DROPPED"]
    assert found["class"].to_list() == ["k-o03", "k-o04", "k-oNew", "k-o01"]


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
    assert [row["control"] for row in controls] == [CONTROLS[each.name] for each in report.controls]
    assert {row["Verdict"] for row in controls} == {"holds"}
    invalid = [(row["line"], row["reason"]) for row in table(sheet, "line")]
    assert invalid == [(each["line"], each["reason"]) for each in about["input"]["invalid_lines"]]
    flows = {row["state"]: row for row in table(sheet, "state")}
    assert flows.keys() == {"ON", "OFF", "NONE"}
    for state, flow in flows.items():
        assert flow["opening"] == report.summary.roll_forward[state].opening
        assert flow["moved out"] == report.summary.roll_forward[state].moved_out


@pytest.mark.parametrize("many_rows", [0, 50_000])
@pytest.mark.parametrize("openid", HOSTILE)
def test_hostile_openids_stay_text_and_unharmed(report, openid, many_rows):
    rows = report.rows.assign(openid=openid, **{"class": openid, "=name": "{=1}"})
    book = workbook(replace(report, content=rows), many_rows=many_rows)
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
    assert [cell.value for cell in sheet["A"]][1:] == ["000", "001", "学校", "001"]


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
    found = listed(workbook(replace(report, content=rows))["Changes"])
    shown = found["authorize_time (Asia/Shanghai)"].to_list()
    assert sum(isinstance(value, str) and value.startswith("0001-02-03") for value in shown) == 3
    assert any(isinstance(value, datetime) for value in shown)


def test_headings_stay_in_sight_and_filter(report):
    book = workbook(report)
    frozen = {name: book[name].freeze_panes for name in SHEETS}
    assert frozen == {
        "Summary": None, "Transitions": "B2", "Organizations": "B2", "Trend": None,
        "Changes": "C2", "Unknown": "C2", "About": None,
    }  # fmt: skip
    assert book["Changes"].auto_filter.ref == "A1:P5"
    assert book["Unknown"].auto_filter.ref == "A1:R3"
    assert book["Organizations"].auto_filter.ref == "A1:X5"
    for name in ("Organizations", "Transitions", "Changes", "Unknown"):
        assert book[name].print_title_rows == "$1:$1"


def test_columns_are_as_wide_as_what_they_hold(report):
    rows = report.rows.assign(openid="o" * 28, **{"class": "学" * 20, "note": "x" * 1000})
    widths = workbook(replace(report, content=rows))["Changes"].column_dimensions
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
    assert coloured == {'[=0]0.0%;[<0.0005]"< 0.1%";0.0%'}
    assert not book["Changes"].conditional_formatting


def test_what_does_not_fit_is_cut_and_the_sheet_says_what(report):
    book = workbook(report, most_rows=4)
    changes = book["Changes"]
    assert changes["A1"].value == (
        "2 more rows do not fit on a sheet of Excel; Parquet and CSV have them all. "
        "FIRST_SEEN 1, DROPPED 1"
    )
    assert changes.max_row == 4
    assert [cell.value for cell in changes["D"]][1:] == ["change", "CLOSED", "CLEARED"]
    assert changes.freeze_panes == "C3"
    assert changes.auto_filter.ref == "A2:P4"
    assert book["Unknown"]["A1"].value == "organization_id", "three rows fit"
    assert book["Organizations"]["A1"].value.startswith("2 more rows do not fit")


@pytest.mark.parametrize("many_rows", [0, 50_000])
@pytest.mark.parametrize("text", ["\0\a\x1b", "a\rb\nc", "\ufffe\uffff", "_x0041_", " ", "\u2028"])
def test_no_character_breaks_the_workbook(report, text, many_rows):
    rows = report.rows.assign(**{"class": text, f"name {text}": "x"})
    found = workbook(replace(report, content=rows), many_rows=many_rows)["Changes"]
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
    shown = listed(workbook(replace(report, content=rows))["Changes"])["class"][0]
    assert len(shown) == kept
    assert len(shown.encode("utf-16-le")) <= 2 * 32_767
    assert (shown == text) is not shown.endswith("…")


def test_a_workbook_kept_on_disk_holds_the_same(report):
    one, other = workbook(report), workbook(report, many_rows=0)
    for name in SHEETS:
        cells = [list(book[name].iter_rows(values_only=True)) for book in (one, other)]
        assert cells[0] == cells[1]


def test_everything_is_chinese_on_a_chinese_workbook(report):
    book = workbook(report, Language.ZH)
    assert book.sheetnames == ["摘要", "机构", "状态迁移", "趋势", "变更", "未知", "关于"]
    summary = book["摘要"]
    assert [row["变更"] for row in table(summary, "变更")] == [
        "关闭 CLOSED", "清除 CLEARED", "首次出现 FIRST_SEEN", "移出名单 DROPPED", "不在名单 ABSENT",
        "未知 UNKNOWN", "未变 UNCHANGED",
    ]  # fmt: skip
    assert [row["本次状态"] for row in table(summary, "本次状态")] == [
        "已开通 ON", "已关闭 OFF", "未授权 NONE", "未知 UNKNOWN",
    ]  # fmt: skip
    changes = listed(book["变更"])
    assert list(changes)[:6] == ["机构", "openid", "class", "变更", "此前状态", "本次状态"]
    assert changes["变更"].to_list() == ["关闭", "清除", "首次出现", "移出名单"]
    assert changes["此前状态"].to_list()[:2] == ["已开通", "已开通"]
    assert listed(book["未知"])["原因"].to_list() == ["超时", "超时"]


NOT_TRANSLATED = re.compile(
    r"Asia/Shanghai|[A-Z_]{2,}|openid|class|JSON|k-o\w+|o\w\w\w?$|request-\w+|\d{8}T\w+-\w+"
)


def test_no_english_word_is_left_on_a_chinese_workbook(report):
    """But for names of the metadata, equations, ids and codes of the Parquet file."""
    book = workbook(report, Language.ZH)
    left = {
        (sheet.title, cell.value)
        for sheet in book.worksheets[:-1]
        for row in sheet.iter_rows()
        for cell in row
        if isinstance(cell.value, str)
        and re.search(r"[A-Za-z]{2,}", NOT_TRANSLATED.sub("", cell.value))
    }
    assert left == set()


def test_a_carried_column_is_never_translated(report):
    """Even where its name or its values are words of ours."""
    rows = report.rows.rename(columns={"class": "lost"}).assign(lost="CLOSED", missing="state")
    book = workbook(replace(report, content=rows), Language.ZH)
    for name in ("变更", "未知"):
        found = listed(book[name])
        assert list(found)[2:4] == ["lost", "missing"]
        assert set(found["lost"]) == {"CLOSED"}
        assert set(found["missing"]) == {"state"}


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
    broken = with_members(report, {"history": [report.about["history"][0] | {"states": {}}] * 2})
    with pytest.raises(KeyError):
        write_excel(broken, io.BytesIO(), many_rows=0)
    with warnings.catch_warnings():  # XlsxWriter leaves its files to be closed when forgotten
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    assert set(tmp_path.iterdir()) == before
