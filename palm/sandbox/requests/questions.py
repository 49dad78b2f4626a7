"""The questions that the gateway answers: one class each.

A question is read from a request whose signature is verified, and answered if the quota allows it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, Protocol

from palm.sandbox.credentials.download import list_certificates
from palm.sandbox.credentials.keyring import KeyMode, SandboxKeys
from palm.sandbox.people.population import Population
from palm.sandbox.requests import rejections
from palm.sandbox.requests.parameters import from_body, from_path, from_query, wrong
from palm.sandbox.requests.rejections import Rejection

__all__ = [
    "AnswerContext",
    "AuthorizationQuestion",
    "Call",
    "CertificatesQuestion",
    "PreauthorizeQuestion",
    "Question",
]


class Call(NamedTuple):
    """The parts of a request that a question is read from, still percent-encoded.

    Attributes:
        variables: The segments of the path that are variables in the template, by name.
        query: The text after the first question mark.
        body: The raw body.
    """

    variables: Mapping[str, str]
    query: str
    body: bytes


class AnswerContext(NamedTuple):
    """What an answer depends on besides the question.

    Attributes:
        population: Who has authorized whom.
        date: The business date at which the population is shown.
        echo: Whether the answer names the openid and the organization that it is about.
        keys: The keys of both sides.
        mode: Which kind of key signs answers.
    """

    population: Population
    date: date
    echo: bool
    keys: SandboxKeys
    mode: KeyMode


class Question(Protocol):
    """A request that can be answered."""

    @property
    def pair(self) -> tuple[str, str] | None:
        """``(organization_id, openid)`` if it asks for a state, else None."""

    def answer(self, context: AnswerContext) -> dict[str, object]:
        """Return the members of the answer, or raise a Rejection."""


@dataclass(frozen=True, slots=True)
class AuthorizationQuestion:
    """Whether a person has authorized an organization.

    What WeChat Pay answers about an openid that it does not know is not documented; here every
    openid exists.

    Source: https://pay.weixin.qq.com/doc/v3/partner/4014482017
    """

    openid: str
    organization_id: str

    @classmethod
    def read(cls, call: Call) -> AuthorizationQuestion:
        """Return the question that a call asks.

        Raises:
            Rejection: 400; an id is missing, repeated, empty, too long or not UTF-8.
        """
        openid = from_path(call.variables["openid"], "openid", longest=128)
        organization_id = from_query(call.query, "organization_id", longest=64)
        if organization_id is None:
            raise wrong("query", "organization_id", "missing parameter")
        return cls(openid, organization_id)

    @property
    def pair(self) -> tuple[str, str] | None:
        """``(organization_id, openid)``."""
        return self.organization_id, self.openid

    def answer(self, context: AnswerContext) -> dict[str, object]:
        """Return the members of the answer; ``authorize_time`` is left out where there is none."""
        state, opened = context.population.state_on(self.openid, self.organization_id, context.date)
        members: dict[str, object] = {}
        if context.echo:
            members |= {"openid": self.openid, "organization_id": self.organization_id}
        members["state"] = f"AUTHORIZATION_STATE_{state}"
        if opened is not None:
            members["authorize_time"] = opened.isoformat(timespec="seconds")
        return members


@dataclass(frozen=True, slots=True)
class PreauthorizeQuestion:
    """A token with which a person may authorize in the mini-program.

    It changes nothing here: the population decides who has authorized whom. That at least one of
    the two ids must be given, and that undocumented members are ignored, are decisions. The
    documentation's example gives both.

    Attributes:
        members: ``openid``, and ``organization_id`` or ``preauthorize_session_id`` or both.

    Sources: https://pay.weixin.qq.com/doc/v3/partner/4014481990, and the example
    https://wechatpay.im/openapi/v3/palmservice/authorization/preauthorize
    """

    members: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, call: Call) -> PreauthorizeQuestion:
        """Return the question that a call asks.

        Raises:
            Rejection: 400; the body is not a JSON object, ``openid`` is missing, or both other ids
                are; or one of them is not text, empty or too long.
        """
        either = ("organization_id", "preauthorize_session_id")
        members = from_body(call.body, "openid", *either, longest=128)
        if "openid" not in members:
            raise wrong("body", "/openid", "missing parameter")
        if not any(member in members for member in either):
            raise wrong("body", f"/{either[1]}", f"{either[0]} or {either[1]} is wanted")
        return cls(tuple(sorted(members.items())))

    @property
    def pair(self) -> tuple[str, str] | None:
        """None, for it does not ask for a state."""
        return None

    def answer(self, context: AnswerContext) -> dict[str, object]:
        """Return the token: 64 characters, the same for the same question and population."""
        asked = "\0".join((str(context.population.seed), *(f"{k}={v}" for k, v in self.members)))
        return {"permission_token": hashlib.sha256(asked.encode()).hexdigest()}


@dataclass(frozen=True, slots=True)
class CertificatesQuestion:
    """Which platform certificates are valid.

    A merchant that has only the public key gets a 404. It is signed like every answer to a request
    whose own signature is verified; no published example shows its headers.

    Source: https://pay.weixin.qq.com/doc/v3/merchant/4012551764
    """

    algorithm_type: str

    @classmethod
    def read(cls, call: Call) -> CertificatesQuestion:
        """Return the question that a call asks.

        Raises:
            Rejection: 400; ``algorithm_type`` is not one of RSA, SM2 and ALL.
        """
        algorithm_type = from_query(call.query, "algorithm_type", longest=8)
        if algorithm_type not in {None, "RSA", "SM2", "ALL"}:
            raise wrong("query", "algorithm_type", "not one of RSA, SM2, ALL")
        return cls(algorithm_type or "RSA")

    @property
    def pair(self) -> tuple[str, str] | None:
        """None, for it does not ask for a state."""
        return None

    def answer(self, context: AnswerContext) -> dict[str, object]:
        """Return the members of the answer; this merchant has no SM2 certificates.

        Raises:
            Rejection: 404; there are no certificates.
        """
        if context.mode is KeyMode.PUBLIC_KEY:
            raise Rejection(rejections.NO_CERTIFICATES)
        return list_certificates(
            () if self.algorithm_type == "SM2" else context.keys.platform, context.keys.apiv3_key
        )
