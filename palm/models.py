"""The state of one person's authorization for one organization, read from a verified answer.

Source: https://pay.weixin.qq.com/doc/v3/partner/4014482017
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from palm.crypto.signing import SignedMessage
from palm.errors import BodyError, MismatchError, NoStateError, UnnamedError, UnrecognizedStateError
from palm.strict_json import JSONValue, parse_json, read_time

__all__ = ["AuthorizationState", "PalmAuthorization", "read_authorization"]


class AuthorizationState(StrEnum):
    """Whether a person has authorized an organization."""

    ON = "AUTHORIZATION_STATE_ON"
    OFF = "AUTHORIZATION_STATE_OFF"
    NONE = "AUTHORIZATION_STATE_NONE"


_STATES = {state.value: state for state in AuthorizationState}


@dataclass(frozen=True, slots=True)
class PalmAuthorization:
    """A verified answer about one pair.

    What is proved: WeChat Pay signed the answer, at most five minutes before or after the time at
    which it came, and it names this pair. What is not proved: the signature does not cover the
    request, so an answer about the same pair that another process received within these minutes
    cannot be distinguished from this one. If the answer does not name the pair (``echoed`` is
    False), only the connection that it came on connects it with the request.

    Attributes:
        openid: The person, as in the request.
        organization_id: The organization, as in the request.
        state: The state of the authorization. An answer without one raises NoStateError instead.
        authorize_time: When the person last authorized the organization (aware, UTC); None if the
            answer has no time, or one that is not an RFC 3339 time. A time does not imply ON.
        echoed: Whether the answer itself names both openid and organization_id; False only if
            answers that do not are accepted.
        request_id: The answer's ``Request-ID``; None if it has none.
        verified_by: Id of the platform key that signed the answer.
        attempts: How many requests were sent until this answer came, at least 1.
        signed: What WeChat Pay signed; None unless it was asked for with ``keep_signed``.
    """

    openid: str
    organization_id: str
    state: AuthorizationState
    authorize_time: datetime | None
    echoed: bool
    request_id: str | None
    verified_by: str
    attempts: int
    signed: SignedMessage | None = field(default=None, repr=False)


def read_authorization(
    body: bytes,
    *,
    openid: str,
    organization_id: str,
    request_id: str | None,
    verified_by: str,
    accept_unnamed: bool = False,
    attempts: int = 1,
    signed: SignedMessage | None = None,
) -> PalmAuthorization:
    """Return the authorization that a *verified* body describes.

    All four members are optional in the documentation. The state is required here, and must be a
    known one. The ids are required (unless ``accept_unnamed``), and must be those of the request.
    An empty text counts as missing.

    Raises:
        BodyError: The body is not a JSON object, or has a member twice or of the wrong type.
        MismatchError: The body names another person or organization.
        UnnamedError: The body does not name the openid or the organization_id.
        NoStateError: The body has no state.
        UnrecognizedStateError: The state is not one of the documented three.
    """
    members = parse_json(body)
    if not isinstance(members, dict):
        raise BodyError("the answer is not a JSON object")
    named = _text(members, "openid"), _text(members, "organization_id")
    if named != (openid, organization_id):
        _check_named(named, (openid, organization_id), accept_unnamed=accept_unnamed)
    state_text = _text(members, "state")
    if state_text is None:
        raise NoStateError("the answer has no state")
    state = _STATES.get(state_text)
    if state is None:
        raise UnrecognizedStateError(state_text)
    return PalmAuthorization(
        openid=openid,
        organization_id=organization_id,
        state=state,
        authorize_time=read_time(members.get("authorize_time")),
        echoed=None not in named,
        request_id=request_id,
        verified_by=verified_by,
        attempts=attempts,
        signed=signed,
    )


def _check_named(
    named: tuple[str | None, str | None], asked: tuple[str, str], *, accept_unnamed: bool
) -> None:
    if named == asked:
        return
    missing = []
    for name, answered, expected in zip(("openid", "organization_id"), named, asked, strict=True):
        if answered is None:
            missing.append(name)
        elif answered != expected:
            raise MismatchError(f"the answer is about another {name}")
    if missing and not accept_unnamed:
        names = " and the ".join(missing)
        raise UnnamedError(f"the answer does not name the {names} it is about; see accept_unnamed")


def _text(members: Mapping[str, JSONValue], name: str) -> str | None:
    value = members.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise BodyError(f"the answer's {name} is not text")
    return value
