"""Proxies: the one that is given, or the environment's; never for this very machine unasked."""

from __future__ import annotations

import asyncio
import base64
import logging
import socket
from typing import Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.commands import reconcile
from jobs.observe.ping import Ping
from palm import (
    AsyncPalm,
    ConnectError,
    Palm,
    PalmError,
    ProxyAuthenticationError,
    Retry,
    SettingsError,
    TransportError,
)
from palm.commands import main as cli
from palm.commands.runner import run_command
from palm.http.transport import Timeouts, Transport
from palm.http.url import _proxy_of, checked_proxy, environment_proxy, proxy_option
from palm.sandbox import SandboxGateway

GATEWAY = "https://api.mch.weixin.qq.com"
PROXY = "http://proxy.example:3128"


class Proxy:
    """Forwards plain requests, refuses tunnels, and notes the heads of both."""

    def __init__(self, refuse: int | None = None) -> None:
        self.refuse = refuse
        self.heads: list[str] = []

    @property
    def lines(self) -> list[str]:
        return [head.split("\r\n", 1)[0] for head in self.heads]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await asyncio.sleep(0.01)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.heads.append(head)
            if self.refuse or head.startswith("CONNECT"):
                status = self.refuse or 502
                writer.write(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode())
            else:
                writer.write(await _forward(head))
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


