"""Whatever stands for a variable: the server decodes what was given, on the right route."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palm import ArgumentError, AsyncPalm, RefusedError, Retry
from palm.sandbox import SandboxGateway
from palm.sandbox.routes import find_route
from tests.examples import examples_of

EXAMPLES = settings(max_examples=examples_of(200))
TEMPLATE = "/v3/palmservice/authorization/openid/{openid}"
PIECES = [
    *("/", "\\", ".", "..", "?", "#", "%", "%2F", "%2e", "%00", "&", "=", "+", ";", ":", "@", "*"),
    *("{", "}", "{openid}", "//", "http://a/", "/v3/certificates", "../", "organization_id=1"),
    *("中", "😀", "é", "e\u0301", "\u2028", "\ufeff", " ", "'", '"', "<", "\n", "\0", "\ud800"),
]
NASTY = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
VALUE = st.text(st.characters(), max_size=60) | NASTY | st.text("./%?#", max_size=6)


@pytest.fixture(scope="module")
def run():
    with asyncio.Runner() as runner:
        yield runner.run


class Listener:
    """A server that notes the target of each request as it came, and knows no path."""

    def __init__(self) -> None:
        self.targets: list[str] = []

    async def start(self, keys) -> None:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.palm = AsyncPalm(
            merchant=keys.merchant(),
            keys=keys.platform_keys(),
            base_url=f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}",
            retry=Retry(attempts=1),
        )

    async def stop(self) -> None:
        await self.palm.close()
        self.server.close()
        await asyncio.sleep(0.01)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
                self.targets.append(re.fullmatch("GET ([^ ]+) HTTP/1.1", head.split("\r\n")[0])[1])
                writer.write(b"HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest.fixture(scope="module")
def listener(run, keys):
    made = Listener()
    run(made.start(keys))
    yield made
    run(made.stop())


@pytest.fixture(scope="module")
def gateway(run, keys):
    made = SandboxGateway(keys)
    run(made.__aenter__())
    yield made
    run(made.__aexit__(None, None, None))


@pytest.fixture(scope="module")
def palm(run, gateway):
    made = AsyncPalm(
        merchant=gateway.keys.merchant(),
        keys=gateway.keys.platform_keys(),
        base_url=gateway.base_url,
        retry=Retry(attempts=1),
    )
    yield made
    run(made.close())


def sent(listener, run, written):
    """Return the one target that reached the server; None: refused, and nothing did."""

    async def ask():
        return await written(listener.palm)

    listener.targets.clear()
    try:
        with pytest.raises(RefusedError, match="404"):
            run(ask())
    except ArgumentError:
        assert listener.targets == []
        return None
    [target] = listener.targets
    return target


def route_of(target):
    """Return the template that a target reaches, its variables and its query."""
    route, call = find_route("GET", target, b"")
    return route.template, call.variables, call.query


@pytest.mark.parametrize(
    "written",
    [
        lambda p, o, g: p.authorizations.get(o, g),
        lambda p, o, g: p.v3.palmservice.authorization.openid._openid_.get(
            openid=o, query={"organization_id": g}
        ),
        lambda p, o, g: p.chain(TEMPLATE).get({"openid": o, "query": {"organization_id": g}}),
    ],
    ids=["typed", "chained", "declared"],
)
@EXAMPLES
@given(VALUE, VALUE)
def test_what_is_received_decodes_to_what_was_given_on_no_other_route(
    listener, run, written, openid, organization_id
):
    target = sent(listener, run, lambda palm: written(palm, openid, organization_id))
    if target is not None:
        template, variables, query = route_of(target)
        assert template == TEMPLATE
        assert unquote(variables["openid"], errors="strict") == openid
        name, _, value = query.partition("=")
        assert (name, unquote(value, errors="strict")) == ("organization_id", organization_id)


@EXAMPLES
@given(VALUE, VALUE)
def test_two_variables_stay_in_their_own_segments(listener, run, one, other):
    target = sent(listener, run, lambda palm: palm["users/{a}/cards/{b}"].get(a=one, b=other))
    if target is not None:
        assert [unquote(part, errors="strict") for part in target.split("/")] == [
            "",
            "users",
            one,
            "cards",
            other,
        ]


@EXAMPLES
@given(VALUE)
def test_a_path_is_sent_as_it_is_written_or_refused(listener, run, path):
    target = sent(listener, run, lambda palm: palm.chain("v3").chain(path).get())
    assert target in {None, f"/v3/{path.removeprefix('/')}"}


@EXAMPLES
@given(st.text(st.characters(), max_size=12))
def test_an_attribute_is_sent_as_one_segment_or_refused(listener, run, name):
    try:
        node = getattr(listener.palm.v3, name)
        if name in {"get", "post", "put", "patch", "delete", "chain"}:
            return
    except AttributeError:
        return
    target = sent(listener, run, lambda _: node.get())
    assert target is None or target.startswith("/v3/")


@EXAMPLES
@given(
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=128),
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=64),
)
def test_the_gateway_believes_the_signature_and_answers_about_the_pair(
    gateway, palm, run, openid, organization_id
):
    asked, rejected = gateway.stats.asked.copy(), gateway.stats.rejected

    async def ask():
        return await palm.authorizations.get(openid, organization_id)

    try:
        answer = run(ask())
    except ArgumentError:
        assert {openid, organization_id} & {".", ".."}
        return
    assert (answer.openid, answer.organization_id, answer.echoed) == (openid, organization_id, True)
    assert list(gateway.stats.asked - asked) == [(organization_id, openid)]
    assert gateway.stats.rejected == rejected
