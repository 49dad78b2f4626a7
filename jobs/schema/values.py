"""The closed sets of values in a report: states, changes and reasons, each with its meaning."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple, Self

__all__ = ["GAIN", "HIDDEN", "LOSS", "NO_CHANGE", "Change", "Label", "State", "UnknownReason"]


class Label(NamedTuple):
    """A text for people, in both languages."""

    en: str
    zh: str


class _Described(StrEnum):
    """A value, followed by its meaning in English and in Chinese."""

    meaning: Label

    def __new__(cls, value: str, english: str, chinese: str) -> Self:
        """Return the member, which equals its value as text."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = Label(english, chinese)
        return member


class State(_Described):
    """The state answered for a pair; UNKNOWN where there is no valid answer."""

    ON = "ON", "authorized", "已开通"
    OFF = "OFF", "closed", "已关闭"
    NONE = "NONE", "never authorized, or cleared", "未授权：从未开通，或已清除"
    UNKNOWN = "UNKNOWN", "no valid answer", "没有有效应答"


class Change(_Described):
    """What happened to a pair since its last known state; each pair has exactly one.

    The order is that of display, not that of the rules.
    """

    FIRST_SEEN = "FIRST_SEEN", "answered for the first time", "首次得到应答"
    OPENED = "OPENED", "NONE to ON", "由未授权变为已开通"
    REOPENED = "REOPENED", "OFF to ON", "由已关闭变为已开通"
    REAUTHORIZED = (
        "REAUTHORIZED",
        "ON to ON with a later time: closed and opened again in between",
        "仍为已开通，但授权时间更晚：期间关闭后又重新开通",
    )
    CLOSED = "CLOSED", "ON to OFF", "由已开通变为已关闭"
    CYCLED = "CYCLED", "opened and closed again in between", "期间开通后又关闭"
    CLEARED = "CLEARED", "ON or OFF to NONE", "由已开通或已关闭变为未授权"
    ANOMALY = (
        "ANOMALY",
        "same state, but an earlier or a future time",
        "状态相同，但授权时间变早或在将来",
    )
    UNKNOWN = (
        "UNKNOWN",
        "in the input, but without a valid answer: nothing is claimed",
        "在本次名单中，但没有有效应答，不作任何判断",
    )
    DROPPED = (
        "DROPPED",
        "in the last report, not in this input",
        "上期报告中有，本次名单中没有",
    )
    ABSENT = "ABSENT", "missing from the input for longer", "更早以前就已不在名单中"
    UNCHANGED = "UNCHANGED", "nothing changed", "没有变化"


GAIN: Final = (Change.OPENED, Change.REOPENED)
LOSS: Final = (Change.CLOSED, Change.CLEARED)
"""CLEARED is a loss only from ON; :mod:`jobs.compare.summary` counts it so."""
HIDDEN: Final = (Change.REAUTHORIZED, Change.CYCLED)
NO_CHANGE: Final = (Change.UNCHANGED, Change.UNKNOWN, Change.ABSENT)
"""Classes of pairs to which nothing is known to have happened since the last report."""


class UnknownReason(_Described):
    """Why a pair has no valid answer."""

    NOT_ASKED = "NOT_ASKED", "the run ended before it was asked", "运行结束前未及查询"
    TIMEOUT = "TIMEOUT", "no answer in time", "超时未应答"
    NETWORK = "NETWORK", "no connection, or a broken one", "无法连接或连接中断"
    LOCAL = (
        "LOCAL",
        "this machine had no resources left for a connection",
        "本机已无资源建立连接",
    )
    SERVER_ERROR = (
        "SERVER_ERROR",
        "the gateway answered with a server error",
        "网关返回服务端错误",
    )
    THROTTLED = "THROTTLED", "throttled at every attempt", "每次查询都被限流"
    REFUSED = "REFUSED", "the gateway refused the request", "网关拒绝了查询"
    SIGNATURE = "SIGNATURE", "an answer whose signature is not valid", "应答签名无效"
    REPLAYED = "REPLAYED", "an answer that was received before", "重复收到的应答"
    MISMATCH = "MISMATCH", "an answer about another pair", "应答与所查用户不符"
    UNNAMED = (
        "UNNAMED",
        "an answer that does not name the person or the organization",
        "应答未写明用户或机构",
    )
    BAD_BODY = "BAD_BODY", "an answer that cannot be parsed", "应答无法解析"
    NO_STATE = "NO_STATE", "a verified answer without a state", "验签通过但没有状态"
    NEW_STATE = "NEW_STATE", "a verified answer with an unrecognized state", "验签通过但状态未知"