async def _forward(head: str) -> bytes:
    """Send a request to where its absolute target says; return the whole answer."""
    method, target, rest = head.split(" ", 2)
    host, _, path = target.removeprefix("http://").partition("/")
    reader, writer = await asyncio.open_connection(*host.split(":"))
    writer.write(
        f"{method} /{path} {rest}".replace("\r\n", "\r\nConnection: close\r\n", 1).encode()
    )
    answer = await reader.read(-1)
    writer.close()
    return answer


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """Set variables, and forget those of this machine."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    _proxy_of.cache_clear()

    def put(**variables: str) -> None:
        _proxy_of.cache_clear()
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    yield put
    _proxy_of.cache_clear()


@pytest.fixture
async def gateway(keys):
    async with SandboxGateway(keys) as running:
        yield running


def client(gateway, **options):
    return AsyncPalm(
        merchant=gateway.keys.merchant(),
        keys=gateway.keys.platform_keys(),
        **{"base_url": gateway.base_url, "retry": Retry(attempts=1)} | options,
    )


# --- the one that is given


async def test_a_given_proxy_is_used_even_for_this_machine(gateway):
    """And the signed target arrives as it was signed."""
    async with Proxy() as proxy, client(gateway, proxy=proxy.url) as palm:
        answer = await palm.authorizations.get("a/b 中", "1 4")
    assert answer.openid == "a/b 中"
    target = "/v3/palmservice/authorization/openid/a%2Fb%20%E4%B8%AD?organization_id=1%204"
    assert proxy.lines == [f"GET {gateway.base_url}{target} HTTP/1.1"]
    assert (gateway.stats.requests, gateway.stats.rejected) == (1, 0)


async def test_the_password_of_a_given_proxy_goes_to_the_proxy(gateway):
    async with Proxy() as proxy:
        url = proxy.url.replace("://", "://user:p%40ss@")
        async with client(gateway, proxy=url) as palm:
            await palm.authorizations.get("o1", "1")
    expected = base64.b64encode(b"user:p@ss").decode()
    assert f"Proxy-Authorization: Basic {expected}\r\n" in proxy.heads[0]


async def test_an_https_gateway_is_asked_through_a_tunnel_of_the_proxy(gateway):
    """The proxy sees the host, and nothing of the request."""
    async with Proxy() as proxy, client(gateway, proxy=proxy.url, base_url=GATEWAY) as palm:
        with pytest.raises(TransportError):
            await palm.authorizations.get("oSecret", "1")
    assert proxy.lines == ["CONNECT api.mch.weixin.qq.com:443 HTTP/1.1"]
    assert "oSecret" not in proxy.heads[0]
    assert "WECHATPAY2" not in proxy.heads[0]


@pytest.mark.parametrize("status", [403, 407, 502])
async def test_a_proxy_that_refuses_is_an_error_of_the_connection(gateway, status):
    async with Proxy(refuse=status) as proxy:
        url = proxy.url.replace("://", "://user:s3cret@")
        async with client(gateway, proxy=url, base_url=GATEWAY) as palm:
            with pytest.raises(ConnectError, match=f"the proxy answers HTTP {status}") as caught:
                await palm.authorizations.get("o1", "1")
    assert isinstance(caught.value, ProxyAuthenticationError) == (status == 407)
    assert "s3cret" not in repr(caught.value)


async def test_a_proxy_that_is_not_there_is_an_error_without_its_password(gateway):
    async with client(gateway, proxy="http://user:s3cret@127.0.0.1:9") as palm:
        with pytest.raises(ConnectError) as caught:
            await palm.authorizations.get("o1", "1")
    assert "s3cret" not in repr(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None


@pytest.mark.parametrize(
    "url", ["", "proxy.example:3128", "socks5://proxy.example", "http://", "http://a:99999", "//a"]
)
def test_what_is_no_proxy_is_refused_when_the_client_is_made(keys, url):
    if url:
        with pytest.raises(SettingsError, match="the proxy's URL must look like http://"):
            AsyncPalm(merchant=keys.merchant(), keys=keys.platform_keys(), proxy=url)
    with pytest.raises(SettingsError):
        checked_proxy(url)


def test_a_refused_proxy_is_not_shown():
    with pytest.raises(SettingsError) as caught:
        checked_proxy("socks5://user:s3cret@proxy.example")
    assert "s3cret" not in str(caught.value)


# --- the environment's


def test_without_variables_there_is_no_proxy():
    assert environment_proxy(f"{GATEWAY}/v3/x") is None


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
@pytest.mark.parametrize(
    ("value", "proxy"),
    [
        (PROXY, PROXY),
        ("https://proxy.example", "https://proxy.example"),
        ("http://user:pw@proxy.example:3128", "http://user:pw@proxy.example:3128"),
        ("proxy.example:3128", PROXY),
        ("127.0.0.1:3128", "http://127.0.0.1:3128"),
        ("", None),
    ],
)
def test_https_proxy_is_used_as_curl_would(environment, name, value, proxy):
    environment(**{name: value})
    assert environment_proxy(f"{GATEWAY}/v3/x") == proxy


@pytest.mark.parametrize(
    "value", ["socks5://proxy.example:1080", "ftp://a", "http://[::1", "http://"]
)
def test_a_variable_that_names_no_http_proxy_is_an_error(environment, value):
    environment(HTTPS_PROXY=value)
    with pytest.raises(SettingsError, match="the proxy's URL must look like http://"):
        environment_proxy(f"{GATEWAY}/v3/x")


def test_http_proxy_is_not_for_https(environment):
    environment(HTTP_PROXY=PROXY)
    assert environment_proxy(f"{GATEWAY}/v3/x") is None


@pytest.mark.parametrize(
    ("no_proxy", "bypassed"),
    [
        ("api.mch.weixin.qq.com", True),
        ("weixin.qq.com", True),
        (".qq.com", True),
        ("example.com, .qq.com", True),
        ("*", True),
        ("api2.mch.weixin.qq.com", False),
        ("ch.weixin.qq.com", False),
        ("", False),
    ],
)
def test_no_proxy_names_what_is_asked_directly(environment, no_proxy, bypassed):
    environment(HTTPS_PROXY=PROXY, NO_PROXY=no_proxy)
    assert environment_proxy(f"{GATEWAY}/v3/x") == (None if bypassed else PROXY)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8080", "localhost", "localhost:1", "[::1]:8080", "127.8.9.1"]
)
def test_this_machine_is_asked_directly(environment, host):
    environment(HTTP_PROXY=PROXY, HTTPS_PROXY=PROXY)
    assert environment_proxy(f"http://{host}/v3/x") is None
    assert environment_proxy(f"https://{host}/v3/x") is None


async def test_the_environments_proxy_is_used_for_wechat_pay(environment):
    async with Proxy() as proxy:
        environment(HTTPS_PROXY=f"127.0.0.1:{proxy.port}")
        transport = Transport(Timeouts(total_s=2))
        with pytest.raises(TransportError):
            await transport.send("GET", f"{GATEWAY}/v3/x", {}, b"")
        await transport.close()
    assert proxy.lines == ["CONNECT api.mch.weixin.qq.com:443 HTTP/1.1"]


async def test_the_environments_proxy_is_not_used_for_the_sandbox(environment, gateway):
    async with Proxy() as proxy:
        environment(HTTP_PROXY=proxy.url, HTTPS_PROXY=proxy.url)
        async with client(gateway) as palm:
            await palm.authorizations.get("o1", "1")
    assert proxy.heads == []


async def test_a_given_proxy_goes_before_the_environments(environment, gateway):
    environment(HTTP_PROXY="socks5://nowhere", HTTPS_PROXY="socks5://nowhere")
    async with Proxy() as proxy, client(gateway, proxy=proxy.url) as palm:
        await palm.authorizations.get("o1", "1")
    assert len(proxy.heads) == 1


async def test_a_wrong_variable_is_an_error_of_the_settings_at_the_first_request(
    environment, gateway
):
    environment(HTTPS_PROXY="socks5://user:s3cret@nowhere")
    async with client(gateway, base_url=GATEWAY) as palm:
        with pytest.raises(SettingsError) as caught:
            await palm.authorizations.get("o1", "1")
    assert "s3cret" not in str(caught.value)


# --- on the command line


@pytest.mark.parametrize(
    "url",
    [
        "http://user:pw@proxy.example:3128",
        "user:pw@proxy.example",
        "http://user@proxy.example",
        "@",
    ],
)
def test_a_password_has_no_place_on_the_command_line(url):
    with pytest.raises(SettingsError, match="--proxy must hold no password") as caught:
        proxy_option(url)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize("url", [None, PROXY])
def test_any_other_proxy_is_taken_from_the_command_line(url):
    assert proxy_option(url) == url


@pytest.mark.slow
@given(st.text())
def test_whatever_is_given_as_a_proxy_is_taken_or_refused(url):
    try:
        assert checked_proxy(url) == url
    except PalmError as error:
        assert isinstance(error, SettingsError)  # noqa: PT017


# --- passwords


UNESCAPED = [
    "pa#ss",
    "12#ss",
    "pa?ss",
    "pa/ss",
    "pa@ss",
    "1@2",
    "#",
    "12/3",
    "%",
    "a b",
    "中",
    "a%2",
]


@pytest.fixture
def nowhere(monkeypatch):
    """Let no name be looked up: what is asked for would be a part of the password."""
    asked = []

    def getaddrinfo(host, *_, **__):
        asked.append(host)
        raise OSError("no name is looked up here")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield asked
    assert asked == []


@pytest.mark.parametrize("password", UNESCAPED)
@pytest.mark.parametrize("scheme", ["http://", "https://"])
def test_a_password_that_is_not_percent_encoded_is_refused(keys, nowhere, password, scheme):
    url = f"{scheme}user:{password}@proxy.example:3128"
    with pytest.raises(SettingsError, match="percent-encode it") as caught:
        AsyncPalm(merchant=keys.merchant(), keys=keys.platform_keys(), proxy=url)
    assert "user:" not in str(caught.value)
    assert nowhere == []


@pytest.mark.parametrize("password", UNESCAPED)
@pytest.mark.parametrize("scheme", ["http://", ""])
async def test_the_environments_is_refused_alike(environment, keys, nowhere, password, scheme):
    environment(HTTPS_PROXY=f"{scheme}user:{password}@proxy.example:3128")
    palm = AsyncPalm(merchant=keys.merchant(), keys=keys.platform_keys())
    async with palm:
        with pytest.raises(SettingsError, match="percent-encode it"):
            await palm.authorizations.get("o1", "1")
    (fault,) = Ping("https://ping.example/secret").end(0)
    assert "percent-encode it" in fault
    assert nowhere == []


@pytest.mark.parametrize(
    "url",
    [
        "http://user:pa%23ss%3F%2F%40@proxy.example:3128",
        "http://us-er_1.~!$&'()*+,;=:x@[::1]:3128/",
        "HTTP://user@proxy",
        "http://:p@proxy.example",
    ],
)
def test_a_password_that_is_percent_encoded_is_taken(url):
    assert checked_proxy(url) == url


def test_a_user_with_a_colon_is_refused():
    """Basic authentication has no way to say it."""
    with pytest.raises(SettingsError, match="must not hold a colon"):
        checked_proxy("http://us%3Aer:pw@proxy.example")


async def test_a_password_is_sent_in_utf_8_as_curl_does(gateway):
    async with Proxy() as proxy:
        url = proxy.url.replace("://", "://user:%E4%B8%AD%23%C3%A9@")
        async with client(gateway, proxy=url) as palm:
            await palm.authorizations.get("o1", "1")
    expected = base64.b64encode("user:中#é".encode()).decode()
    assert f"Proxy-Authorization: Basic {expected}\r\n" in proxy.heads[0]


def command_line(*words):
    """Run a command; return its exit code."""
    program = reconcile if words[0] == "palm-reconcile" else cli
    with pytest.raises(SystemExit) as ended:
        run_command(program.command, words[0], program.exit_code_of, list(words[1:]))
    return ended.value.code


def one_question(config):
    with Palm.from_env(config) as palm:
        palm.authorizations.get("o1", "1")
    return 0


@pytest.mark.parametrize("where", ["variable", "palm.toml", "[reconcile]"])
@pytest.mark.parametrize("command", ["get", "check", "reconcile", "sync client"])
async def test_a_proxy_with_a_password_works_for_every_command(
    environment, gateway, tmp_path, capfd, monkeypatch, command, where
):
    """The password is in a variable or a file, where not everybody reads it."""
    if where == "[reconcile]" and command != "reconcile":
        where = "palm.toml"
    monkeypatch.chdir(tmp_path)
    gateway.keys.write(tmp_path / "keys", gateway.base_url)
    (tmp_path / "pairs.csv").write_text("openid,organization_id\no1,1004\n")
    config = tmp_path / "keys" / "palm.toml"
    handlers = logging.getLogger().handlers[:]
    async with Proxy() as proxy:
        url = proxy.url.replace("://", "://user:s3cret%23@")
        if where == "variable":
            environment(PALM_PROXY=url)
        else:
            table = "[reconcile]\n" if where == "[reconcile]" else ""
            config.write_text(f"{config.read_text()}\n{table}proxy = '{url}'\n")
        words = {
            "get": ("palm", "get", "o1", "--organization-id", "1"),
            "check": ("palm", "check"),
            "reconcile": ("palm-reconcile", "pairs.csv", "-o", "report.csv"),
        }
        if command == "sync client":
            code = await asyncio.to_thread(one_question, config)
        else:
            words = (*words[command], "--config", str(config))
            code = await asyncio.to_thread(command_line, *words)
    logging.getLogger().handlers[:] = handlers
    out, err = capfd.readouterr()
    assert code == 0, err
    expected = base64.b64encode(b"user:s3cret#").decode()
    assert proxy.heads
    assert all(f"Proxy-Authorization: Basic {expected}\r\n" in head for head in proxy.heads)
    assert "s3cret" not in f"{out}{err}"
