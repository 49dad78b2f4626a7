"""Chinese for the sentences about a report: headline, verdict, warnings, and reasons in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["SENTENCES"]

SENTENCES: Final[Mapping[str, str]] = {
    "{date}: of {pairs:,} {pairs:pair|pairs} {on:,} {on:is|are} ON, {off:,} OFF, {none:,} NONE": (
        "{date}：共 {pairs:,} 条，其中已开通 {on:,}、已关闭 {off:,}、未授权 {none:,}"
    ),
    ", {unknown:,} UNKNOWN": "、未知 {unknown:,}",
    "; there is no earlier report to compare with.": "；没有更早的报告可供比较。",
    "; since {before} {loss:,} lost, {gain:,} gained, {hidden:,} closed and opened "
    "in between, {first_seen:,} new, {dropped:,} dropped.": (
        "；较 {before} 关闭 {loss:,}，开通 {gain:,}，期间关闭又开通 {hidden:,}，"
        "首次出现 {first_seen:,}，移出名单 {dropped:,}。"
    ),
    "The run ended with exit code {code}.": "运行以退出码 {code} 结束。",
    "{reason}.": "{reason}。",
    "; ": "；",
    "A rule of --fail-on holds: {rules}.": "有 --fail-on 规则成立：{rules}。",
    "{unknown:,} of {pairs:,} {pairs:pair|pairs} {unknown:has|have} no answer "
    "({share} %, limit {limit:g} %)": (
        "共 {pairs:,} 条，其中 {unknown:,} 条没有应答（{share} %，上限 {limit:g} %）"
    ),
    "{invalid:,} input {invalid:line is|lines are} invalid ({share} %, limit {limit:g} %)": (
        "有 {invalid:,} 行输入无效（{share} %，上限 {limit:g} %）"
    ),
    "{unknown:,} of {pairs:,} {pairs:pair|pairs} {unknown:has|have} no answer and {invalid:,} "
    "input {invalid:line is|lines are} invalid ({share} %, limit {limit:g} %)": (
        "共 {pairs:,} 条，其中 {unknown:,} 条没有应答，另有 {invalid:,} 行输入无效"
        "（{share} %，上限 {limit:g} %）"
    ),
    "Time limit reached: {not_asked:,} of {pairs:,} {pairs:pair|pairs} not asked": (
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
    "{dropped:,} of {before:,} {before:pair|pairs} of the last report ({date}) "
    "{dropped:is|are} missing from today's input ({share}): is it complete?": (
        "与 {date} 的 {before:,} 条相比，本次名单少了 {dropped:,} 条（{share}）：名单完整吗？"
    ),
    "{count:,} input {count:line holds|lines hold} no pair: line {lines}": (
        "有 {count:,} 行输入无效，行号：{lines}"
    ),
    "{count:,} {count:openid does not look like one|openids do not look like openids} (o and 27 "
    "more of A-Z a-z 0-9 - _); {count:it was|they were} asked as {count:it is|they are}.": (
        "有 {count:,} 个 openid 不像 openid（应为 o 加 27 个 A-Z a-z 0-9 - _ 字符），仍按原样查询。"
    ),
    "On {count:,} {count:line|lines} blanks, quotes or invisible characters round a key were taken "
    "off (first on line {line}).": (
        "有 {count:,} 行的 openid 或机构首尾带有空白、引号或不可见字符，已去掉"
        "（首次出现在第 {line} 行）。"
    ),
    "The {count:organization|organizations} of {count:,} {count:pair looks|pairs look} damaged "
    "({kinds}), first on line {line}; {count:it was|they were} asked as {count:it is|they are}.": (
        "有 {count:,} 条的机构疑似损坏（{kinds}），首次出现在第 {line} 行；仍按原样查询。"
    ),
    "The {count:openid|openids} of {count:,} {count:pair looks|pairs look} damaged ({kinds}), "
    "first on line {line}; {count:it was|they were} asked as {count:it is|they are}.": (
        "有 {count:,} 条的 openid 疑似损坏（{kinds}），首次出现在第 {line} 行；仍按原样查询。"
    ),
    "The {count:organization|organizations} of {count:,} {count:pair holds|pairs hold} {kinds}, "
    "first on line {line}; {count:it was|they were} asked as {count:it is|they are}.": (
        "有 {count:,} 条的机构含有{kinds}，首次出现在第 {line} 行；仍按原样查询。"
    ),
    "The {count:openid|openids} of {count:,} {count:pair holds|pairs hold} {kinds}, "
    "first on line {line}; {count:it was|they were} asked as {count:it is|they are}.": (
        "有 {count:,} 条的 openid 含有{kinds}，首次出现在第 {line} 行；仍按原样查询。"
    ),
    ".0": ".0",
    "E+": "E+",
    "=": "=",
    "quotes inside": "中间有引号",
    "blanks inside": "中间有空白",
    "full-width digits": "全角数字",
    "the header again": "再次出现的表头",
    "{count:,} accepted {count:answer does|answers do} not name the person or the organization "
    "(--accept-unnamed): nothing ties {count:it|them} to the question.": (
        "已采信的应答中有 {count:,} 个未写明用户或机构（--accept-unnamed）："
        "没有任何内容能证明它们与所查询的对应。"
    ),
    "{count:,} {count:pair was|pairs were} refused: {what}": "有 {count:,} 条被拒绝：{what}",
    "before anything was sent": "尚未发送即被拒绝",
    "This is not a whole report: another program wrote these rows, and nothing else is known.": (
        "这不是完整的报告：这些行由其他程序写出，除此之外一无所知。"
    ),
    "This compares the reports of {before} and {date}. It is not the report of a night: what "
    "happened in between is not known from it.": (
        "本文比较 {before} 与 {date} 两份报告，不是某一次运行的报告；期间发生过什么，从中无从得知。"
    ),
    "Of {count:,} {count:pair|pairs} the report of {before} knows a later answer than the report "
    "of {date}: {count:it is|they are} compared as without an answer.": (
        "有 {count:,} 条，{before} 的报告所知的应答比 {date} 的报告更新：比较时按没有应答处理。"
    ),
    "Only these people are here: {people}. All counts are of them.": (
        "此处只有这些人：{people}。所有数字只统计他们。"
    ),
    "Only the rows of --{only} are here; the counts are of all that there are.": (
        "此处只有 --{only} 的行；数字统计的是其所选自的全部行。"
    ),
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
    "{count:,} more {count:row does|rows do} not fit on a sheet of Excel; Parquet and CSV have "
    "them all.": (
        "另有 {count:,} 行超出 Excel 单个工作表的行数上限，未列出；Parquet 与 CSV 中是全的。"
    ),
    "{count:,} more {count:column does|columns do} not fit on a sheet of Excel; Parquet and CSV "
    "have them all.": (
        "另有 {count:,} 列超出 Excel 单个工作表的列数上限，未列出；Parquet 与 CSV 中是全的。"
    ),
    "{count:,} {count:pair has|pairs have} no answer that names the person (no openid or no "
    "organization_id in the body), so none was accepted; see --accept-unnamed.": (
        "有 {count:,} 条没有得到写明身份的应答（应答中缺少 openid 或 organization_id），"
        "因此未被采信；参见 --accept-unnamed。"
    ),
}
"""English sentence to its Chinese one; both have the same placeholders."""
