"""What reaches the server is what the chain says, byte for byte, and signed as it was sent."""

from __future__ import annotations

import asyncio
import base64
import copy
import json
import pickle
import re
import time
from typing import NamedTuple, Self

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from palm import (
    ArgumentError,
    AsyncPalm,
    BodyError,
    Palm,
    PalmError,
    RequestOptions,
    Retry,
    message,
)

PLAIN = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
ODD = "a/b?c=d#e f%20中+&"
ODD_SENT = "a%2Fb%3Fc%3Dd%23e%20f%2520%E4%B8%AD%2B%26"
CLIMBING = "../../../certificates"
QUERY = "/v3/palmservice/authorization/openid/"


class Seen(NamedTuple):
    """A request as it came."""

    method: str
    target: str
    body: bytes
    headers: dict[str, str]


class Recorder:
    """A server that notes what comes, insists on its signature, and signs its own answers."""

    def __init__(self, keys, answer: bytes = b"{}", status: int = 200) -> None:
        self.keys = keys
        self.answer = answer
        self.status = status
        self.seen: list[Seen] = []

    async def __aenter__(self) -> Self:
        self.runner = web.ServerRunner(web.Server(self._handle))
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        self.base_url = "http://{}:{}".format(*self.runner.addresses[0])
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.Response:
        body = await request.content.read()  # of any size
        said = dict(re.findall(r'([a-z_]+)="([^"]+)"', request.headers["Authorization"]))
        signed = message(
            request.method, request.raw_path, said["timestamp"], said["nonce_str"], body
        )
        signature = base64.b64decode(said["signature"], validate=True)
        key = self.keys.merchant_key.public_key()
        key.verify(signature, signed, PKCS1v15(), SHA256())  # raises, which is a 500
        self.seen.append(Seen(request.method, request.raw_path, body, dict(request.headers)))
        head = sign(self.keys, self.answer)
        return web.Response(body=self.answer, status=self.status, headers=head)

    def options(self) -> dict:
        """Return what a client of this server is made with."""
        return {
            "merchant": self.keys.merchant(),
            "keys": self.keys.platform_keys(),
            "base_url": self.base_url,
            "retry": Retry(attempts=1),
        }


def sign(keys, body: bytes) -> dict[str, str]:
    """Return the signature's headers for an answer."""
    now = str(int(time.time()))
    raw = keys.sign(keys.public_key_id, message(now, "n", body))
    return {
        "Wechatpay-Timestamp": now,
        "Wechatpay-Nonce": "n",
        "Wechatpay-Signature": base64.b64encode(raw).decode(),
        "Wechatpay-Serial": keys.public_key_id,
    }


@pytest.fixture
async def server(keys):
    async with Recorder(keys) as recorder:
        yield recorder


@pytest.fixture
async def palm(server):
    async with AsyncPalm(**server.options()) as client:
        yield client


