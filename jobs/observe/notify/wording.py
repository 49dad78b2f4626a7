"""The sentences of messages, in English and Chinese; those about a report are the report's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from jobs.render.language import Language, Translate
from jobs.render.translations import translator

__all__ = ["CHINESE", "DONE", "ENDINGS", "TRIAL", "wording"]

DONE: Final = "done"
TRIAL: Final = "This is the test message of palm-reconcile --notify-test; nobody was asked about."
ENDINGS: Final[Mapping[int, str]] = {
    0: DONE,
    1: "internal error",
    2: "bad options or settings",
    3: "incomplete: too many pairs have no answer",
    4: "stopped: answers did not come, or were not accepted",
    5: "the controls do not balance",
    10: "a --fail-on rule holds",
    65: "the input or the last report cannot be used",
    73: "the report, or a part of it, cannot be written",
    75: "not possible now; may succeed later",
    77: "credentials or certificate refused",
    130: "interrupted",
    143: "interrupted",
}
"""By exit code, how a run ended, in a few words."""
CHINESE: Final[Mapping[str, str]] = {
    DONE: "完成",
    "internal error": "程序内部错误",
    "bad options or settings": "选项或设置有误",
    "incomplete: too many pairs have no answer": "未查全：无应答的过多",
    "stopped: answers did not come, or were not accepted": "已中止：没有应答，或应答未被采信",
    "the controls do not balance": "核对不平",
    "a --fail-on rule holds": "有 --fail-on 规则成立",
    "the input or the last report cannot be used": "名单或上期报告无法使用",
    "the report, or a part of it, cannot be written": "报告或其中一种格式无法写入",
    "not possible now; may succeed later": "暂时无法运行，稍后可重试",
    "credentials or certificate refused": "商户凭证或证书被拒绝",
    "interrupted": "运行被中断",
    "ended": "已结束",
    "{job}: {ending}": "{job}：{ending}",
    "{ending} (exit {code})": "{ending}（退出码 {code}）",
    "done, with {count:,} {count:warning|warnings}": "完成，有 {count:,} 条提示",
    "{date}: the run ended with exit code {code}: {ending}.": (
        "{date}：运行以退出码 {code} 结束：{ending}。"
    ),
    "The run ended with exit code {code}: {ending}.": "运行以退出码 {code} 结束：{ending}。",
    "Reason: {why}": "原因：{why}",
    "Warning: {what}": "注意：{what}",
    "Organization {organization}: {lost:,} lost, {on:,} of {pairs:,} ON": (
        "机构 {organization}：关闭 {lost:,}，现有已开通 {on:,}（共 {pairs:,}）"
    ),
    "{count:,} more {count:organization|organizations} lost {lost:,}": (
        "另有 {count:,} 个机构共关闭 {lost:,}"
    ),
    "{count:,} more {count:line is|lines are} in the report or in the log": (
        "另有 {count:,} 行见报告或日志"
    ),
    "Report: {path} on {host}": "报告：{host} 上的 {path}",
    "Machine: {host}": "主机：{host}",
    "Run: {command}": "执行：{command}",
    "The command that helps is in the log.": "可用的命令见日志。",
    "palm-reconcile {name}: test message": "palm-reconcile {name}：测试消息",
    TRIAL: "这是 palm-reconcile --notify-test 发送的测试消息，没有进行任何查询。",
}


def wording(language: Language) -> Translate:
    """Return what translates the sentences of messages, and those about a report."""
    if language is Language.EN:
        return str
    of_reports = translator(language)
    return lambda text: CHINESE[text] if text in CHINESE else of_reports(text)
