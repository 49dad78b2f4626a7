"""The Chinese of the labels that only the page has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["PAGE_LABELS"]

PAGE_LABELS: Final[Mapping[str, str]] = {
    "No pair has a valid answer in this run. These are the states last known.": (
        "本次没有任何一条得到有效应答。以下为最近已知的状态。"
    ),
    "UNKNOWN in this run": "本次未知",
    "No comparison: this is the first report.": "没有比较：这是第一份报告。",
    "Nothing changed since {date}.": "自 {date} 以来没有任何变化。",
    "Of the pairs without an answer nothing is claimed.": "对没有应答的各条不作任何判断。",
    "net": "净变化",
    "New pairs": "首次出现的用户",
    "Every pair of a first report is new.": "第一份报告中的每一条都是首次出现。",
    "last known ON": "最近已知已开通",
    "share ON before": "此前已开通占比",
    "share ON after": "本次已开通占比",
    "share lost": "关闭占比",
    "Organization": "机构",
    "All pairs are of one organization:": "全部属于同一个机构：",
    "There is no organization: no pair is in the input.": "没有机构：名单中没有任何一条。",
    "Changes by organization": "各机构的变更",
    "{shown:,} of {all:,} {all:organization|organizations}, the largest first": (
        "{all:,} 个机构中的 {shown:,} 个，大者在前"
    ),
    "{shown:,} of {all:,} {all:organization|organizations}, those that lost most first, then "
    "those that gained most": ("{all:,} 个机构中的 {shown:,} 个，关闭最多的在前，其次是开通最多的"),
    "Shares of ON are of what is last known; share lost is what was lost of those ON before.": (
        "已开通占比按最近已知状态计；关闭占比为此前已开通者中关闭的部分。"
    ),
    "organization_id": "机构",
    "openid": "openid",
    "previous_state → state": "此前 → 本次",
    "authorize_time": "授权时间",
    "answered_at": "应答时间",
    "unknown_reason": "原因",
    "http_status": "HTTP 状态码",
    "error_code": "错误码",
    "ON, last known, in pairs": "最近已知为已开通的条数",
    "The scale does not begin at 0.": "纵轴不从 0 开始。",
    "Gained (upwards) and lost (downwards) per run, in pairs": (
        "每次运行的开通（向上）与关闭（向下）条数"
    ),
    "All states, in pairs": "各状态条数",
    "ON, OFF and NONE are of what is last known, UNKNOWN is as answered. A night without a run is "
    "a gap.": "已开通、已关闭、未授权按最近已知状态计，未知按本次应答计。没有运行的一夜留空。",
    "workers": "工作进程",
    "{joined:,}, {lost:,} of them lost; lent at most {most:,} {most:request|requests} a second; "
    "{twice:,} {twice:pair|pairs} asked twice": (
        "{joined:,} 个，其中 {lost:,} 个中途退出；合计每秒最多借出 {most:,} 次请求；"
        "{twice:,} 条查询了两次"
    ),
    "evidence": "证据",
    "{backed:,} of {states:,} {states:state|states} backed": (
        "{states:,} 个状态中 {backed:,} 个有签名为证"
    ),
    "The input": "输入",
    "Reference": "参考",
    "What the numbers mean": "数字的含义",
    "Lost is CLOSED, and CLEARED from ON; gained is OPENED and REOPENED; net is gained minus "
    "lost.": (
        "关闭 = 关闭（CLOSED）与由已开通而来的清除（CLEARED）；开通 = 开通（OPENED）与重新开通"
        "（REOPENED）；净变化 = 开通减关闭。"
    ),
    "Share ON before and after: those last known to be ON, of the pairs in the last report's input "
    "and of those in this one's. Share lost: what was lost, of those ON before.": (
        "此前与本次的已开通占比：最近已知为已开通者，分别占上期名单与本次名单的比例。"
        "关闭占比：关闭者占此前已开通者的比例。"
    ),
}
"""English label to its Chinese one."""
