"""English and Chinese labels for the formats that people read.

Column names, states, changes and reasons are the same in every language: people filter by them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

__all__ = ["Language", "Translate", "translator"]


class Language(StrEnum):
    """A language of labels."""

    EN = "en"
    ZH = "zh"


Translate = Callable[[str], str]

CHINESE: Final[Mapping[str, str]] = {
    "Summary": "摘要",
    "Transitions": "状态迁移",
    "Organizations": "机构",
    "Changes": "变更",
    "Unknown": "未知",
    "About": "关于",
    "{count:,} more rows do not fit on a sheet of Excel; Parquet and CSV have them all.": (
        "另有 {count:,} 行超出 Excel 单个工作表的行数上限，未列出；Parquet 与 CSV 中是全的。"
    ),
    "{count:,} more columns do not fit on a sheet of Excel; Parquet and CSV have them all.": (
        "另有 {count:,} 列超出 Excel 单个工作表的列数上限，未列出；Parquet 与 CSV 中是全的。"
    ),
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
    "OPENED and REOPENED": "OPENED 与 REOPENED",
    "CLOSED, and CLEARED from ON": "CLOSED，以及由 ON 变为 CLEARED",
    "REAUTHORIZED and CYCLED": "REAUTHORIZED 与 CYCLED",
    "Palm authorizations": "刷掌授权核对报告",
    "merchant {mchid} at {kind}": "商户号 {mchid}（{kind}）",
    "finished {time} ({zone})": "完成于 {time}（{zone}）",
    "Warning": "注意",
    "Verdict": "结论",
    "States": "授权状态",
    "since {date}": "（较 {date}）",
    "last known": "最近已知",
    "of them never known": "其中从未得知",
    "{pairs} pairs of {organizations} organizations.": "共 {organizations} 个机构、{pairs} 条。",
    "Last known is the state answered in this run or, where there is no good answer, "
    "the last good one before. Net changes of ON, OFF and NONE are of what is last "
    "known, so that a night of errors moves nothing.": (
        "“最近已知”是本次查到的状态；本次没有有效应答时，取此前最后一次有效的状态。"
        "ON、OFF、NONE 的净变化按最近已知状态计算，因此某一夜查询出错不会造成虚假变化。"
    ),
    "From the last good state before (rows) to this run's answer (columns)": (
        "行：此前最后一次有效的状态；列：本次应答"
    ),
    "not in the input": "不在本次名单",
    "never known": "从未得知",
    "The stronger the colour, the more pairs moved; those in a frame stayed.": (
        "颜色越浓，发生迁移的条数越多；带框的是状态未变的。"
    ),
    "Gain, loss, hidden": "新增、流失与隐性变更",
    "gain": "新增",
    "loss": "流失",
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
    "share ON": "ON 占比",
    "moved": "变动",
    "gained": "新增",
    "CLOSED, CLEARED": "CLOSED、CLEARED",
    "new": "首次出现",
    "dropped": "移出名单",
    "{count} others together": "其余 {count} 个机构合计",
    "Trend": "趋势",
    "{state}, run by run": "{state} 逐次走势",
    "From {first} on {since} to {last} on {date}; lowest {lowest}, highest {highest}.": (
        "{since} 为 {first}，{date} 为 {last}；最低 {lowest}，最高 {highest}。"
    ),
    "lowest {lowest}, highest {highest}": "最低 {lowest}，最高 {highest}",
    "Gain and loss, per run": "每次运行的新增与流失",
    "{gain} gained, {loss} lost; at most {highest} in one run.": (
        "新增合计 {gain}，流失合计 {loss}；单次最多 {highest}。"
    ),
    "{runs} runs from {first} to {last}.": "{first} 至 {last}，共 {runs} 次运行。",
    "So far there is one run only.": "目前只有一次运行。",
    "ON, OFF and NONE are of what is last known; each chart has its own scale, "
    "from its lowest to its highest. Upwards gain, downwards loss.": (
        "ON、OFF、NONE 按最近已知状态计；各图纵轴独立，从其最低值到最高值。向上为新增，向下为流失。"
    ),
    "Changed pairs": "有变更的用户",
    "{shown} of {changed}, losses first; all of them are in the Parquet file. Times in {zone}.": (
        "共 {changed} 条，列出 {shown} 条，流失在前；全部见 Parquet 文件。时间均为 {zone} 时区。"
    ),
    "No pair changed.": "没有任何变更。",
    "By reason": "按原因",
    "By age: runs in a row without a good answer": "按时长：连续多少次运行没有有效应答",
    "runs": "运行次数",
    "share": "占比",
    "By the last attempt's answer, the most frequent first": "按最后一次尝试的应答，多者在前",
    "Every pair has a good answer.": "每一条都得到了有效应答。",
    "Controls": "核对项",
    "Roll-forward: how the pairs last known in each state came from the last report's "
    "number to this one's": "滚动核对：各最近已知状态的条数如何从上期报告变到本期",
    "opening": "期初",
    "first seen": "首次出现",
    "returned": "重新出现",
    "moved in": "转入",
    "moved out": "转出",
    "closing": "期末",
    "{held} of {all} controls hold; they are counted anew from the file before "
    "it is published": "{all} 项中 {held} 项成立；发布前均从写好的文件重新统计",
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
    "{count:,} pairs have no answer that names the person (no openid or no organization_id in the "
    "body), so none was accepted; see --accept-unnamed.": (
        "有 {count:,} 条没有得到写明身份的应答（应答中缺少 openid 或 organization_id），"
        "因此未被采信；参见 --accept-unnamed。"
    ),
    "rate": "速率",
    "{achieved}/s of {rate}/s, worst second {worst}": (
        "每秒 {achieved} 次（上限 {rate}），最忙一秒 {worst} 次"
    ),
    "latency": "延迟",
    "input": "输入",
    "lines": "行数",
    "{lines}: {pairs} pairs, {duplicates} duplicates, {invalid} invalid; {encoding}": (
        "{lines} 行：有效 {pairs} 条，重复 {duplicates} 行，无效 {invalid} 行；编码 {encoding}"
    ),
    "compared with": "比较对象",
    "the report of {date}, {pairs} pairs": "{date} 的报告，{pairs} 条",
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
    "Reading the Parquet file": "如何读取 Parquet 文件",
    "answered for the first time": "首次得到应答",
    "NONE to ON": "NONE 变为 ON",
    "OFF to ON": "OFF 变为 ON",
    "ON to ON with a later time: closed and opened again in between": (
        "仍为 ON 但授权时间更晚：期间关闭后又重新开通"
    ),
    "ON to OFF": "ON 变为 OFF",
    "opened and closed again in between": "期间开通后又关闭",
    "ON or OFF to NONE": "ON 或 OFF 变为 NONE",
    "same state, but an earlier or a future time": "状态相同，但授权时间变早或在将来",
    "no good answer: nothing is claimed": "没有有效应答，不作任何判断",
    "in the last report, not in this input": "上期报告中有，本次名单中没有",
    "missing from the input for longer": "更早以前就已不在名单中",
    "nothing to tell": "没有变化",
    "the run ended before it was asked": "运行结束前未及查询",
    "no answer in time": "超时未应答",
    "no connection, or one that broke": "无法连接或连接中断",
    "this machine had no resources left for a connection": "本机已无资源建立连接",
    "the gateway answered with an error of its own": "网关返回服务端错误",
    "throttled each time they were asked about": "每次查询都被限流",
    "the gateway refused the question": "网关拒绝了查询",
    "an answer whose signature is not to be believed": "应答签名不可信",
    "an answer that had been given before": "重复收到的应答",
    "an answer about somebody else": "应答与所查用户不符",
    "an answer that does not name the person or the organization": "应答未写明用户或机构",
    "an answer that cannot be read": "应答无法解析",
    "a verified answer without a state": "验签通过但没有状态",
    "a verified answer with a state not known here": "验签通过但状态未知",
    "input lines": "输入行数",
    "rows against the input": "报告行与输入一致",
    "no pair twice": "没有重复",
    "pairs by state": "各状态条数",
    "roll-forward ON": "滚动核对 ON",
    "roll-forward OFF": "滚动核对 OFF",
    "roll-forward NONE": "滚动核对 NONE",
    "opening is the baseline's closing": "期初等于上期期末",
    "columns of the transitions": "状态迁移各列",
    "rows of the transitions": "状态迁移各行",
    "states, counted again": "状态重新统计",
    "changes, counted again": "变更重新统计",
    "roll-forward, counted again": "滚动核对重新统计",
    "organizations, counted again": "机构重新统计",
    "{date}: of {pairs:,} pairs {on:,} are ON, {off:,} OFF, {none:,} NONE": (
        "{date}：共 {pairs:,} 条，其中 ON {on:,}、OFF {off:,}、NONE {none:,}"
    ),
    ", {unknown:,} UNKNOWN": "、UNKNOWN {unknown:,}",
    "; there is no earlier report to compare with.": "；没有更早的报告可供比较。",
    "; since {before} {gain:,} gained, {loss:,} lost, {hidden:,} closed and opened "
    "in between, {first_seen:,} new, {dropped:,} dropped.": (
        "；较 {before} 新增 {gain:,}，流失 {loss:,}，期间关闭又开通 {hidden:,}，"
        "首次出现 {first_seen:,}，移出名单 {dropped:,}。"
    ),
    "The run ended with exit code {code}.": "运行以退出码 {code} 结束。",
    "{reason}.": "{reason}。",
    "; ": "；",
    "A rule of --fail-on holds: {rules}.": "有 --fail-on 规则成立：{rules}。",
    "{unknown:,} of {pairs:,} pairs have no answer ({share} %, limit {limit:g} %)": (
        "共 {pairs:,} 条，其中 {unknown:,} 条没有应答（{share} %，上限 {limit:g} %）"
    ),
    "{unknown:,} of {pairs:,} pairs have no answer and {invalid:,} input lines are invalid "
    "({share} %, limit {limit:g} %)": (
        "共 {pairs:,} 条，其中 {unknown:,} 条没有应答，另有 {invalid:,} 行输入无效"
        "（{share} %，上限 {limit:g} %）"
    ),
    "Time limit reached: {not_asked:,} of {pairs:,} pairs not asked": (
        "时限已到：共 {pairs:,} 条，其中 {not_asked:,} 条未及查询"
    ),
    "{name} {count:,}": "{name} {count:,}",
    "{name} {count:,} of {pairs:,}": "{name} {count:,}（共 {pairs:,}）",
    "{counted} is more than {limit}": "{counted} 大于 {limit}",
    "{counted} is at least {limit}": "{counted} 不小于 {limit}",
    "{counted} is less than {limit}": "{counted} 小于 {limit}",
    "{counted} is at most {limit}": "{counted} 不大于 {limit}",
    "{counted} is exactly {limit}": "{counted} 等于 {limit}",
    "{path} cannot be written: {why}": "{path} 无法写入：{why}",
    "{path} is written and stands, with an error: {why}": "{path} 已写入并生效，但出现错误：{why}",
    "Only the rows of --{only} are here; all counts are of the whole report.": (
        "此处只有 --{only} 的各行；所有计数均属整份报告。"
    ),
    "This run asked again only those that run {parent} had no answer for, and corrects its "
    "report.": "本次运行只重新查询了运行 {parent} 中没有应答的各条，并更正其报告。",
    "{dropped:,} of {before:,} pairs of the last report ({date}) are missing from "
    "today's input ({share}): is it complete?": (
        "与 {date} 的 {before:,} 条相比，本次名单少了 {dropped:,} 条（{share}）：名单完整吗？"
    ),
    "{count:,} input lines hold no pair: line {lines}": "有 {count:,} 行输入无效，行号：{lines}",
    "{count:,} openids do not look like one (o and 27 more of A-Z a-z 0-9 - _); "
    "they were asked as they are.": (
        "有 {count:,} 个 openid 不像 openid（应为 o 加 27 个 A-Z a-z 0-9 - _ 字符），仍按原样查询。"
    ),
    "On {count:,} lines blanks, quotes or invisible characters round a key were taken off "
    "(first on line {line}).": (
        "有 {count:,} 行的 openid 或机构首尾带有空白、引号或不可见字符，已去掉"
        "（首次出现在第 {line} 行）。"
    ),
    "The organizations of {count:,} pairs look damaged ({kinds}), first on line {line}; "
    "they were asked as they are.": (
        "有 {count:,} 条的机构疑似损坏（{kinds}），首次出现在第 {line} 行；仍按原样查询。"
    ),
    "The openids of {count:,} pairs look damaged ({kinds}), first on line {line}; "
    "they were asked as they are.": (
        "有 {count:,} 条的 openid 疑似损坏（{kinds}），首次出现在第 {line} 行；仍按原样查询。"
    ),
    "The organizations of {count:,} pairs hold {kinds}, first on line {line}; "
    "they were asked as they are.": (
        "有 {count:,} 条的机构含有{kinds}，首次出现在第 {line} 行；仍按原样查询。"
    ),
    "The openids of {count:,} pairs hold {kinds}, first on line {line}; "
    "they were asked as they are.": (
        "有 {count:,} 条的 openid 含有{kinds}，首次出现在第 {line} 行；仍按原样查询。"
    ),
    ".0": ".0",
    "E+": "E+",
    "=": "=",
    "quotes inside": "中间有引号",
    "blanks inside": "中间有空白",
    "full-width digits": "全角数字",
    "the header again": "再次出现的表头",
    "{count:,} accepted answers do not name the person or the organization (--accept-unnamed): "
    "nothing ties them to the question.": (
        "已采信的应答中有 {count:,} 个未写明用户或机构（--accept-unnamed）："
        "没有任何内容能证明它们与所查询的对应。"
    ),
    "{count:,} pairs were refused: {what}": "有 {count:,} 条被拒绝：{what}",
    "before anything was sent": "尚未发送即被拒绝",
    "blank line": "空行",
    "a record over more than 10 lines": "一条记录超过 10 行",
    "a key field holds a line break": "关键字段中有换行",
    "more fields than the header": "字段数多于表头",
    "openid is empty": "openid 为空",
    "openid is longer than 128 characters": "openid 超过 128 个字符",
    "openid has a control character": "openid 含控制字符",
    "openid is . or ..": "openid 是 . 或 ..",
    "organization_id is empty": "organization_id 为空",
    "organization_id is longer than 64 characters": "organization_id 超过 64 个字符",
    "organization_id has a control character": "organization_id 含控制字符",
    "organization, as given; always text": "机构，按原样；始终为文本",
    "person, as given": "用户，按原样",
    "as answered in this run; empty where not in this input": (
        "本次应答的状态；不在本次名单中则为空"
    ),
    "the state answered in this run, else the last good one": (
        "本次查到的状态，否则为最后一次有效的状态"
    ),
    "last good state before this run; empty: never known": (
        "本次运行前最后一次有效的状态；空：从未得知"
    ),
    "what happened since then, exactly one class": "此后发生了什么，恰好一类",
    "as answered in this run": "本次应答的授权时间",
    "answered last, compared with only once repeated": "最近一次应答的，重复后才用于比较",
    "the time it is compared with": "与之比较的授权时间",
    "when this run was answered": "本次应答的时间",
    "when known_state was answered": "known_state 得到应答的时间",
    "first good answer": "首次有效应答的时间",
    "answer that showed the last gain, loss, CLEARED or hidden change": (
        "最近一次新增、流失、CLEARED 或隐性变更的应答时间"
    ),
    "run date of the last earlier report that had the pair in its input": (
        "此前最后一次名单中有此条的报告的运行日期"
    ),
    "why there is no good answer": "没有有效应答的原因",
    "runs in a row without a good answer": "连续没有有效应答的运行次数",
    "of the last attempt": "最后一次尝试的结果",
    "requests for this pair": "为此条发出的请求数",
    "of the last attempt, where the row is not UNCHANGED": (
        "最后一次尝试的请求编号；UNCHANGED 的行没有"
    ),
    "first line of the pair in the input": "此条在输入中首次出现的行号",
    "further lines with the same pair, asked once": "重复的其他行数，只查询一次",
    "Further columns of the input follow openid, as text.": (
        "输入中的其他列紧随 openid 之后，均为文本。"
    ),
}
"""English label to Chinese one. A label that is not here is a defect; a test looks for it."""


def translator(language: Language) -> Translate:
    """Return the function that puts an English label into ``language``.

    Raises:
        KeyError: (on use) A label has no translation.
    """
    return (lambda text: text) if language is Language.EN else CHINESE.__getitem__
