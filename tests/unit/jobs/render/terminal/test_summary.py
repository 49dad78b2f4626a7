"""The summary on a terminal: every number in full, nothing taken for markup."""

from __future__ import annotations

import errno
import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from jobs.render.language import Language
from jobs.render.terminal import SummaryConsole, print_summary, summary_lines
from jobs.report.info import Metadata
from jobs.report.parquet import write_parquet
from jobs.schema import Change, UnknownReason
from tests.night import CLUSTER, with_members


def printed(report, *, width=100, **options):
    file = io.StringIO()
    print_summary(report, Console(file=file, width=width, highlight=False), **options)
    return file.getvalue()


@pytest.fixture
def report(report_of, nights, tmp_path):
    path = tmp_path / "before.parquet"
    first = report_of({"A/a": "ON", "A/b": "ON", "A/c": "OFF"}, nights[0])
    write_parquet(first, path)
    return report_of(
        {"A/a": "OFF", "A/b": "UNKNOWN", "A/c": "ON", "A/d": "NONE"},
        nights[1],
        baseline=first,
        baseline_file=path,
    )


def table(text, title):
    """Return the rows of a table: the first cell to the others."""
    lines = text[text.index(f"\n{title} ") + 1 :].splitlines()[1:]
    rows = (re.split(r"\s{2,}", line.strip()) for line in lines)
    found = {}
    for first, *others in rows:
        if not first:
            return found
        found[first] = others
    return found


def test_it_begins_with_serious_warnings_and_the_headline(after):
    keys = [f"A/o{number:027}" for number in range(9)]
    report = after(dict.fromkeys([*keys[:3], "A/new"], "ON"))
    first, second = printed(report, width=300).splitlines()[:2]
    assert first.startswith("! 2 of 2 pairs of the last report")
    assert second.startswith("2025-03-04: of 4 pairs 4 are ON")


def test_small_warnings_stand_behind_the_counts(report):
    lines = printed(report, width=300).splitlines()
    assert lines[0].startswith("2025-03-04: of 4 pairs 1 is ON")
    (warning,) = [at for at, line in enumerate(lines) if line.startswith("! ")]
    assert lines[warning].startswith("! 4 openids do not look like openids")
    changes = [at for at, line in enumerate(lines) if line.startswith("Changes: ")]
    assert changes < [warning]
    assert lines[warning + 1].startswith("Controls: ")


def test_why_the_exit_code_is_not_0_is_printed_once_by_the_command_that_made_the_report(report):
    run = report.about["run"] | {"exit_code": 3}
    ended = with_members(report, {"run": run})
    why = "The run ended with exit code 3."
    assert printed(ended, width=300).count(why) == 1
    assert why not in printed(ended, width=300, with_verdict=False)
    assert not [line for line in summary_lines(ended) if why in line]


def test_states_are_counted_with_last_known_and_net_change(report):
    states = table(printed(report), "States")
    assert states["ON"] == ["1", "25.0 %", "2", "0"]
    assert states["OFF"] == ["1", "25.0 %", "1", "0"]
    assert states["NONE"] == ["1", "25.0 %", "1", "+1"]
    assert states["UNKNOWN"] == ["1", "25.0 %"]
    assert states["total"] == ["4", "4"]


def test_without_a_baseline_no_net_change_is_claimed(report_of, nights):
    states = table(printed(report_of({"A/a": "ON"}, nights[0])), "States")
    assert states["ON"] == ["1", "100.0 %", "1"]


def test_each_change_that_happened_is_told_with_its_meaning(report):
    changes = table(printed(report, verbose=True), "Changes")
    assert {name: row[0] for name, row in changes.items()} == {
        "FIRST_SEEN": "1", "REOPENED": "1", "CLOSED": "1", "UNKNOWN": "1",
    }  # fmt: skip
    assert changes["CLOSED"][1] == "ON to OFF"


def test_changes_are_one_line_losses_first(report):
    assert "\nChanges: CLOSED 1, REOPENED 1, FIRST_SEEN 1, UNKNOWN 1.\n" in printed(report)


def test_transitions_are_a_matrix(report):
    transitions = table(printed(report), "before \\ now")
    assert transitions == {
        "ON": ["·", "1", "·", "1", "·"],
        "OFF": ["1", "·", "·", "·", "·"],
        "never": ["·", "·", "1", "·", "·"],
    }


def test_unknowns_are_told_by_reason(report):
    assert "\nUnknown, by reason: TIMEOUT 1.\n" in printed(report)


def test_unknowns_are_not_mentioned_where_there_are_none(report_of, nights):
    assert "by reason" not in printed(report_of({"A/a": "ON"}, nights[0]))


def test_every_control_is_shown_with_its_numbers(report):
    text = printed(report, width=200, verbose=True)
    count = len(report.controls)
    assert f"{count} of {count} hold" in text
    assert text.count("✓") == count
    assert "4 lines = 4 pairs + 0 duplicates + 0 invalid" in text


