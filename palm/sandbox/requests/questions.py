"""What can be asked of the gateway: one class per question, read from a call, answered later.

A question is read from a request whose signature verified, and answered when the quota has room
for it.
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
    "AuthorizationQuestion",
    "Call",
    "CertificatesQuestion",
    "PreauthorizeQuestion",
    "Question",
    "World",
]


class Call(NamedTuple):
    """The parts of a request that a question is read from, still percent-encoded.

    Attributes:
        variables: Segments of the path that the template calls by a name.
        query: What stands behind the first question mark.
    """

    variables: Mapping[str, str]
    query: str
    body: bytes


class World(NamedTuple):
    """What answers depend on, besides the question.

    Attributes:
        date: The business date that the population is shown at.
        echo: Whether this answer names the ids that it was asked about.
        keys: Both sides'.
        mode: Which kind of key signs.
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
        """``(organization_id, openid)`` where it asks for a state."""

    def answer(self, world: World) -> dict[str, object]:
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
            Rejection: 400; an id is missing, repeated, empty, too long or no UTF-8.
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

    def answer(self, world: World) -> dict[str, object]:
        """Return the members of the answer; ``authorize_time`` is left out where there is none."""
        state, opened = world.population.state_on(self.openid, self.organization_id, world.date)
        members: dict[str, object] = {}
        if world.echo:
            members |= {"openid": self.openid, "organization_id": self.organization_id}
        members["state"] = f"AUTHORIZATION_STATE_{state}"
        if opened is not None:
            members["authorize_time"] = opened.isoformat(timespec="seconds")
        return members


@dataclass(frozen=True, slots=True)
class PreauthorizeQuestion:
    """A token with which a person may authorize in the mini-program.

    It changes nothing here: who has authorized whom is the population's business. That exactly one
    of the two ways must be taken, and that members which are not documented are overlooked, are
    decisions.

    Attributes:
        way: ``organization_id`` or ``preauthorize_session_id``.
        value: Its value.

    Source: https://pay.weixin.qq.com/doc/v3/partner/4014481990
    """

    openid: str
    way: str
    value: str

    @classmethod
    def read(cls, call: Call) -> PreauthorizeQuestion:
        """Return the question that a call asks.

        Raises:
            Rejection: 400; the body is not a JSON object, ``openid`` is missing, or not exactly one
                of the two ways is taken; or one of them is not text, empty or too long.
        """
        ways = ("organization_id", "preauthorize_session_id")
        found = from_body(call.body, "openid", *ways, longest=128)
        if "openid" not in found:
            raise wrong("body", "/openid", "missing parameter")
        taken = [way for way in ways if way in found]
        if len(taken) != 1:
            raise wrong("body", f"/{ways[1]}", f"exactly one of {ways[0]} and {ways[1]} is wanted")
        return cls(found["openid"], taken[0], found[taken[0]])

    @property
    def pair(self) -> tuple[str, str] | None:
        """None: it asks for no state."""
        return None

    def answer(self, world: World) -> dict[str, object]:
        """Return the token: 64 characters, the same for the same question and population."""
        asked = "\0".join((str(world.population.seed), self.openid, self.way, self.value))
        return {"permission_token": hashlib.sha256(asked.encode()).hexdigest()}


@dataclass(frozen=True, slots=True)
class CertificatesQuestion:
    """Which platform certificates are valid.

    A merchant with nothing but the public key is told so with a 404. It is signed like every answer
    to a request whose own signature verified; no dump of it shows its headers.

    Source: https://pay.weixin.qq.com/doc/v3/merchant/4012551764
    """

    algorithm_type: str

    @classmethod
    def read(cls, call: Call) -> CertificatesQuestion:
        """Return the question that a call asks.

        Raises:
            Rejection: 400; ``algorithm_type`` is none of RSA, SM2 and ALL.
        """
        algorithm_type = from_query(call.query, "algorithm_type", longest=8)
        if algorithm_type not in {None, "RSA", "SM2", "ALL"}:
            raise wrong("query", "algorithm_type", "not one of RSA, SM2, ALL")
        return cls(algorithm_type or "RSA")

    @property
    def pair(self) -> tuple[str, str] | None:
        """None: it asks for no state."""
        return None

    def answer(self, world: World) -> dict[str, object]:
        """Return the list; this merchant has no SM2 certificates.

        Raises:
            Rejection: 404; there are no certificates.
        """
        if world.mode is KeyMode.PUBLIC_KEY:
            raise Rejection(rejections.NO_CERTIFICATES)
        return list_certificates(
            () if self.algorithm_type == "SM2" else world.keys.platform, world.keys.apiv3_key
        )
