"""Whatever the gateway says, and however it writes an openid: nothing that is shown holds it."""

from __future__ import annotations

import asyncio
import base64
import html
import json
import re
import time
from urllib.parse import quote, unquote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict

from palm import AsyncPalm, PalmError, Retry
from palm.http.connections import OutgoingRequest, RawResponse
from palm.text.redact import (
    shown_code,
    shown_key_id,
    shown_message,
    shown_request_id,
    shown_state,
)
from palm.text.scrub import scrub
from tests.examples import examples_of

RUN = 8
USUAL = st.from_regex(r"\Ao[A-Za-z0-9_-]{27}\Z")
OPENIDS = (
    USUAL
    | st.from_regex(r"\A[0-9a-f-]{8,32}\Z")
    | st.from_regex(r"\A[A-Z_]{8,40}\Z")
    | st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=8, max_size=40)
)
EXAMPLE = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"


def percent(text):
    return "".join(f"%{byte:02X}" for byte in text.encode())


WAYS = {
    "as it is": str,
    "quoted": lambda text: quote(text, safe=""),
    "every byte percent-encoded": percent,
    "percent-encoded twice": lambda text: quote(percent(text), safe=""),
    "percent-encoded three times": lambda text: quote(quote(percent(text), safe=""), safe=""),
    "lower-case percent": lambda text: percent(text).lower(),
    "as JSON escapes it": lambda text: "".join(
        f"\\u{unit:04x}" for unit in memoryview(text.encode("utf-16-le")).cast("H")
    ),
    "as JSON escapes it, twice": lambda text: json.dumps(
        "".join(f"\\u{unit:04X}" for unit in memoryview(text.encode("utf-16-le")).cast("H"))
    ),
    "as Python escapes it": lambda text: "".join(
        f"\\x{ord(c):02x}" if ord(c) < 256 else f"\\u{{{ord(c):x}}}" for c in text
    ),
    "as HTML escapes it": lambda text: "".join(f"&#{ord(c)};" for c in text),
    "as HTML escapes it, in hexadecimal": lambda text: "".join(f"&#x{ord(c):X};" for c in text),
    "half of it percent-encoded": lambda text: text[:3] + percent(text[3:-3]) + text[-3:],
}
CASES = {"as it is": str, "upper": str.upper, "lower": str.lower, "swapped": str.swapcase}


def holds(text, openid):
    """Return the first run of the openid that stands in a text: read as it is, or resolved."""
    lower = openid.lower()
    parts = {lower[at : at + RUN] for at in range(len(lower) - RUN + 1)}
    readings = "\n".join(_readings(text))
    return next((part for part in parts if part in readings), None)


def _readings(text):
    yield text.lower()
    yield html.unescape(text).lower()
    for _ in range(3):
        text = unquote(text)
        yield text.lower()
    hexadecimal = r"\\u\{([0-9a-f]+)\}|\\u([0-9a-f]{4})|\\x([0-9a-f]{2})"
    meant = re.sub(hexadecimal, lambda m: chr(int(m[m.lastindex], 16)), text, flags=re.IGNORECASE)
    yield meant.lower()


cut = st.tuples(st.integers(0, 20), st.integers(0, 20))


@given(
    OPENIDS,
    st.sampled_from(sorted(WAYS)),
    st.sampled_from(sorted(CASES)),
    cut,
    st.sampled_from(["first", "then"]),
)
@example(EXAMPLE, "every byte percent-encoded", "upper", (0, 0), "first")
@example("o" + "0" * 27, "as it is", "upper", (0, 5), "then")
def test_no_run_of_eight_characters_of_an_openid_is_left(openid, way, case, ends, cut_it):
    """Cut before it is written so, or afterwards; in any case."""
    first, last = ends
    kept = slice(first, len(openid) - last if last else None)
    write, fold = WAYS[way], CASES[case]
    said = write(fold(openid[kept])) if cut_it == "first" else write(fold(openid))[kept]
    said = f"参数错误 id={said}, see log 08E68E97CC0CF05-268578704"
    for shown in (
        scrub(said, [openid]),
        shown_message(said, [openid]),
        shown_code(said, [openid]),
        shown_request_id(said, [openid]),
    ):
        assert holds(shown, openid) is None


@given(USUAL, st.integers(0, 2), st.sampled_from([base64.b64encode, base64.urlsafe_b64encode]))
def test_base64_and_hexadecimal_of_an_openid_are_taken_out(openid, shift, encode):
    encoded = encode(b"\1" * shift + openid.encode()).decode()
    text = scrub(f"id {encoded} {openid.encode().hex()} {openid.encode().hex().upper()}.", [openid])
    assert text.startswith("id ")
    assert len(text) < len("id  .") + 3 * len("…") + 2 * 4