def test_controls_that_all_hold_are_one_line(report):
    text = printed(report)
    assert f"\nControls: {len(report.controls)} of {len(report.controls)} hold.\n" in text
    assert "✓" not in text


def test_a_control_that_fails_stands_out(report):
    controls = [{**report.about["controls"][0], "holds": False}, *report.about["controls"][1:]]
    text = printed(with_members(report, {"controls": controls}))
    assert f"{len(controls) - 1} of {len(controls)} hold" in text
    assert text.count("✗") == 1
    assert "4 lines = 4 pairs + 0 duplicates + 0 invalid" in text


def test_it_says_how_it_was_asked_and_not_what_is_the_same_every_night(report):
    text = " ".join(printed(report).split())
    assert "merchant 0000000000 at sandbox" in text
    assert report.run_id in text
    assert "not yet seen" not in text


@pytest.mark.parametrize("hostile", ["[bold]x[/]", "[/]", "<script>", "[link=https://x]y[/link]"])
def test_what_comes_from_the_input_is_text_and_never_markup(report_of, nights, hostile):
    name = hostile.replace("/", "")
    report = report_of({"A/a": "ON"}, nights[0], name=f"{hostile}.csv", extra_lines=f"{name},B,z\n")
    report = report_of({f"B[bold]/{name}": "ON", "A/a": "ON"}, nights[0], name=f"{hostile}.csv")
    text = printed(report, width=200)
    assert f"{hostile}.csv" in text


def test_no_openid_organization_or_carried_value_is_shown(report_of, nights):
    text = printed(report_of({"secretorg/secretopenid": "ON", "B/b": "UNKNOWN"}, nights[0]))
    assert "secretorg" not in text
    assert "secretopenid" not in text


def test_numbers_of_millions_stand_in_full_at_eighty_columns(report):
    """Nobody may read 8,6… where 8,600,000 is meant."""
    text = printed(_multiplied(report, 2_150_000), width=80)
    assert "…" not in text
    assert "2,150,000" in text
    assert "8,600,000" in text


def _multiplied(report, by):
    def larger(value):
        if isinstance(value, dict):
            return {name: larger(each) for name, each in value.items()}
        return value * by if isinstance(value, int) else value

    return replace(
        report,
        metadata=Metadata.from_json(report.about | {"summary": larger(report.about["summary"])}),
    )


def test_no_line_is_wider_than_the_terminal(report):
    assert max(len(line) for line in printed(report, width=80).splitlines()) <= 80


def test_a_reader_who_leaves_is_an_error_of_the_file_not_the_end_of_the_process(report):
    class Closed(io.StringIO):
        def write(self, text):  # noqa: ARG002 - it comes to nothing
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    with pytest.raises(BrokenPipeError):
        print_summary(report, SummaryConsole(file=Closed(), width=80))


def test_a_report_shown_later_says_how_its_run_ended_and_whom_it_corrects(report):
    assert "exit code" not in printed(report)
    run = report.about["run"] | {"exit_code": 10, "parent": "R1"}
    said = " ".join(printed(with_members(report, {"run": run})).split())
    assert "with exit code 10; it corrects run R1." in said


@pytest.mark.parametrize(
    ("seconds", "starved", "hinted"), [(0.0, 0.0, False), (0.5, 0.4, False), (10.0, 3.0, True)]
)
def test_a_slow_network_is_suspected_only_where_it_cost_time_that_counts(
    report, seconds, starved, hinted
):
    asking = report.about["asking"] | {"seconds": seconds, "starved_seconds": starved}
    said = printed(with_members(report, {"asking": asking}))
    assert ("--concurrency may help" in said) is hinted


def test_what_is_the_same_every_night_is_printed_only_if_asked_for(report):
    for text in ("0 retries", "0 throttled", "worst second", "outages 0.0 s"):
        assert text not in printed(report, width=300)
        assert text in printed(report, width=300, verbose=True)


def test_what_held_the_run_back_is_named_only_if_something_did(report):
    asking = report.about["asking"] | {"throttled_seconds": 3.0, "throttles": 7}
    text = printed(with_members(report, {"asking": asking}), width=300)
    assert "7 throttled" in text
    assert "Held back: throttled 3.0 s." in text
    assert "Held back" not in printed(report, width=300)


def test_the_time_is_that_of_the_run_s_zone_which_is_named_once(report):
    run = report.about["run"] | {"finished": "2025-03-04T17:30:05.123+00:00"}
    text = " ".join(printed(with_members(report, {"run": run})).split())
    assert "finished 2025-03-05 01:30:05 Asia/Shanghai" in text
    assert "+00:00" not in text
    assert text.count("Asia/Shanghai") == 1


def test_the_first_report_says_so_and_has_no_tables_of_zeros(report_of, nights):
    text = printed(report_of({"A/a": "ON"}, nights[0]))
    assert "No comparison: this is the first report." in text
    assert not [name for name in ("before \\ now", "Changes", "net change") if name in text]