# What is written, and what the Node and PHP clients were recorded to send for it; then our own.
GRAMMAR = [
    (
        lambda p: p.v3.pay.transactions.outTradeNo._out_trade_no_.close.post(out_trade_no="P12"),
        "POST /v3/pay/transactions/out-trade-no/P12/close",
    ),
    (lambda p: p.v3.merchantService.complaintsV2.get(), "GET /v3/merchant-service/complaints-v2"),
    (
        lambda p: p.v3.applyment4sub.applyment.business_code._business_code_.get(
            business_code="A_1"
        ),
        "GET /v3/applyment4sub/applyment/business_code/A_1",
    ),
    (
        lambda p: p.v3.profitsharing.receivers.Delete.post(),
        "POST /v3/profitsharing/receivers/delete",
    ),
    (lambda p: p.v3.profitsharing.receivers.delete(), "DELETE /v3/profitsharing/receivers"),
    (
        lambda p: p.v3.foo_bar.fooBar.FooBar.foo4bar.fooBAR.get(),
        "GET /v3/foo_bar/foo-bar/foo-bar/foo4bar/foo-b-a-r",
    ),
    (
        lambda p: (
            p.v3.marketing.favor.users["{openid}/coupons/{coupon_code}"]
            .appids["{appid}"]
            .get(openid="O", coupon_code="C", appid="A")
        ),
        "GET /v3/marketing/favor/users/O/coupons/C/appids/A",
    ),
    (
        lambda p: p.v3.palmservice.authorization.openid._openid_.get(openid=ODD),
        f"GET {QUERY}{ODD_SENT}",
    ),
    (
        lambda p: p.v3.palmservice.authorization.openid._openid_.get(openid=CLIMBING),
        f"GET {QUERY}..%2F..%2F..%2Fcertificates",
    ),
    (
        lambda p: p.v3.certificates.get(query={"organization_id": "a b&c=中+/"}),
        "GET /v3/certificates?organization_id=a%20b%26c%3D%E4%B8%AD%2B%2F",
    ),
    # Variables, in each spelling.
    (lambda p: getattr(p.v3, "$openid$").get(openid="O"), "GET /v3/O"),
    (lambda p: p.v3["$openid$"].get(), "GET /v3/$openid$"),
    (lambda p: p.v3._a1_b_.get(a1_b="O"), "GET /v3/O"),
    (lambda p: p.v3["{a}{b}-{a}"].get(a="1", b="2"), "GET /v3/12-1"),
    (lambda p: p.v3._n_.get(n=42), "GET /v3/42"),
    (lambda p: p.v3._n_.get(n="..."), "GET /v3/..."),
    (lambda p: p.v3._n_.get(n="{n}"), "GET /v3/%7Bn%7D"),
    (lambda p: p.v3._n_.get(n="%2e%2e"), "GET /v3/%252e%252e"),
    # Pascal case is the way round keywords and verbs.
    (lambda p: p.v3.Global.Return.Class.get(), "GET /v3/global/return/class"),
    (
        lambda p: p.v3.Get.Post.Put.Patch.Delete.Chain.get(),
        "GET /v3/get/post/put/patch/delete/chain",
    ),
    # chain() and keys take their text literally.
    (lambda p: p.chain("v3/Foo/fooBar").get(), "GET /v3/Foo/fooBar"),
    (lambda p: p["v3/Foo/_x_"].get(), "GET /v3/Foo/_x_"),
    (lambda p: p.chain("/v3/foo").get(), "GET /v3/foo"),
    (lambda p: p.v3.foo.chain("").get(), "GET /v3/foo/"),
    (lambda p: p.chain("").get(), "GET /"),
    (lambda p: p.v3.chain("a%20b;c=1,2@3:4~!$&'()*+").get(), "GET /v3/a%20b;c=1,2@3:4~!$&'()*+"),
    (lambda p: p.chain("v3").chain("get").get(), "GET /v3/get"),
    # Keywords, one mapping, or both.
    (lambda p: p.v3._a_.get(a="1", query={"b": "2"}), "GET /v3/1?b=2"),
    (lambda p: p.v3._a_.get({"a": "1", "query": {"b": "2"}}), "GET /v3/1?b=2"),
    (lambda p: p.v3._a_.get({"a": "1"}, query={"b": "2"}), "GET /v3/1?b=2"),
    (lambda p: p.v3._a_.get({"query": {"b": "2"}}, a="1"), "GET /v3/1?b=2"),
    (lambda p: p.v3._given_._self_.get(given="1", self="2"), "GET /v3/1/2"),
    (lambda p: p.v3.foo.get({}), "GET /v3/foo"),
    (lambda p: p.v3.foo.get(query={}), "GET /v3/foo"),
    (lambda p: p.v3.foo.get(query=None, json=None), "GET /v3/foo"),
    (lambda p: p.v3.foo.get(query={"b": "", "a": 0}), "GET /v3/foo?b=&a=0"),
    (lambda p: p.v3.foo.get(query={"q[]": "~._-"}), "GET /v3/foo?q%5B%5D=~._-"),
    # Verbs.
    (lambda p: p.v3.foo.get(), "GET /v3/foo"),
    (lambda p: p.v3.foo.post(), "POST /v3/foo"),
    (lambda p: p.v3.foo.put(), "PUT /v3/foo"),
    (lambda p: p.v3.foo.patch(), "PATCH /v3/foo"),
    (lambda p: p.v3.foo.delete(), "DELETE /v3/foo"),
]


