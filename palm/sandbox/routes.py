"""What can be asked of the gateway: one question class per route, and the table of routes.

A question is read from a request whose signature verified, and answered later, when the quota has
room for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple, Protocol
from urllib.parse import unquote_to_bytes

from palm.sandbox import rejections
from palm.sandbox.population import Population
from palm.sandbox.rejections import Rejection

__all__ = ["ROUTES", "AuthorizationQuestion", "Call", "Question", "Route", "World", "find_route"]


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
    """

    population: Population
    date: date
    echo: bool


class Question(Protocol):
    """A request that can be answered."""

    @property
    def pair(self) -> tuple[str, str] | None:
        """``(organization_id, openid)`` where it is about one."""

    def answer(self, world: World) -> dict[str, object]:
        """Return the members of the answer."""


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
        openid = _decode(call.variables["openid"], "url", "openid", longest=128)
        values = [
            value.replace("+", " ")
            for name, _, value in (item.partition("=") for item in call.query.split("&"))
            if unquote_to_bytes(name.encode("utf-8", "surrogateescape")) == b"organization_id"
        ]
        if len(values) != 1:
            issue = "repeated parameter" if values else "missing parameter"
            raise _bad_parameter("query", "organization_id", issue)
        return cls(openid, _decode(values[0], "query", "organization_id", longest=64))

    @property
    def pair(self) -> tuple[str, str] | None:
        """``(organization_id, openid)``."""
        return self.organization_id, self.openid

    def answer(self, world: World) -> dict[str, object]:
        """Return the members of the answer; ``authorize_time`` is left out where there is none."""
        state, opened = world.population.look(self.openid, self.organization_id, world.date)
        members: dict[str, object] = {}
        if world.echo:
            members |= {"openid": self.openid, "organization_id": self.organization_id}
        members["state"] = f"AUTHORIZATION_STATE_{state}"
        if opened is not None:
            members["authorize_time"] = opened.isoformat(timespec="seconds")
        return members


class Route(NamedTuple):
    """One method of one path.

    Attributes:
        template: A segment in braces is a variable, and matches exactly one segment.
        read: Returns the question, or raises a Rejection.
    """

    method: str
    template: str
    read: Callable[[Call], Question]

    def match(self, path: list[str]) -> dict[str, str] | None:
        """Return the variables of a path that fits the template."""
        template = self.template.split("/")
        if len(path) != len(template):
            return None
        variables = {}
        for segment, name in zip(path, template, strict=True):
            if name.startswith("{"):
                variables[name[1:-1]] = segment
            elif segment != name:
                return None
        return variables


ROUTES: Final = (
    Route(
        "GET",
        "/v3/palmservice/authorization/openid/{openid}",
        AuthorizationQuestion.read,
    ),
)


def find_route(method: str, target: str, body: bytes) -> tuple[Route, Call]:
    """Return the route that a request takes, and what it brings along.

    The raw path is split, and never decoded or normalised: ``%2F`` within an openid is a part of
    it, and ``..`` is a name like any other.

    Raises:
        Rejection: 404, no such path; 405, not with this method. Both are seen without
            authentication.
    """
    path, _, query = target.partition("?")
    segments = path.split("/")
    found = [(r, v) for r in ROUTES if (v := r.match(segments)) is not None]
    if not found:
        raise Rejection(rejections.WRONG_PATH)
    for route, variables in found:
        if route.method == method:
            return route, Call(variables, query, body)
    raise Rejection(rejections.WRONG_METHOD)


def _decode(encoded: str, location: str, field: str, *, longest: int) -> str:
    try:
        text = unquote_to_bytes(encoded.encode("utf-8", "surrogateescape")).decode()
    except UnicodeDecodeError:
        raise _bad_parameter(location, field, "not UTF-8") from None
    if not 1 <= len(text) <= longest:
        issue = f"length {len(text)} is not between 1 and {longest}"
        raise _bad_parameter(location, field, issue)
    return text


def _bad_parameter(location: str, field: str, issue: str) -> Rejection:
    detail = {"field": field, "issue": issue, "location": location}
    return Rejection(rejections.BAD_PARAMETER, detail)
