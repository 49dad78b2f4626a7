"""A report's rows on a terminal: one line a pair, in full where it fits."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from jobs.render.language import Language
from jobs.render.terminal import print_rows
from jobs.render.terminal.rows import shortened
from jobs.report.parquet import write_parquet

OPENID = "oABCDEFGHIJKLMNOPQRSTUVWXYZ0"


@pytest.fixture
def report(report_of, nights, tmp_path):
    path = tmp_path / "before.parquet"
    pairs = [f"100{n}/{OPENID}{n}" for n in range(3)]
    first = report_of(dict.fromkeys(pairs, "ON"), nights[0])
    write_parquet(first, path)
    states = dict(zip(pairs, ("OFF", "UNKNOWN", "ON"), strict=True))
    return report_of(states, nights[1], baseline=first, baseline_file=path)


def printed(report, language=Language.EN, *, width=80, wide=False):
    file = io.StringIO()
    print_rows(report, Console(file=file, width=width, highlight=False), language, wide=wide)
    return file.getvalue().splitlines()


@pytest.mark.parametrize("language", Language)
def test_at_eighty_columns_each_pair_has_one_line(report, language):
    head, *lines = printed(report, language)
    assert len(lines) == len(report.rows) + 1
    assert max(map(cell_len, [head, *lines])) <= 80
    assert "oABCDE…WXYZ00" in lines[0]


def test_where_it_fits_nothing_is_shortened(report):
    lines = printed(report, width=300)
    assert all(any(openid in line for line in lines) for openid in report.rows["openid"])
    assert "…" not in "".join(lines)
    assert "--wide" not in lines[-1]


def test_wide_prints_every_column_in_full_however_narrow_the_terminal(report):
    assert printed(report, width=40, wide=True) == printed(report, width=300)


def test_times_are_of_the_run_s_zone_which_is_named_once(report):
    lines = printed(report, width=300)
    known = report.rows["answered_at"].dt.tz_convert("Asia/Shanghai").dropna()
    for time in known:
        assert any(f"{time:%F %T}" in line for line in lines)
    assert "".join(lines).count("Asia/Shanghai") == 1


def test_a_column_without_a_value_is_left_out(report):
    rows = report.rows[report.rows["change"] == "CLOSED"].reset_index(drop=True)
    assert "unknown_reason" not in printed(replace(report, content=rows), width=300)[0]
    assert "unknown_reason" in printed(report, width=300)[0]


def test_chinese_headings_and_values(report):
    head, first, *_ = printed(report, Language.ZH)
    assert head.split()[:3] == ["机构", "openid", "变更"]
    assert "已开通 → 已关闭" in first


@pytest.mark.parametrize(
    ("text", "short"),
    [("abcdef", "abcdef"), ("abcdefgh", "abc…gh"), ("学校学校学校", "学…校")],
)
def test_the_middle_of_a_text_is_left_out(text, short):
    assert shortened(text, 6) == short