@pytest.mark.parametrize(("written", "sent"), GRAMMAR, ids=[sent for _, sent in GRAMMAR])
async def test_what_is_written_is_what_reaches_the_server(palm, server, written, sent):
    response = await written(palm)
    assert [f"{one.method} {one.target}" for one in server.seen] == [sent]
    assert (response.status, response.content, response.attempts) == (200, b"{}", 1)
    assert response.verified_by == server.keys.public_key_id


STYLES = [
    lambda p, q: p.v3.palmservice.authorization.openid._openid_.get(openid=PLAIN, query=q),
    lambda p, q: p.chain("v3/palmservice/authorization/openid/{openid}").get(openid=PLAIN, query=q),
    lambda p, q: p["v3/palmservice/authorization/openid/{openid}"].get(openid=PLAIN, query=q),
]


@pytest.mark.parametrize("written", STYLES, ids=["chained", "declared", "by key"])
@pytest.mark.parametrize("client", [Palm, AsyncPalm])
async def test_all_six_documented_ways_send_the_same(server, client, written):
    query = {"organization_id": "1004"}
    if client is Palm:
        with Palm(**server.options()) as palm:
            response = await asyncio.to_thread(written, palm, query)
    else:
        async with AsyncPalm(**server.options()) as palm:
            response = await written(palm, query)
    assert response.json() == {}
    [one] = server.seen
    assert (one.method, one.target) == ("GET", f"{QUERY}{PLAIN}?organization_id=1004")
    assert one.body == b""


@pytest.mark.parametrize("verb", ["post", "put", "patch", "delete", "get"])
@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"b": "中", "a": [1, None, True]}, '{"b":"中","a":[1,null,true]}'),
        ({"😀": "\n\u2028"}, '{"😀":"\\n\u2028"}'),
        ([], "[]"),
        ({}, "{}"),
        (False, "false"),
        (0, "0"),
    ],
)
async def test_json_is_serialised_once_signed_and_sent(palm, server, verb, given, sent):
    """The server has verified the signature over these very bytes."""
    await getattr(palm.v3.foo, verb)(json=given)
    [one] = server.seen
    assert (one.method, one.body.decode()) == (verb.upper(), sent)
    assert one.headers["Content-Type"] == "application/json"


async def test_an_answer_can_be_pickled_and_copied(palm):
    answer = await palm.v3.certificates.get()
    for other in (pickle.loads(pickle.dumps(answer)), copy.deepcopy(answer)):  # noqa: S301 - ours
        assert other == answer
        assert other.headers["wechatpay-nonce"] == "n"


async def test_a_request_without_json_has_no_body_and_no_content_type(palm, server):
    await palm.v3.foo.post()
    [one] = server.seen
    assert (one.body, one.headers["Content-Length"]) == (b"", "0")
    assert "Content-Type" not in one.headers


