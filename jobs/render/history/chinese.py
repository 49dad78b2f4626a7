"""The Chinese of a history's labels and sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["HISTORY_CHINESE"]

HISTORY_CHINESE: Final[Mapping[str, str]] = {
    "Pairs of that night's input that are last known to be ON: answered that night or, where there "
    "is no good answer, the last good one before. So a night of errors moves nothing.": (
        "当日名单中最近已知为已开通的条目：当日查到的状态；没有有效应答时，取此前最后一次有效的状态。"
        "因此查询失败的一天不会影响该数字。"
    ),
    "OPENED and REOPENED.": "OPENED 与 REOPENED。",
    "CLOSED, and CLEARED from ON.": "CLOSED，以及由已开通变为 CLEARED。",
    "REAUTHORIZED and CYCLED: closed and opened, or opened and closed, between two nights.": (
        "REAUTHORIZED 与 CYCLED：两次核对之间关闭后又开通，或开通后又关闭。"
    ),
    "A night without a report, or with one that cannot be read. What happened on it is in the next "
    "night's changes, if that was compared with the report before it.": (
        "当日没有报告，或报告无法读取。若下一天与此前那份报告作了比较，其间的变更就计入下一天。"
    ),
    "A turn is one gain or one loss of ON. REAUTHORIZED and CYCLED are two turns each. Three turns "
    "or more are often.": (
        "开通一次或关闭一次各算一次变动；REAUTHORIZED 与 CYCLED 各算两次。三次及以上即为频繁。"
    ),
    "Lost at least once, and since the last loss no night shows ON, nor CYCLED.": (
        "至少关闭过一次，且最后一次关闭之后没有任何一天为已开通，也没有 CYCLED。"
    ),
    "From the night that shows OPENED, REOPENED or REAUTHORIZED to the night that shows CLOSED, "
    "CLEARED from ON or REAUTHORIZED, in days between run dates. CYCLED is one day. Those already "
    "ON on the first night are left out, for nobody saw them begin; so are those that were ON when "
    "they were first seen.": (
        "从出现 OPENED、REOPENED 或 REAUTHORIZED 的那天，到出现 CLOSED、由已开通变为 CLEARED 或 "
        "REAUTHORIZED 的那天，按运行日期相差的天数计算。CYCLED 计为一天。第一天已经开通的不计入，"
        "因为不知道何时开通；首次查到即为已开通的同样不计入。"
    ),
    "An authorization that has not ended counts for as long as it was observed: to the last night "
    "that answered ON (it is censored there). So does one whose end fell on a night without a "
    "report.": (
        "尚未结束的授权按已观察到的时长计入：截至最后一次查到已开通 的那天（在该处删失）。"
        "结束于没有报告之日的授权同样处理。"
    ),
    "The Kaplan-Meier median: after so many days half of all authorizations have ended, with those "
    "that are still ON taken into account.": (
        "Kaplan-Meier 中位数：经过这么多天，一半的授权已经结束；仍为已开通 的也已考虑在内。"
    ),
    "First answered (first_seen_at) after the first night's run had ended; the week is that of "
    "this date, from Monday.": (
        "首次有效应答（first_seen_at）晚于第一天运行结束的条目；按该日期所在的周统计，周一为一周之始。"
    ),
    "A night up to 28 days after the arrival answers ON, or shows CYCLED. A week says “so far” "
    "until everybody in it has been observed for 28 days.": (
        "到来后 28 天之内有一天为已开通，或出现 CYCLED。"
        "在该周所有人都观察满 28 天之前，标注“截至目前”。"
    ),
    # Labels
    "Palm authorizations": "刷掌授权历史",
    "{first} to {last}": "{first} 至 {last}",
    "merchant {mchid} at {kind}": "商户号 {mchid}（{kind}）",
    "{nights:,} {nights:night|nights}": "{nights:,} 天",
    "Warning": "注意",
    "Nights": "逐日",
    "Trend": "趋势",
    "organization_id": "机构",
    "openid": "openid",
    "run_id": "运行编号",
    "Organizations": "机构",
    "Organization nights": "机构逐日",
    "Often": "频繁变动",
    "Never back": "未再开通",
    "Durations": "持续时长",
    "Arrivals": "新到人员",
    "Definitions": "用语说明",
    "What the words mean": "用语说明",
    "Night by night": "逐日",
    "ON": "已开通",
    "night": "日期",
    "pairs": "条目",
    "OFF": "已关闭",
    "NONE": "未授权",
    "share": "占比",
    "share ON": "已开通占比",
    "gained": "开通",
    "lost": "关闭",
    "hidden": "隐性变更",
    "unknown": "未知",
    "new": "新到",
    "dropped": "移出",
    "exit": "退出码",
    "note": "备注",
    "no report": "无报告",
    "no report ({days:,} {days:night|nights})": "无报告（{days:,} 天）",
    "turns": "变动次数",
    "never back": "未再开通",
    "lasts": "持续时长",
    "still ON": "仍为已开通",
    "median": "中位数",
    "arrived": "新到",
    "ON within 28 days": "28 天内为已开通",
    "word": "用语",
    "meaning": "含义",
    "compared with {date}": "与 {date} 的报告比较",
    "compared with no report": "没有可比较的报告",
    "ON, all organizations": "已开通，全部机构",
    "pairs; a night without a report is a gap": "单位：条；没有报告的日期断开",
    "The scale does not begin at 0.": "纵轴不从 0 开始。",
    "From {first} on {since} to {last} on {date}; lowest {lowest}, highest {highest}.": (
        "从 {since} 的 {first} 到 {date} 的 {last}；最低 {lowest}，最高 {highest}。"
    ),
    "Gained and lost, each night": "每天开通与关闭",
    "pairs; upwards gained, downwards lost": "单位：条；向上为开通，向下为关闭",
    "{lost} lost and {gained} gained in all; at most {most} in one night.": (
        "共关闭 {lost}，开通 {gained}；一天最多 {most}。"
    ),
    "Organizations that lost most": "关闭最多的机构",
    "Share of their pairs that is ON, night by night. All have the same scale, from {low} to "
    "{high}; the grey line is all organizations together.": (
        "各机构逐日的已开通占比。纵轴相同，从 {low} 到 {high}；灰线为全部机构合计。"
    ),
    "{shown:,} of the {all:,} {all:organization|organizations} that lost somebody.": (
        "共有 {all:,} 家机构有人关闭，显示其中 {shown:,} 家。"
    ),
    "{lost} lost, {gained} gained": "关闭 {lost}，开通 {gained}",
    "{organization}: share ON from {first} to {last}; {lost} lost, {gained} gained": (
        "{organization}：已开通占比从 {first} 到 {last}；关闭 {lost}，开通 {gained}"
    ),
    "No organization lost anybody in these nights.": "这些天没有任何机构有人关闭。",
    "Who turns often": "谁频繁变动",
    "last turn": "最近变动",
    "Nobody turned three times or more.": "没有人变动三次及以上。",
    "{shown} of {all}, most turns first": "共 {all} 条，显示 {shown} 条，次数多的在前",
    "Lost and never back": "关闭后未再开通",
    "lost on": "关闭日期",
    "Nobody was lost in these nights.": "这些天没有人关闭。",
    "{shown} of {all}, the last lost first": "共 {all} 条，显示 {shown} 条，最近关闭的在前",
    "How long an authorization lasts": "授权持续多久",
    "Share that is still ON, by days since the night of the opening": (
        "按开通之日起的天数，仍为已开通 的比例"
    ),
    "median {days:,} {days:day|days}": "中位数 {days:,} 天",
    "From 100 % on the day of the opening to {left} after {days:,} {days:day|days}.": (
        "从开通之日的 100 % 到 {days:,} 天后的 {left}。"
    ),
    "days": "天数",
    "observed": "观察中",
    "ended": "已结束",
    "Arrivals by week": "按周统计新到人员",
    "week from": "起始周一",
    "so far": "截至目前",
    "first night": "第一天",
    "last night": "最后一天",
    "ON, first night": "第一天已开通",
    "ON, last night": "最后一天已开通",
    "The last {count:,} of {all:,} {all:night|nights}; the other formats have all of them.": (
        "共 {all:,} 天，显示最近 {count:,} 天；其他格式中是全的。"
    ),
    # Sentences
    "{first} {second}": "{first}{second}",
    "{date}: {on:,} of {pairs:,} {pairs:pair|pairs} {on:is|are} ON ({share}).": (
        "{date}：{pairs:,} 条中 {on:,} 条为已开通（{share}）。"
    ),
    "There is only one night: nothing to compare yet.": "只有一天，尚无可比较的内容。",
    "In {nights:,} {nights:night|nights} since {first} {lost:,} lost, {gained:,} gained.": (
        "自 {first} 起的 {nights:,} 天中，关闭 {lost:,}，开通 {gained:,}。"
    ),
    "{reason}; this night is left out.": "{reason}；该日未计入。",
    "and {count} more": "另有 {count} 段",
    "{count:,} {count:night has|nights have} no report: {gaps}.": (
        "有 {count:,} 天没有报告：{gaps}。"
    ),
    "{count:,} {count:night was|nights were} compared with another report than the one before "
    "{count:it|them} here: changes in between are missing, or are counted twice.": (
        "有 {count:,} 天所比较的报告并非此处的前一份：其间的变更可能缺失或重复计算。"
    ),
    "{often:,} {often:pair|pairs} turned three times or more.": ("有 {often:,} 条变动三次及以上。"),
    "{lost:,} {lost:pair was|pairs were} lost at least once; {back:,} {back:is|are} back, "
    "{never:,} never came back ({gone:,} of them {gone:is|are} no longer in the input).": (
        "有 {lost:,} 条至少关闭过一次；{back:,} 条已再次开通，{never:,} 条未再开通"
        "（其中 {gone:,} 条已不在名单中）。"
    ),
    "Half of the authorizations last {days:,} {days:day|days} or less; {ended:,} ended, "
    "{censored:,} {censored:is|are} still ON.": (
        "一半的授权持续不超过 {days:,} 天；{ended:,} 个已结束，{censored:,} 个仍为已开通。"
    ),
    "More than half of the authorizations last longer than the {days:,} "
    "{days:day that was|days that were} observed; {ended:,} ended, {censored:,} "
    "{censored:is|are} still ON.": (
        "一半以上的授权持续时间超过所观察的 {days:,} 天；"
        "{ended:,} 个已结束，{censored:,} 个仍为已开通。"
    ),
    "Nothing was opened after the first night.": "第一天之后没有新的开通。",
    "{arrived:,} {arrived:pair|pairs} arrived; {converted:,} of them {converted:was|were} ON "
    "within 28 days ({share}).": (
        "新到 {arrived:,} 条；其中 {converted:,} 条在 28 天内为已开通（{share}）。"
    ),
    "Nobody arrived after the first night.": "第一天之后没有新到人员。",
}
"""English label to Chinese one. A label that is not here is a defect; a test looks for it."""
