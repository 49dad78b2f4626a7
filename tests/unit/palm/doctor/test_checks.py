"""A checkup names what is wrong and what mends it, whatever the gateway answers."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from palm import Clock
from palm.doctor.checks import Finding, Level, _unbelieved, check
from palm.errors import SignatureError, SignatureReason
from palm.http.transport import Timeouts
from palm.sandbox import Faults, Population, SandboxGateway
from palm.sandbox.requests.parameters import wrong
from palm.settings import Settings, load_settings, read_config


@pytest.fixture
async def gateway(keys):
    async with SandboxGateway(keys) as running:
        yield running


@pytest.fixture
def settings(keys, tmp_path):
    """Settings for a gateway at an address, changed as told."""

    def made(*base_url: str, **changed) -> Settings:
        keys.write(tmp_path / "keys", base_url[0])
        config = read_config(tmp_path / "keys" / "palm.toml")
        return load_settings(config | {"base_url": base_url} | changed)

    return made


async def findings(settings, **options) -> dict[str, Finding]:
    found = [each async for each in check(settings, timeouts=Timeouts(total_s=1.0), **options)]
    assert len({each.what for each in found}) == len(found)
    return {each.what.partition(" http")[0]: each for each in found}


def levels(found) -> set[Level]:
    return {each.level for each in found.values()}


async def test_where_all_is_well_every_line_says_so(gateway, settings):
    found = await findings(settings(gateway.base_url))
    assert levels(found) == {Level.OK}
    assert list(found) == [
        "merchant",
        "platform keys",
        "network",
        "clock",
        "credentials",
        "signature",
        "query",
    ]
    assert gateway.stats.requests == 1


async def test_the_pair_that_is_given_is_asked_about(gateway, settings):
    await findings(settings(gateway.base_url), pair=("o1", "7"))
    assert list(gateway.stats.asked) == [("7", "o1")]


async def test_every_host_is_asked_once(gateway, keys, settings):
    async with SandboxGateway(keys) as backup:
        urls = [gateway.base_url, backup.base_url]
        found = [each.what async for each in check(settings(*urls))]
    assert (gateway.stats.requests, backup.stats.requests) == (1, 1)
    assert [what for what in found if what.startswith("network")] == [
        f"network {url}" for url in urls
    ]


async def test_without_the_merchants_certificate_there_is_a_warning(gateway, settings):
    found = await findings(settings(gateway.base_url, merchant_certificate=None))
    assert found["certificate"].level is Level.WARN
    assert "set merchant_certificate" in found["certificate"].detail


# --- the clock


@pytest.mark.parametrize(
    ("off", "level", "said"),
    [
        (0, Level.OK, "within 1 s of the answer's signed timestamp"),
        (-30, Level.OK, "within 30 s of the answer's signed timestamp"),
        (100, Level.WARN, "100 s ahead of the answer's signed timestamp; beyond 300 s nothing"),
        (-100, Level.WARN, "100 s behind the answer's signed timestamp"),
        (600, Level.FAIL, "600 s ahead of the gateway's Date; set it, e.g. with chrony or ntpd"),
        (-600, Level.FAIL, "600 s behind the gateway's Date; set it"),
        (-10_000_000, Level.FAIL, "s behind the gateway's Date; set it"),
    ],
)
async def test_the_clock_is_compared_with_the_gateways(gateway, settings, off, level, said):
    start = float(int(time.time()))
    gateway._clock = Clock(wall=lambda: start)
    found = await findings(settings(gateway.base_url), clock=Clock(wall=lambda: start + off))
    told = found["clock"].detail
    for near in (abs(off) - 1, abs(off) + 1):  # a Date is the moment's, in whole seconds
        told = told.replace(f"{near} s", f"{abs(off)} s") if off else told
    assert found["clock"].level is level
    assert said in told
    assert found["credentials"].level is (Level.FAIL if level is Level.FAIL else Level.OK)


async def test_a_wrong_clock_is_the_diagnosis_of_the_refusal_too(gateway, settings):
    found = await findings(settings(gateway.base_url), clock=Clock(wall=lambda: time.time() + 600))
    assert found["credentials"].level is Level.FAIL
    assert "this machine's clock is wrong" in found["credentials"].detail


@pytest.mark.parametrize(
    "headers",
    [
        "",
        "Date:\r\n",
        "Date: yesterday\r\n",
        "Date: Mon, 99 Foo 2026 99:99:99 GMT\r\n",
        "Date: Mon, 01 Jan 0001 00:00:00 +2359\r\n",
        f"Date: Mon, 01 Jan 2026 00:00:00 +{'9' * 30}\r\n",
        f"Wechatpay-Timestamp: {'9' * 5000}\r\n",
        f"Wechatpay-Timestamp: {'9' * 400}\r\n",
        "Wechatpay-Timestamp: -1\r\n",
        "Wechatpay-Timestamp: \xb2\r\n",
    ],
)
async def test_an_answer_that_tells_no_time_is_a_warning(serve, settings, headers):
    async def script(line):
        await line.say(
            f"HTTP/1.1 200 x\r\nContent-Length: 2\r\n{headers}\r\n{{}}".encode("latin-1")
        )

    async with serve(script) as server:
        found = await findings(settings(server.base_url))
    assert found["clock"].level in {Level.WARN, Level.FAIL}
    assert found["signature"].level is Level.FAIL


# --- answers that cannot be believed


async def answered(serve, settings, status, body=b"", headers="") -> dict[str, Finding]:
    date = f"Date: {formatdate(usegmt=True)}\r\n{headers}"

    async def script(line):
        await line.answer(status, body, date)

    async with serve(script) as server:
        return await findings(settings(server.base_url))


async def test_an_answer_without_a_signature_fails(serve, settings):
    found = await answered(serve, settings, 200, b"{}")
    assert found["signature"].level is Level.FAIL
    assert "check base_url" in found["signature"].detail


@pytest.mark.parametrize("status", [301, 302, 400, 403, 404, 405, 407])
async def test_an_unsigned_refusal_is_no_answer_of_the_gateways(serve, settings, status):
    """A wrong address, or something in between, must not pass for a working setup."""
    found = await answered(serve, settings, status, b"<html>", "Location: https://login\r\n")
    assert found["signature"].level is Level.FAIL
    assert f"HTTP {status}" in found["signature"].detail
    assert "check base_url" in found["signature"].detail


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_an_unsigned_error_that_passes_is_a_warning(serve, settings, status):
    found = await answered(serve, settings, status)
    assert found["query"].level is Level.WARN
    assert f"HTTP {status}; check again" in found["query"].detail
    assert Level.FAIL not in levels(found)


async def test_a_signature_probe_is_no_failure(gateway, settings):
    gateway.faults = Faults(probe=1.0)
    found = await findings(settings(gateway.base_url))
    assert found["signature"].level is Level.WARN
    assert "deliberately wrong" in found["signature"].detail


@pytest.mark.parametrize("fault", ["altered", "serial", "stale", "missing"])
async def test_an_answer_that_is_not_believed_fails(gateway, settings, fault):
    gateway.faults = Faults(**{fault: 1.0})
    found = await findings(settings(gateway.base_url))
    assert found["signature"].level is Level.FAIL
    assert ";" in found["signature"].detail


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("unnamed", "see accept_unnamed: without it such answers are refused"),
        ("nostate", "answered, but the answer has no state"),
        ("other", "answered, but the answer is about another openid"),
        ("truncated", "answered, but the answer is not JSON"),
    ],
)
async def test_an_answer_that_tells_no_state_is_a_warning(gateway, settings, fault, said):
    gateway.faults = Faults(**{fault: 1.0})
    found = await findings(settings(gateway.base_url))
    assert (found["signature"].level, found["query"].level) == (Level.OK, Level.WARN)
    assert said in found["query"].detail


async def test_an_answer_that_came_before_is_no_failure_of_the_keys():
    error = SignatureError("the answer came before", SignatureReason.REPLAYED)
    found = _unbelieved(error, None)
    assert (found.level, found.what) == (Level.WARN, "signature")
    assert found.detail.endswith("a proxy may repeat answers; check again")


@pytest.mark.parametrize("fault", ["drop", "stall"])
async def test_no_answer_is_a_failure_of_the_network(gateway, settings, fault):
    gateway.faults = Faults(**{fault: 1.0, "seed": 3})
    found = await findings(settings(gateway.base_url))
    assert found["network"].level is Level.FAIL
    assert "check DNS, firewall and proxy" in found["network"].detail


async def test_a_question_that_is_refused_by_its_content_proves_the_keys(gateway, settings):
    """The documentation's example may be nobody's: that says nothing against the setup."""

    class NobodyKnown(Population):
        def state_on(self, *_asked):
            raise wrong("url", "openid", "nobody has it")

    gateway.population = NobodyKnown()
    found = await findings(settings(gateway.base_url), pair=("oNobody", "1"))
    assert found["query"].level is Level.WARN
    assert "PARAM_ERROR" in found["query"].detail
    assert found["credentials"].level is found["signature"].level is Level.OK


async def test_nothing_secret_and_nobody_is_shown(gateway, settings, keys):
    found = await findings(settings(gateway.base_url), pair=("oSecretPerson", "1"))
    shown = " ".join(each.detail for each in found.values())
    assert "oSecretPerson" not in shown
    assert keys.apiv3_key not in shown
    assert "BEGIN" not in shown