REFUSED = [
    ("missing", lambda p: p.v3._openid_.get()),
    ("None", lambda p: p.v3._openid_.get(openid=None)),
    ("empty", lambda p: p.v3._openid_.get(openid="")),
    ("dot", lambda p: p.v3._openid_.get(openid=".")),
    ("dots", lambda p: p.v3._openid_.get({"openid": ".."})),
    ("line break", lambda p: p.v3._openid_.get(openid="a\r\nb")),
    ("half a character", lambda p: p.v3._openid_.get(openid="\ud800")),
    ("bytes", lambda p: p.v3._openid_.get(openid=b"o")),
    ("true", lambda p: p.v3._openid_.get(openid=True)),
    ("unknown", lambda p: p.v3.foo.get(openid="o")),
    ("unknown besides a known", lambda p: p.v3._openid_.get(openid="o", opened="o")),
    ("unknown None", lambda p: p.v3.foo.get(openid=None)),
    ("given twice", lambda p: p.v3._openid_.get({"openid": "o"}, openid="o")),
    ("query twice", lambda p: p.v3.foo.get({"query": {"a": "1"}}, query={"a": "1"})),
    ("query is text", lambda p: p.v3.foo.get(query="a=1")),
    ("query is pairs", lambda p: p.v3.foo.get(query=[("a", "1")])),
    ("query of None", lambda p: p.v3.foo.get(query={"a": None})),
    ("query of a list", lambda p: p.v3.foo.get(query={"a": ["1"]})),
    ("query without name", lambda p: p.v3.foo.get(query={"": "1"})),
    ("query named by a number", lambda p: p.v3.foo.get(query={1: "1"})),
    ("no mapping", lambda p: p.v3._openid_.get(PLAIN)),
    ("mapping of numbers", lambda p: p.v3.foo.get({1: "1", "b": "2"})),
    ("operator +", lambda p: p.v3["{+openid}"].get(openid="o")),
    ("operator #", lambda p: p.v3["{#openid}"].get(openid="o")),
    ("operator ?", lambda p: p.v3["x{?openid}"].get(openid="o")),
    ("operator /", lambda p: p.v3["{/openid}"].get(openid="o")),
    ("modifier *", lambda p: p.v3["{openid*}"].get(openid="o")),
    ("modifier :", lambda p: p.v3["{openid:3}"].get(openid="o")),
    ("two in one", lambda p: p.v3["{a,b}"].get(a="1", b="2")),
    ("no name", lambda p: p.v3["{}"].get()),
    ("nested", lambda p: p.v3["{{openid}}"].get(openid="o")),
    ("left open", lambda p: p.v3["{openid"].get(openid="o")),
    ("closed before", lambda p: p.v3["openid}"].get(openid="o")),
    ("query in the path", lambda p: p.chain("v3/foo?a=1").get()),
    ("fragment in the path", lambda p: p.chain("v3/foo#a").get()),
    ("blank in the path", lambda p: p.chain("v3/a b").get()),
    ("line break in the path", lambda p: p.chain("v3/a\r\nb").get()),
    ("dots in the path", lambda p: p.chain("v3/../certificates").get()),
    ("a dot in the path", lambda p: p.v3["."].get()),
    ("a set as json", lambda p: p.v3.foo.post(json={1, 2})),
    ("no number as json", lambda p: p.v3.foo.post(json=float("nan"))),
    ("half a character as json", lambda p: p.v3.foo.post(json="\ud800")),
]


@pytest.mark.parametrize("written", [w for _, w in REFUSED], ids=[name for name, _ in REFUSED])
async def test_what_cannot_be_asked_is_an_error_before_anything_is_sent(palm, server, written):
    with pytest.raises(ArgumentError) as caught:
        await written(palm)
    assert server.seen == []
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("key", [0, None, slice(1), b"v3"])
async def test_a_key_that_is_no_text_is_a_type_error(palm, server, key):
    with pytest.raises(TypeError, match="a path is text"):
        palm[key]
    with pytest.raises(TypeError, match="a path is text"):
        palm.v3[key]
    assert server.seen == []


async def test_variables_and_query_stay_out_of_the_errors_of_the_gateway(keys):
    """A message that repeats what was asked is shown without it."""

    message = f"openid {PLAIN} or {PLAIN[::-1]} is bad"
    answer = json.dumps({"code": "PARAM_ERROR", "message": message}).encode()
    async with (
        Recorder(keys, answer, status=400) as server,
        AsyncPalm(**server.options()) as palm,
    ):
        with pytest.raises(PalmError) as caught:
            await palm.v3._openid_.get(openid=PLAIN, query={"openid": PLAIN[::-1]})
    assert PLAIN not in f"{caught.value!r} {vars(caught.value)}"
    assert PLAIN[::-1] not in f"{caught.value!r} {vars(caught.value)}"
    assert caught.value.code == "PARAM_ERROR"


# --- the typed call of the family's other endpoint


