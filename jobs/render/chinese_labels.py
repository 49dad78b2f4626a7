"""Chinese for the headings, captions and notes of the HTML page and the Excel workbook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["LABELS", "VALUES"]

LABELS: Final[Mapping[str, str]] = {
    "By column": "按列",
    "By {column}": "按{column}",
    "lost": "关闭",
    "{shown:,} of {all:,} {all:value|values}, those that lost most first": (
        "{all:,} 个值中的 {shown:,} 个，关闭最多的在前"
    ),
    "(empty)": "（空）",
    "People": "人员",
    "Date not known": "日期未知",
    "the report before": "此前的报告",
    "Summary": "摘要",
    "Transitions": "状态迁移",
    "Organizations": "机构",
    "Changes": "变更",
    "Unknown": "未知",
    "About": "关于",
    "net change": "净变化",
    "sum": "合计项",
    "total": "合计",
    "Unknown, by reason": "未知，按原因",
    "Roll-forward": "滚动核对",
    "before \\ now": "此前 \\ 本次",
    "Share of each row": "各行内占比",
    "holds": "成立",
    "fails": "不成立",
    "key": "键",
    "value": "值",
    "Last runs": "历次运行",
    "OPENED and REOPENED": "开通（OPENED）与重新开通（REOPENED）",
    "CLOSED, and CLEARED from ON": "关闭（CLOSED），以及由已开通变为清除（CLEARED）",
    "REAUTHORIZED and CYCLED": "关闭后又开通（REAUTHORIZED）与开通后又关闭（CYCLED）",
    "Palm authorizations": "刷掌授权核对报告",
    "merchant {mchid} at {kind}": "商户号 {mchid}（{kind}）",
    "finished {time} ({zone})": "完成于 {time}（{zone}）",
    "Warning": "注意",
    "Verdict": "结论",
    "States": "授权状态",
    "since {date}": "（较 {date}）",
    "last known": "最近已知",
    "of them never known": "其中从未得知",
    "Last known is the state answered in this run or, where there is no valid answer, "
    "the last known one before. Net changes of ON, OFF and NONE are of what is last "
    "known, so that a night of errors moves nothing.": (
        "“最近已知”是本次查到的状态；本次没有有效应答时，取此前最后一次有效的状态。"
        "已开通、已关闭、未授权的净变化按最近已知状态计算，因此某一夜查询出错不会造成虚假变化。"
    ),
    "From the last known state before (rows) to this run's answer (columns)": (
        "行：此前最后一次有效的状态；列：本次应答"
    ),
    "not in the input": "不在本次名单",
    "never known": "从未得知",
    "The stronger the colour, the more pairs moved; those in a frame stayed.": (
        "颜色越浓，发生迁移的条数越多；带框的是状态未变的。"
    ),
    "Gain, loss, hidden": "开通、关闭与隐性变更",
    "gain": "开通",
    "loss": "关闭",
    "CLEARED from ON": "由 ON 变来的 CLEARED",
    "hidden": "隐性",
    "Hidden: a person closed and opened again between two runs; only the time of "
    "authorization tells.": (
        "隐性变更：用户在两次运行之间关闭后又重新开通（或开通后又关闭），只能从授权时间看出。"
    ),
    "That authorize_time moves when a person authorizes again is its documented "
    "meaning, not yet seen against the live service.": (
        "重新授权时 authorize_time 会随之更新，这是文档所述的含义，尚未在线上服务中得到验证。"
    ),
    "Each pair has exactly one": "每条恰好属于一类",
    "change": "变更",
    "pairs": "条数",
    "meaning": "含义",
    "Organizations that moved most": "变动最多的机构",
    "By how many of their pairs changed, came or went": "按发生变更、新出现或移出名单的条数排序",
    "states": "状态分布",
    "share ON": "已开通占比",
    "moved": "变动",
    "gained": "开通",
    "CLOSED, CLEARED": "CLOSED、CLEARED",
    "new": "首次出现",
    "dropped": "移出名单",
    "{count:,} {count:other|others together}": "其余 {count:,} 个机构合计",
    "Trend": "趋势",
    "{state}, run by run": "{state} 逐次走势",
    "From {first} on {since} to {last} on {date}; lowest {lowest}, highest {highest}.": (
        "{since} 为 {first}，{date} 为 {last}；最低 {lowest}，最高 {highest}。"
    ),
    "lowest {lowest}, highest {highest}": "最低 {lowest}，最高 {highest}",
    "Gain and loss, per run": "每次运行的开通与关闭",
    "{loss} lost, {gain} gained; at most {highest} in one run.": (
        "关闭合计 {loss}，开通合计 {gain}；单次最多 {highest}。"
    ),
    "{runs:,} {runs:run|runs} from {first} to {last}.": "{first} 至 {last}，共 {runs:,} 次运行。",
    "So far there is one run only.": "目前只有一次运行。",
    "ON, OFF and NONE are of what is last known; each chart has its own scale, "
    "from its lowest to its highest. Upwards gain, downwards loss.": (
        "ON、OFF、NONE 按最近已知状态计；各图纵轴独立，从其最低值到最高值。向上为开通，向下为关闭。"
    ),
    "Changed pairs": "有变更的用户",
    "{shown} of {changed}, losses first; all of them are in the Parquet file. Times in {zone}.": (
        "共 {changed} 条，列出 {shown} 条，关闭在前；全部见 Parquet 文件。时间均为 {zone} 时区。"
    ),
    "No pair changed.": "没有任何变更。",
    "By reason": "按原因",
    "By age: runs in a row without a valid answer": "按时长：连续多少次运行没有有效应答",
    "runs": "运行次数",
    "share": "占比",
    "By the last attempt's answer, the most frequent first": "按最后一次尝试的应答，多者在前",
    "Every pair has a valid answer.": "每一条都得到了有效应答。",
    "Controls": "核对项",
    "Roll-forward: how the pairs last known in each state came from the last report's "
    "number to this one's": "滚动核对：各最近已知状态的条数如何从上期报告变到本期",
    "opening": "期初",
    "first seen": "首次出现",
    "returned": "重新出现",
    "moved in": "转入",
    "moved out": "转出",
    "closing": "期末",
    "{held:,} of {all:,} {all:control|controls} {held:holds|hold}; they are counted anew from "
    "the file before it is published": "{all:,} 项中 {held:,} 项成立；发布前均从写好的文件重新统计",
    "control": "核对项",
    "equation": "等式",
    "How it was run, and against what": "运行情况与比较对象",
    "gateway": "网关",
    "merchant": "商户号",
    "run": "运行编号",
    "run date": "运行日期",
    "started": "开始",
    "finished": "完成",
    "exit code": "退出码",
    "requests": "请求数",
    "retries": "重试",
    "throttled": "被限流",
    "signature probes": "签名探测",
    "repeated answers refused": "拒收的重复应答",
    "unnamed answers refused": "拒收的未写明身份的应答",
    "unnamed answers accepted": "采信的未写明身份的应答",
    "rate": "速率",
    "{achieved}/s of {rate}/s, worst second {worst}": (
        "每秒 {achieved} 次（上限 {rate}），最忙一秒 {worst} 次"
    ),
    "latency": "延迟",
    "input": "输入",
    "lines": "行数",
    "{lines:,}: {pairs:,} {pairs:pair|pairs}, {duplicates:,} {duplicates:duplicate|duplicates}, "
    "{invalid:,} invalid; {encoding}": (
        "{lines:,} 行：有效 {pairs:,} 条，重复 {duplicates:,} 行，无效 {invalid:,} 行；"
        "编码 {encoding}"
    ),
    "compared with": "比较对象",
    "the report of {date}, {pairs:,} {pairs:pair|pairs}": "{date} 的报告，{pairs:,} 条",
    "nothing: there is no earlier report": "无：没有更早的报告",
    "versions": "版本",
    "Input lines that hold no pair": "无效的输入行",
    "{shown} of {all}": "共 {all} 行，列出 {shown} 行",
    "line": "行号",
    "reason": "原因",
    "Every line holds a pair.": "每一行都有效。",
    "Columns of the report": "报告各列的含义",
    "One row per pair of this input or of the report before; times are UTC in the "
    "file": "本次名单或上期报告中的每一条占一行；文件中的时间为 UTC",
    "column": "列",
    "Further columns of the input follow openid, as text.": (
        "输入中的其他列紧随 openid 之后，均为文本。"
    ),
    "Reading the Parquet file": "如何读取 Parquet 文件",
    "input lines": "输入行数",
    "rows against the input": "报告行与输入一致",
    "no pair twice": "没有重复",
    "each row in the part of its hash": "每行都在其哈希对应的分片中",
    "pairs by state": "各状态条数",
    "roll-forward ON": "滚动核对：已开通",
    "roll-forward OFF": "滚动核对：已关闭",
    "roll-forward NONE": "滚动核对：未授权",
    "opening is the baseline's closing": "期初等于上期期末",
    "columns of the transitions": "状态迁移各列",
    "rows of the transitions": "状态迁移各行",
    "states, counted again": "状态重新统计",
    "changes, counted again": "变更重新统计",
    "roll-forward, counted again": "滚动核对重新统计",
    "organizations, counted again": "机构重新统计",
}
"""English label to its Chinese one."""
VALUES: Final[Mapping[str, str]] = {
    "ON": "已开通",
    "OFF": "已关闭",
    "NONE": "未授权",
    "UNKNOWN": "未知",
    "FIRST_SEEN": "首次出现",
    "OPENED": "开通",
    "REOPENED": "重新开通",
    "REAUTHORIZED": "关闭后又开通",
    "CLOSED": "关闭",
    "CYCLED": "开通后又关闭",
    "CLEARED": "清除",
    "ANOMALY": "时间异常",
    "DROPPED": "移出名单",
    "ABSENT": "不在名单",
    "UNCHANGED": "未变",
    "NOT_ASKED": "未及查询",
    "TIMEOUT": "超时",
    "NETWORK": "网络错误",
    "LOCAL": "本机资源不足",
    "SERVER_ERROR": "服务端错误",
    "THROTTLED": "被限流",
    "REFUSED": "被拒绝",
    "SIGNATURE": "签名无效",
    "REPLAYED": "重复应答",
    "MISMATCH": "答非所问",
    "UNNAMED": "未写明身份",
    "BAD_BODY": "无法解析",
    "NO_STATE": "没有状态",
    "NEW_STATE": "新状态",
}
"""Name of a state, change or reason to its Chinese one, in the words of WeChat Pay's documents."""