@given(st.text(max_size=80), USUAL)
def test_a_text_that_holds_nothing_of_an_openid_stays(text, openid):
    if holds(text, openid) is None and not any(mark in text for mark in "%\\&"):
        assert scrub(text, [openid]) == text


@pytest.mark.parametrize(
    "value",
    [
        "08E68E97CC0CF05-268578704",
        "8C8CD84C69801-0",
        "08DBF3A5B9061050120817028BCA901-8E0CC0EDF",
        "3f8e6c1a-5b7d-4c2e-9a10-6f2b8d4c7e55",
    ],
)
def test_a_request_id_stays_as_it_is(value):
    assert shown_request_id(value, [EXAMPLE]) == value


def test_an_openid_of_somebody_else_is_taken_out_of_every_text_too():
    other = "oABCDEFGHIJKLMNOPQRSTUVWX_-1"
    assert scrub(f"openid {other}!", ["oUpF8uMuAJO"]) == "openid …!"
    assert shown_request_id(f"08-{other.upper()}-0") != f"08-{other.upper()}-0"


@pytest.mark.parametrize("value", ["PUB_KEY_ID_0000000000000024101100397200000006", "7A" * 20])
def test_an_id_of_a_key_stays_as_it_is(value):
    assert shown_key_id(value) == value


@pytest.mark.parametrize("value", [EXAMPLE, f"PUB_KEY_ID_{EXAMPLE}", "", None, "G" * 40, "7" * 41])
def test_what_has_not_the_form_of_a_keys_id_is_not_shown(value):
    assert shown_key_id(value) is None


@pytest.mark.parametrize("value", ["AUTHORIZATION_STATE_", EXAMPLE, "on", "AUTHORIZATION_STATE_a"])
def test_what_has_not_the_form_of_a_state_is_not_shown(value):
    assert shown_state(value) is None


PLACES = ("Request-ID", "Wechatpay-Serial", "code", "message", "detail", "state", "openid", "date")


class Believing:
    """A verifier that believes whatever comes."""

    preferred = "PUB_KEY_ID_1"

    def verify(self, *_, **__):
        return self.preferred


class Saying:
    """A transport whose answers say one thing in one place."""

    def __init__(self, place, said, status):
        self.place, self.said, self.status = place, said, status

    def bind_loop(self):
        """Belong to any event loop: nothing is open."""

    async def send(self, *_, permit=None, **__):
        body = {"code": "PARAM_ERROR", "message": "m", "state": "AUTHORIZATION_STATE_ON"}
        if self.place in {"code", "message", "state", "openid"}:
            body[self.place] = self.said
        if self.place == "detail":
            body["detail"] = {"value": self.said, "issue": self.said}
        names = ("Timestamp", "Nonce", "Signature", "Serial")
        headers = {f"Wechatpay-{name}": str(int(time.time())) for name in names}
        headers |= {"Request-ID": "08-0"}
        if self.place in {"Request-ID", "Wechatpay-Serial", "date"}:
            headers[self.place] = self.said
        content = json.dumps(body).encode()
        return RawResponse(
            self.status,
            CIMultiDict(headers),
            content,
            OutgoingRequest(permit, asyncio.timeout(None)),
        )

    async def close(self):
        pass


def told(keys, openid, place, said, status):
    """Return everything that an error, or an answer, shows."""

    async def ask():
        palm = AsyncPalm(
            merchant=keys.merchant(),
            keys=keys.platform_keys() if place == "Wechatpay-Serial" else Believing(),
            base_url="http://127.0.0.1:9",
            accept_unnamed=True,
            retry=Retry(attempts=1, patience_s=0.0),
        )
        palm._queries.transport._transport = Saying(place, said, status)
        async with palm:
            return await palm.authorizations.get(openid, "1")

    try:
        answer = asyncio.run(ask())
    except PalmError as error:
        context = f"{error.__cause__!r} {error.__context__!r}"
        return f"{error} {error!r} {vars(error)} {context}"
    return f"{answer.request_id} {answer.verified_by}"


@settings(max_examples=examples_of(60), deadline=None)
@given(
    USUAL,
    st.sampled_from(PLACES),
    st.sampled_from(sorted(WAYS)),
    st.sampled_from(sorted(CASES)),
    cut,
    st.sampled_from([200, 202, 302, 400, 401, 403, 404, 429, 500]),
)
def test_no_error_of_the_client_holds_an_openid(keys, openid, place, way, case, ends, status):
    first, last = ends
    said = WAYS[way](CASES[case](openid))[first : -last or None]
    prefix = {"state": "AUTHORIZATION_STATE_", "Wechatpay-Serial": "PUB_KEY_ID_"}.get(place, "")
    assert holds(told(keys, openid, place, prefix + said, status), openid) is None