@pytest.fixture
def after(report_of, nights, tmp_path):
    """Return a function that makes the report of a night after one on which two pairs were ON."""
    path = tmp_path / "one.parquet"
    first = report_of({"A/a": "ON", "B/b": "ON"}, nights[0])
    write_parquet(first, path)
    return lambda states: report_of(states, nights[1], baseline=first, baseline_file=path)


def test_a_quiet_night_says_that_nothing_changed(after):
    text = printed(after({"A/a": "ON", "B/b": "ON"}))
    assert "Nothing changed since 2025-03-03." in text
    assert not [name for name in ("before \\ now", "Changes", "without an answer") if name in text]


def test_a_night_without_any_answer_shows_what_was_known_before(after):
    text = printed(after({"A/a": "UNKNOWN", "B/b": "UNKNOWN"}))
    assert "Of the pairs without an answer nothing is claimed." in text
    assert table(text, "States")["ON"] == ["2", "0"]
    assert table(text, "States")["UNKNOWN"] == ["2", "100.0 %"]


def test_a_first_night_without_any_answer_has_no_table_of_states(report_of, nights):
    text = printed(report_of({"A/a": "UNKNOWN"}, nights[0]))
    assert "States" not in text
    assert "1 UNKNOWN" in text


def test_organizations_that_lost_are_shown_on_a_terminal_and_never_in_a_log(after):
    lost = after({"A/a": "OFF", "B/b": "ON"})
    assert "Organization" not in printed(lost)
    file = io.StringIO()
    console = Console(file=file, width=80, force_terminal=True, color_system=None)
    print_summary(lost, console)
    assert table(file.getvalue(), "Organization") == {
        "A": ["1", "0", "-1", "100.0 %", "100.0 %", "0.0 %"]
    }


def test_a_night_with_every_change_fits_on_one_screen(report):
    changes = dict.fromkeys(Change, 12_345)
    reasons = dict.fromkeys(list(UnknownReason)[:4], 1_234)
    summary = report.about["summary"] | {"changes": changes, "unknown_reasons": reasons}
    run = report.about["run"] | {"exit_code": 3, "parent": "20250304T010203Z-0123abcd"}
    text = printed(with_members(report, {"summary": summary, "run": run}), width=80)
    assert len(text.splitlines()) < 39 - 7, "the organizations on a terminal take 7 more"


def test_the_verdict_comes_first_if_the_exit_code_is_not_0(report):
    run = report.about["run"] | {"exit_code": 3}
    text = printed(with_members(report, {"run": run}), width=300)
    assert text.startswith("The run ended with exit code 3.")


_EQUATIONS = """line lines pair pairs duplicates invalid rows repeat NONE OFF UNKNOWN opening first
seen returned moved out dropped not input counts agree"""
"""Words in the equations of controls, which are English in every language."""


@pytest.mark.parametrize("verbose", [False, True])
def test_every_text_and_value_is_chinese(after, verbose):
    """But for names of files, ids, zones and options, and openid, which is the API's word."""
    for states in ({"A/a": "OFF", "B/b": "UNKNOWN"}, {"A/a": "ON", "B/b": "ON"}, {"A/a": "NONE"}):
        file = io.StringIO()
        console = Console(file=file, width=300, force_terminal=True, color_system=None)
        print_summary(after(states), console, Language.ZH, verbose=verbose)
        text = re.sub(r"(输入 )\S+|运行 \S+|\(.*?\)", "", file.getvalue())
        words = set(re.findall(r"[A-Za-z]{3,}", text))
        known = {"openid", "openids", "Asia", "Shanghai", "sandbox"}
        equations = set(_EQUATIONS.split()) if verbose else set()
        assert words <= known | equations


@pytest.mark.parametrize(
    ("language", "members", "line"),
    [
        (
            Language.EN,
            CLUSTER,
            (
                "Asked by 3 workers, 1 of them lost; lent at most 1,300 requests a second, "
                "7 pairs asked twice."
            ),
        ),
        (
            Language.EN,
            dict.fromkeys(CLUSTER, 1),
            (
                "Asked by 1 worker, 1 of them lost; lent at most 1 request a second, "
                "1 pair asked twice."
            ),
        ),
        (
            Language.ZH,
            CLUSTER,
            (
                "由 3 个工作进程查询，其中 1 个中途退出；合计每秒最多借出 1,300 次请求，"
                "7 条查询了两次。"
            ),
        ),
    ],
)
def test_workers_are_told_of_in_one_line(report, language, members, line):
    by_workers = with_members(report, {"cluster": members})
    lines = printed(by_workers, width=300, language=language).splitlines()
    assert lines.count(line) == 1
    others = [each for each in lines if each != line]
    assert others == printed(report, width=300, language=language).splitlines()