@pytest.mark.parametrize(
    "named", [{"organization_id": "1004"}, {"preauthorize_session_id": "181167098309019291163"}]
)
async def test_preauthorize_posts_what_is_documented_and_returns_the_token(keys, named):
    async with (
        Recorder(keys, b'{"permission_token":"T1"}') as server,
        AsyncPalm(**server.options()) as palm,
    ):
        assert await palm.authorizations.preauthorize(PLAIN, **named) == "T1"
    [one] = server.seen
    assert (one.method, one.target) == ("POST", "/v3/palmservice/authorization/preauthorize")
    assert json.loads(one.body) == {"openid": PLAIN} | named


async def test_preauthorize_works_from_synchronous_code_too(keys):
    async with Recorder(keys, b'{"permission_token":"T1"}') as server:
        with Palm(**server.options()) as palm:
            ask = palm.authorizations.preauthorize
            assert await asyncio.to_thread(ask, PLAIN, organization_id="1004") == "T1"
    assert json.loads(server.seen[0].body) == {"openid": PLAIN, "organization_id": "1004"}


@pytest.mark.parametrize(
    ("openid", "named"),
    [
        (PLAIN, {}),
        (PLAIN, {"organization_id": "1", "preauthorize_session_id": "2"}),
        (PLAIN, {"organization_id": ""}),
        ("", {"organization_id": "1"}),
        ("a\nb", {"organization_id": "1"}),
        (None, {"organization_id": "1"}),
    ],
)
async def test_preauthorize_refuses_what_is_not_documented_before_anything_is_sent(
    palm, server, openid, named
):
    with pytest.raises(ArgumentError):
        await palm.authorizations.preauthorize(openid, **named)
    assert server.seen == []


@pytest.mark.parametrize(
    "answer", [b"{}", b"[]", b"", b'"T1"', b'{"permission_token":""}', b'{"permission_token":1}']
)
async def test_preauthorize_without_a_token_is_an_error_and_asks_once(keys, answer):
    async with Recorder(keys, answer) as server:
        options = server.options() | {"retry": Retry()}
        async with AsyncPalm(**options) as palm:
            with pytest.raises(BodyError):
                await palm.authorizations.preauthorize(PLAIN, organization_id="1004")
    assert len(server.seen) == 1


