"""The Chinese of the labels that only the workbook has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["EXCEL_LABELS"]

EXCEL_LABELS: Final[Mapping[str, str]] = {
    "state": "本次状态",
    "known_state": "最近已知状态",
    "previous_state": "此前状态",
    "previous_authorize_time": "此前的授权时间",
    "unconfirmed_authorize_time": "待确认的授权时间",
    "known_at": "最近已知状态的应答时间",
    "first_seen_at": "首次得到应答的时间",
    "last_changed_at": "最近变更时间",
    "last_in_input": "最后在名单中的日期",
    "unknown_runs": "连续未知次数",
    "attempts": "查询次数",
    "request_id": "请求编号",
    "input_line": "输入行号",
    "input_duplicates": "输入中的重复行数",
    "CLOSED, and CLEARED from ON; its share is of those ON before": (
        "关闭（CLOSED），以及由已开通变为清除（CLEARED）；占比以此前已开通者为分母"
    ),
    "Gained and lost": "开通与关闭",
    "gained minus lost": "开通减关闭",
    "last known; its share is of the last report's input": "按最近已知状态；占上期名单的比例",
    "last known; its share is of this input": "按最近已知状态；占本次名单的比例",
    "No pair has a valid answer in this run: nothing is claimed.": (
        "本次没有任何一条得到有效应答，因此不作任何判断。"
    ),
    "Every pair has a valid answer.": "每一条都得到了有效应答。",
    "No such row is here.": "此处没有这样的行。",
    "night": "日期",
    "remark": "备注",
    "run_id": "运行编号",
    "no run": "没有运行",
    "Gained and lost per run": "每次运行的开通与关闭",
    "ON, last known": "最近已知为已开通",
    "All states": "各状态",
    "The metadata, named as in the JSON format; times in {zone}": (
        "元数据，名称与 JSON 格式相同；时间均为 {zone} 时区"
    ),
}
"""English label to its Chinese one."""
