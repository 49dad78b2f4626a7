"""The Chinese of what only the terminal prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["TERMINAL_LABELS"]

TERMINAL_LABELS: Final[Mapping[str, str]] = {
    ", ": "，",
    ".": "。",
    " ": "",
    "never": "从未得知",
    "not in input": "不在名单",
    "Organization": "机构",
    "organization": "机构",
    "openid": "openid",
    "before → now": "此前 → 本次",
    "unknown_reason": "原因",
    "authorize_time": "授权时间",
    "answered_at": "应答时间",
    "Times in {zone}.": "时间均为 {zone} 时区。",
    "--wide shows everything in full.": "加 --wide 显示全部内容。",
    "share lost": "关闭占比",
    "ON before": "此前已开通",
    "ON after": "本次已开通",
    "{count:,} {count:other|others}": "其余 {count:,} 个",
    "{count:,} more": "另有 {count:,} 个",
    "Changes: {changes}": "变更：{changes}",
    "Unknown, by reason: {reasons}": "未知，按原因：{reasons}",
    "No comparison: this is the first report.": "没有比较：这是第一份报告。",
    "Nothing changed since {date}.": "自 {date} 以来没有任何变化。",
    "Of the pairs without an answer nothing is claimed.": "对没有应答的各条不作任何判断。",
    "Controls: {held} of {all} {held:holds|hold}": "核对项：{all} 项中 {held} 项成立",
    "Evidence: {backed:,} of {states:,} {states:state|states} backed": (
        "证据：{states:,} 个状态中 {backed:,} 个有签名为证"
    ),
    "Asked by {joined:,} {joined:worker|workers}, {lost:,} of them lost; lent at most {most:,} "
    "{most:request|requests} a second, {twice:,} {twice:pair|pairs} asked twice": (
        "由 {joined:,} 个工作进程查询，其中 {lost:,} 个中途退出；合计每秒最多借出 {most:,} 次请求，"
        "{twice:,} 条查询了两次"
    ),
    "Asked {gateway}: {requests:,} {requests:request|requests} in {seconds:.1f} s": (
        "查询 {gateway}：{seconds:.1f} 秒内 {requests:,} 次请求"
    ),
    "{count:,} {count:retry|retries}": "重试 {count:,} 次",
    "{count:,} throttled": "被限流 {count:,} 次",
    "{count:,} {count:probe|probes}": "签名探测 {count:,} 次",
    "{count:,} repeated": "重复应答 {count:,} 个",
    "{count:,} unnamed": "未写明身份的应答 {count:,} 个",
    "{achieved:.1f}/s of {rate:g}/s": "每秒 {achieved:.1f} 次（上限 {rate:g}）",
    "worst second {count:,}": "最忙一秒 {count:,} 次",
    "median {ms} ms": "中位数 {ms} 毫秒",
    "99 % within {ms} ms": "99 % 在 {ms} 毫秒内",
    "Held back: {what}": "耽搁：{what}",
    "throttled {seconds:.1f} s": "限流 {seconds:.1f} 秒",
    "outages {seconds:.1f} s": "网关中断 {seconds:.1f} 秒",
    "waiting for answers {seconds:.1f} s": "等待应答 {seconds:.1f} 秒",
    "waiting for answers {seconds:.1f} s (slow network or CPU; --concurrency may help)": (
        "等待应答 {seconds:.1f} 秒（网络或 CPU 较慢；可试 --concurrency）"
    ),
    "waiting for answers {seconds:.1f} s (slow network or CPU, or too few workers)": (
        "等待应答 {seconds:.1f} 秒（网络或 CPU 较慢，或工作进程太少）"
    ),
    "Input {name}: {lines:,} {lines:line|lines}.": "输入 {name}：{lines:,} 行。",
    "Input {name} ({encoding}): {lines:,} {lines:line|lines}.": (
        "输入 {name}（{encoding}）：{lines:,} 行。"
    ),
    "Run {id}, finished {time}": "运行 {id}，完成于 {time}",
    " with exit code {code}": "，退出码 {code}",
    "; it corrects run {parent}": "；它更正运行 {parent}",
    "{date}: {backed:,} of {states:,} {states:state is|states are} backed by WeChat Pay's "
    "signature.": "{date}：{states:,} 个状态中 {backed:,} 个有微信支付的签名为证。",
    "Consistent with key sha256:{fingerprint}: compare it with the merchant console, or name a key "
    "of your own with --key.": (
        "与密钥 sha256:{fingerprint} 相符：请与商户平台上的公钥核对，或用 --key 指定自己的公钥。"
    ),
    "Key sha256:{fingerprint} was issued under your root certificate.": (
        "密钥 sha256:{fingerprint} 由您指定的根证书签发。"
    ),
    "The evidence has no platform certificate under your root: name the key with --key.": (
        "凭证中没有由您指定的根证书签发的平台证书：请用 --key 指定公钥。"
    ),
    "Only the evidence of changes was kept: a change that was edited into UNCHANGED is not "
    "found.": ("只保留了变更的凭证：被改成 UNCHANGED 的变更无法发现。"),
    "{count:,} {count:answer|answers} in the evidence belong to no state here.": (
        "凭证中有 {count:,} 个应答不属于此报告的任何状态。"
    ),
    "Chain: {count:,} {count:night holds|nights hold} together.": "链：{count:,} 晚相互衔接。",
    "Chain broken at {folder}: none of its manifests is the one that the next night names.": (
        "链在 {folder} 处断开：其中没有下一晚所指的清单。"
    ),
    "not the published file: {name} was filtered or converted": (
        "不是发布的文件：{name} 经过筛选或转换"
    ),
    "{name} is not the report that the manifest names": "{name} 不是清单所指的报告",
    "{name} is not the evidence that the manifest names, or is missing": (
        "{name} 不是清单所指的凭证，或缺失"
    ),
    "{name} is not the report that this one was compared with": "{name} 不是本报告所比较的报告",
    "a previous_state is not the known_state in {name}": (
        "有 previous_state 与 {name} 中的 known_state 不同"
    ),
    "Evidence": "凭证",
    "evidence": "凭证",
    "Written: {path}": "已写入：{path}",
}
"""English text to its Chinese one."""