PATH = "v3/palmservice/authorization/openid/{openid}"
ARGUMENTS = {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", "query": {"organization_id": "1004"}}


@pytest.mark.parametrize("verb", ["get", "getAsync"])
@pytest.mark.parametrize(
    "node",
    [
        lambda p: p.v3.palmservice.authorization.openid._openid_,
        lambda p: p.chain(PATH),
        lambda p: p[PATH],
    ],
    ids=["chain", "declared", "key"],
)
async def test_the_documentations_six_ways_are_one_request(server, palm, node, verb):
    """Source: https://wechatpay.im/openapi/v3/palmservice/authorization/openid/%7Bopenid%7D."""
    answer = await getattr(node(palm), verb)(ARGUMENTS)
    assert answer.status == 200
    [one] = server.seen
    assert (one.method, one.target) == (
        "GET",
        "/v3/palmservice/authorization/openid/oUpF8uMuAJO_M2pxb1Q9zNjWeS6o?organization_id=1004",
    )


@pytest.mark.parametrize("verb", ["post", "put", "patch", "delete"])
async def test_the_other_methods_have_that_name_too(server, palm, verb):
    await getattr(palm.v3.foo._bar_, f"{verb}Async")(bar="1", json={"a": 1})
    [one] = server.seen
    assert (one.method, one.target, one.body) == (verb.upper(), "/v3/foo/1", b'{"a":1}')


def test_a_chain_of_palm_names_the_client_that_has_them(keys):
    node = Palm(merchant=keys.merchant(), keys=keys.platform_keys()).v3.foo
    with pytest.raises(
        AttributeError, match="getAsync belongs to AsyncPalm, .* with Palm call get"
    ):
        node.getAsync({})
    assert not hasattr(node, "postAsync")


# --- what else a request may have


async def test_headers_are_added_and_the_id_of_the_key_for_encrypted_fields_replaces_ours(
    server, palm
):
    await palm.v3.foo.post(
        json={"a": 1}, headers={"wechatpay-serial": "PUB_KEY_ID_0", "Idempotency-Key": "k 1"}
    )
    [one] = server.seen
    names = [name.lower() for name in one.headers]
    assert names.count("wechatpay-serial") == 1
    assert one.headers["Wechatpay-Serial"] == "PUB_KEY_ID_0"
    assert one.headers["Idempotency-Key"] == "k 1"
    assert one.headers["Content-Type"] == "application/json"


async def test_a_body_that_is_not_json_is_sent_and_signed_as_it_is(server, palm):
    await palm.v3.foo.post(content="<a>中</a>".encode(), content_type="application/xml")
    [one] = server.seen
    assert (one.body, one.headers["Content-Type"]) == ("<a>中</a>".encode(), "application/xml")


async def test_every_attempt_has_the_callers_headers(keys):
    async with Recorder(keys, b"{}", status=500) as server:
        options = server.options() | {"retry": Retry(attempts=2, base_s=0)}
        async with AsyncPalm(**options) as palm:
            with pytest.raises(PalmError):
                await palm.v3.foo.get(headers={"X-A": "1"})
    assert [one.headers["X-A"] for one in server.seen] == ["1", "1"]


async def test_the_synchronous_client_takes_them_too(keys):
    async with Recorder(keys, b"x" * 70_000) as server:
        with Palm(**server.options()) as palm:
            answer = await asyncio.to_thread(palm.v3.foo.get, headers={"X-A": "1"}, max_body=70_000)
    assert (len(answer.content), server.seen[0].headers["X-A"]) == (70_000, "1")


@pytest.mark.parametrize("size", [1024 * 1024, 1024 * 1024 + 1, 1_500_000])
async def test_a_large_body_is_sent_without_a_warning(server, palm, size):
    """The library warns of bytes above 1 MiB; warnings are errors here."""
    body = b"0123456789" * (size // 10) + b"x" * (size % 10)
    await palm.v3.bills.post(content=body, content_type="text/csv")
    assert server.seen[0].body == body
    assert server.seen[0].headers["Content-Length"] == str(size)
    assert server.seen[0].headers["Content-Type"] == "text/csv"
    assert "Transfer-Encoding" not in server.seen[0].headers


@pytest.mark.parametrize("size", [65_536, 65_537, 200_000])
async def test_an_answer_may_be_as_large_as_the_caller_allows(keys, size):
    async with Recorder(keys, b"x" * size) as server, AsyncPalm(**server.options()) as palm:
        assert len((await palm.v3.foo.get(max_body=size)).content) == size
        with pytest.raises(BodyError, match=f"the response is longer than {size - 1} bytes"):
            await palm.v3.foo.get(max_body=size - 1)


async def test_the_generic_request_takes_them_as_one_value(server, palm):
    options = RequestOptions({"X-A": "1"}, content_type="text/plain")
    await palm.send("POST", "/v3/foo", b"text", options=options)
    [one] = server.seen
    assert (one.headers["X-A"], one.headers["Content-Type"]) == ("1", "text/plain")


@pytest.mark.parametrize(
    "wrong",
    [
        {"headers": {"Authorization": "x"}},
        {"headers": {"X-A": "1\r\nX-B: 2"}},
        {"headers": "X-A: 1"},
        {"content": b"x"},
        {"content": b"x", "content_type": "a/b", "json": {}},
        {"max_body": 0},
    ],
)
async def test_what_cannot_be_sent_is_refused_before_anything_is_sent(server, palm, wrong):
    with pytest.raises(ArgumentError):
        await palm.v3.foo.post(**wrong)
    assert server.seen == []


@pytest.mark.parametrize("person", ["secret-person-9"])
async def test_a_header_of_the_caller_is_in_no_error(keys, everything_said_by, person):
    told = json.dumps({"code": "PARAM_ERROR", "message": f"no such person: {person}"})
    async with Recorder(keys, told.encode(), 400) as server, AsyncPalm(**server.options()) as palm:
        with pytest.raises(PalmError) as caught:
            await palm.v3.foo.get(headers={"X-Person": person})
    assert person not in everything_said_by(caught.value)
