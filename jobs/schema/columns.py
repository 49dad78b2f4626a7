"""The table of the report's columns: the one place in which a column is declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

import pyarrow as pa

from jobs.schema.column_types import (
    CATEGORY,
    CHANGE,
    DATE,
    INT16,
    INT32,
    INT64,
    KNOWN_STATE,
    REASON,
    STATE,
    TEXT,
    TIME,
    ColumnType,
)
from jobs.schema.values import Label

__all__ = [
    "ARROW_TYPES",
    "COLUMNS",
    "PERSONAL",
    "REQUIRED",
    "Column",
    "Listing",
    "Source",
    "listed",
]


class Source(Enum):
    """The stage that a column's values come from, and so the frame that has the column."""

    INPUT = "PAIRS"
    ANSWER = "ANSWERS"
    COMPARISON = "ROWS"


class Listing(Enum):
    """A list of pairs that does not show every column; Parquet and CSV show them all."""

    CHANGES_SHEET = "sheet Changes of the Excel format"
    UNKNOWN_SHEET = "sheet Unknown of the Excel format"
    HTML = "table of changed pairs in the HTML format"
    TERMINAL = "palm-report --changes and --unanswered in a terminal"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the report.

    Attributes:
        name: The name in every frame, in every format and in every language.
        type: How pandas and Parquet hold it.
        source: The stage that its values come from.
        meaning: The entry in the data dictionary.
        listings: The lists of pairs that show the column, each with the column's rank among those
            shown, from left to right.
        personal: True if a value identifies a person, and so must not be logged.
        required: True if no row lacks a value.
    """

    name: str
    type: ColumnType
    source: Source
    meaning: Label
    listings: Mapping[Listing, int] = field(default_factory=dict)
    personal: bool = False
    required: bool = False


COLUMNS: Final = (
    Column(
        "organization_id",
        CATEGORY,
        Source.INPUT,
        Label(
            "the organization, as it stands in the input; always text",
            "机构，按输入原样；始终为文本",
        ),
        dict.fromkeys(Listing, 1),
        required=True,
    ),
    Column(
        "openid",
        TEXT,
        Source.INPUT,
        Label("the person, as it stands in the input", "用户，按输入原样"),
        dict.fromkeys(Listing, 2),
        personal=True,
        required=True,
    ),
    Column(
        "state",
        STATE,
        Source.ANSWER,
        Label(
            "the state answered in this run; empty where the pair is not in this input",
            "本次应答的状态；不在本次名单中则为空",
        ),
        {Listing.CHANGES_SHEET: 5, Listing.HTML: 5, Listing.TERMINAL: 5},
    ),
    Column(
        "known_state",
        KNOWN_STATE,
        Source.COMPARISON,
        Label(
            "the state answered in this run or, where that is UNKNOWN, the last known one before",
            "本次查到的状态；本次为 UNKNOWN 时，取此前最后一次有效的状态",
        ),
        {Listing.UNKNOWN_SHEET: 5},
    ),
    Column(
        "previous_state",
        KNOWN_STATE,
        Source.COMPARISON,
        Label(
            "the last known state before this run; empty where none was ever known",
            "本次运行前最后一次有效的状态；从未得知则为空",
        ),
        {Listing.CHANGES_SHEET: 4, Listing.HTML: 4, Listing.TERMINAL: 4},
    ),
    Column(
        "change",
        CHANGE,
        Source.COMPARISON,
        Label(
            "what happened since previous_state, as exactly one class",
            "自 previous_state 以来发生了什么，恰好一类",
        ),
        {Listing.CHANGES_SHEET: 3, Listing.HTML: 3, Listing.TERMINAL: 3},
        required=True,
    ),
    Column(
        "authorize_time",
        TIME,
        Source.ANSWER,
        Label(
            "the time of authorization answered in this run; not compared if outside 2000 to 2100",
            "本次应答的授权时间；在 2000 至 2100 年之外的不参与比较",
        ),
        {Listing.CHANGES_SHEET: 6, Listing.HTML: 6, Listing.TERMINAL: 7},
    ),
    Column(
        "previous_authorize_time",
        TIME,
        Source.COMPARISON,
        Label("the time that authorize_time is compared with", "与 authorize_time 比较的时间"),
        {Listing.CHANGES_SHEET: 7, Listing.UNKNOWN_SHEET: 7},
    ),
    Column(
        "unconfirmed_authorize_time",
        TIME,
        Source.COMPARISON,
        Label(
            "the time answered last, where it is not compared with until another answer repeats "
            "it: that of an ANOMALY",
            "最近一次应答的授权时间，但在另一个应答重复它之前不用于比较：即 ANOMALY 的时间",
        ),
        {Listing.UNKNOWN_SHEET: 8},
    ),
    Column(
        "answered_at",
        TIME,
        Source.ANSWER,
        Label("when this run's answer arrived", "本次应答到达的时间"),
        {Listing.CHANGES_SHEET: 8, Listing.HTML: 7, Listing.TERMINAL: 8},
    ),
    Column(
        "known_at",
        TIME,
        Source.COMPARISON,
        Label("when the answer with known_state arrived", "known_state 的应答到达的时间"),
        {Listing.CHANGES_SHEET: 11, Listing.UNKNOWN_SHEET: 6},
    ),
    Column(
        "first_seen_at",
        TIME,
        Source.COMPARISON,
        Label("when the first valid answer arrived", "首次有效应答的时间"),
        {Listing.CHANGES_SHEET: 9, Listing.UNKNOWN_SHEET: 9},
    ),
    Column(
        "last_changed_at",
        TIME,
        Source.COMPARISON,
        Label(
            "when the answer arrived that showed the last gain, loss, CLEARED or hidden change",
            "最近一次开通、关闭、CLEARED 或隐性变更的应答时间",
        ),
        {Listing.CHANGES_SHEET: 10, Listing.UNKNOWN_SHEET: 10},
    ),
    Column(
        "last_in_input",
        DATE,
        Source.COMPARISON,
        Label(
            "the run date of the last earlier report whose input had the pair",
            "此前最后一次名单中有此条的报告的运行日期",
        ),
        {Listing.CHANGES_SHEET: 12, Listing.UNKNOWN_SHEET: 11},
    ),
    Column(
        "unknown_reason",
        REASON,
        Source.ANSWER,
        Label("why there is no valid answer", "没有有效应答的原因"),
        {Listing.UNKNOWN_SHEET: 3, Listing.TERMINAL: 6},
    ),
    Column(
        "unknown_runs",
        INT16,
        Source.COMPARISON,
        Label("the number of runs in a row without a valid answer", "连续没有有效应答的运行次数"),
        {Listing.UNKNOWN_SHEET: 4},
    ),
    Column(
        "error_code",
        CATEGORY,
        Source.ANSWER,
        Label("the error code of the last attempt", "最后一次尝试的错误码"),
        {Listing.UNKNOWN_SHEET: 12},
    ),
    Column(
        "http_status",
        INT16,
        Source.ANSWER,
        Label("the HTTP status of the last attempt", "最后一次尝试的 HTTP 状态码"),
        {Listing.UNKNOWN_SHEET: 13},
    ),
    Column(
        "attempts",
        INT16,
        Source.ANSWER,
        Label("the number of requests for this pair", "为此条发出的请求数"),
        {Listing.UNKNOWN_SHEET: 14},
    ),
    Column(
        "request_id",
        TEXT,
        Source.ANSWER,
        Label(
            "the request id of the last attempt; empty where the row is UNCHANGED",
            "最后一次尝试的请求编号；UNCHANGED 的行为空",
        ),
        {Listing.CHANGES_SHEET: 13, Listing.UNKNOWN_SHEET: 15},
    ),
    Column(
        "input_line",
        INT64,
        Source.INPUT,
        Label("the number of the pair's first line in the input", "此条在输入中首次出现的行号"),
        {Listing.CHANGES_SHEET: 14, Listing.UNKNOWN_SHEET: 16},
    ),
    Column(
        "input_duplicates",
        INT32,
        Source.INPUT,
        Label(
            "the number of further lines with the same pair, which is asked once",
            "重复的其他行数，此条只查询一次",
        ),
        {Listing.CHANGES_SHEET: 15, Listing.UNKNOWN_SHEET: 17},
    ),
)
"""Every column, in the order of the report; columns carried over from the input follow openid."""

ARROW_TYPES: Final[Mapping[str, pa.DataType]] = {each.name: each.type.arrow for each in COLUMNS}
"""The type of each column in the Parquet file."""
PERSONAL: Final = frozenset(each.name for each in COLUMNS if each.personal)
"""Columns whose values identify a person; columns carried over from the input may do so, too."""
REQUIRED: Final = tuple(each.name for each in COLUMNS if each.required)
"""Columns without missing values."""


def listed(listing: Listing) -> list[str]:
    """Return the names of the columns that a list of pairs shows, from left to right."""
    shown = [each for each in COLUMNS if listing in each.listings]
    return [each.name for each in sorted(shown, key=lambda each: each.listings[listing])]
