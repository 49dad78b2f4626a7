"""The routes: which question a request asks.

The raw path is split, and never decoded or normalised: ``%2F`` within an openid is a part of it,
and ``..`` is an ordinary segment.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from palm.sandbox.requests import rejections
from palm.sandbox.requests.questions import (
    AuthorizationQuestion,
    Call,
    CertificatesQuestion,
    PreauthorizeQuestion,
    Question,
)
from palm.sandbox.requests.rejections import Rejection

__all__ = ["ROUTES", "Route", "find_route"]


class Route(NamedTuple):
    """One method of one path.

    Attributes:
        method: The HTTP method.
        template: The path; a segment in braces is a variable and matches exactly one segment.
        read: Reads the question from the request, or raises a Rejection.
    """

    method: str
    template: str
    read: Callable[[Call], Question]

    def __str__(self) -> str:
        return f"{self.method} {self.template}"

    def match(self, path: list[str]) -> dict[str, str] | None:
        """Return the variables of a path that matches the template, or None if it does not."""
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
    Route(
        "POST",
        "/v3/palmservice/authorization/preauthorize",
        PreauthorizeQuestion.read,
    ),
    Route("GET", "/v3/certificates", CertificatesQuestion.read),
)


def find_route(method: str, target: str, body: bytes) -> tuple[Route, Call]:
    """Return the route of a request, and the parts that its question is read from.

    Raises:
        Rejection: 404, no such path; 405, not with this method. Both are sent without
            authentication.
    """
    path, _, query = target.partition("?")
    segments = path.split("/")
    matches = [(r, v) for r in ROUTES if (v := r.match(segments)) is not None]
    if not matches:
        raise Rejection(rejections.WRONG_PATH)
    for route, variables in matches:
        if route.method == method:
            return route, Call(variables, query, body)
    raise Rejection(rejections.WRONG_METHOD)
