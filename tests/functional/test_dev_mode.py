"""Every public way of the client, with all warnings as errors: nothing on standard error."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from datetime import date

import pytest

from tests.benchmarks.gateway import running_gateway
from tests.forkserver import COMMANDS

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("quick_commands")]

SETUP = """
    import asyncio, copy, logging, pickle, sys, threading
    from pathlib import Path
    from palm import *
    from palm.sandbox import SandboxKeys, make_notification
    from palm.settings import load_settings, read_config
    # asyncio's debug mode also warns of steps that take over 0.1 s, as any does on a busy machine.
    slow_step = "Executing %s took %.3f seconds"
    logging.getLogger("asyncio").addFilter(lambda line: line.msg != slow_step)

    CONFIG, PAIR = sys.argv[1], ("o1", "1")
    PATH = "v3/palmservice/authorization/openid/{openid}"
    PARAMETERS = {"openid": "o1", "query": {"organization_id": "1"}}
    STRANGER = SandboxKeys.generate().merchant()
    attempts = []

    def pairs(count):
        return [Pair(f"o{number}", "1") for number in range(count)]

    def expect(kind, function, *arguments, **named):
        try:
            function(*arguments, **named)
        except kind as error:
            same = pickle.loads(pickle.dumps(error))
            assert (type(same), str(same)) == (type(error), str(error))
        else:
            raise AssertionError(kind)

    async def expected(kind, awaitable):
        try:
            await awaitable
        except kind:
            return
        raise AssertionError(kind)

    class Kms:
        mchid, serial_no = STRANGER.mchid, STRANGER.serial_no
        def sign(self, message):
            return RSASigner(STRANGER).sign(message)

    class AsyncKms(Kms):
        async def sign(self, message):
            raise OSError("no connection to the service")
"""

SYNC = """
    with Palm.from_env(CONFIG, rate=500, on_attempt=attempts.append) as palm:
        assert palm.authorizations.get(*PAIR).openid == "o1"
        assert len(list(palm.authorizations.get_many(pairs(40), concurrency=8))) == 40
        for pair, answer in palm.authorizations.get_many(pairs(40)):
            break  # the others are cancelled
        assert len(palm.authorizations.preauthorize("o1", organization_id="1")) == 64
        answers = [
            palm.v3.palmservice.authorization.openid._openid_.get(**PARAMETERS),
            palm.chain(PATH).get(PARAMETERS, headers={"Accept-Language": "en"}),
            palm[PATH].get(PARAMETERS, max_body=1_000_000),
            palm.v3.palmservice.authorization.preauthorize.post(
                content=b'{"openid":"o1","organization_id":"1"}', content_type="application/json"
            ),
        ]
        assert [answer.status for answer in answers] == [200] * 4
        assert all(pickle.loads(pickle.dumps(each)).json() == each.json() for each in answers)
        with palm.with_options(timeout=5, retry=Retry(attempts=2)) as other:
            assert other.authorizations.get(*PAIR) and copy.copy(palm).authorizations.get(*PAIR)
        threads = [
            threading.Thread(target=palm.authorizations.get, args=PAIR) for _ in range(8)
        ]
        for each in threads: each.start()
        for each in threads: each.join()
        expect(ArgumentError, palm.authorizations.get, "", "1")
        expect(ArgumentError, palm.chain(PATH).get, PARAMETERS, headers={"Host": "a"})
        expect(RefusedError, palm.chain(PATH).get, {"openid": "o1"})
        expect(RefusedError, palm.v3.nothing.get)
        expect(SettingsError, palm.with_options, timeout=0)
        expect(TypeError, pickle.dumps, palm)
    expect(ClosedError, palm.authorizations.get, *PAIR)
    assert attempts and attempts[0].status == 200

    with Palm.from_settings(load_settings(read_config(Path(CONFIG)))) as palm:
        assert palm.authorizations.get(*PAIR)
    once = {"retry": Retry(attempts=1)}
    with Palm.from_env(CONFIG, merchant=Kms(), **once) as palm:
        expect(UnauthorizedError, palm.authorizations.get, *PAIR)
    with Palm.from_env(CONFIG, merchant=AsyncKms(), **once) as palm:
        expect(SignerError, palm.authorizations.get, *PAIR)
    with Palm.from_env(CONFIG, base_url="http://127.0.0.1:9", **once) as palm:
        expect(ConnectError, palm.authorizations.get, *PAIR)
        [(pair, error)] = palm.authorizations.get_many([PAIR])
        assert isinstance(error, ConnectionError)
    with Palm.from_env(CONFIG, timeout=1e-6, **once) as palm:
        expect(TimeoutError, palm.authorizations.get, *PAIR)
    expect(SettingsError, Palm.from_env, CONFIG, rate="50")
    Palm.from_env(CONFIG).authorizations.get(*PAIR)  # never closed
"""

ASYNC = """
    async def source(count):
        for pair in pairs(count):
            yield pair

    async def main():
        pacer = Pacer(500)
        async with AsyncPalm.from_env(CONFIG, pacer=pacer, on_attempt=attempts.append) as palm:
            assert (await palm.authorizations.get(*PAIR)).openid == "o1"
            for many in (pairs(40), source(40)):
                outcomes = [each async for each in palm.authorizations.get_many(many)]
                assert len(outcomes) == 40
            assert await palm.authorizations.preauthorize("o1", organization_id="1")
            answers = [
                await palm.v3.palmservice.authorization.openid._openid_.get(**PARAMETERS),
                await palm.chain(PATH).get(PARAMETERS),
                await palm[PATH].getAsync(PARAMETERS),
                await palm.send("GET", "/v3/palmservice/authorization/openid/o1?organization_id=1"),
            ]
            assert [answer.status for answer in answers] == [200] * 4
            async with palm.with_options(timeout=Timeouts(total_s=5)) as other:
                await other.authorizations.get(*PAIR)
            async with asyncio.TaskGroup() as group:
                for _ in range(20):
                    group.create_task(palm.authorizations.get(*PAIR))
            waiting = asyncio.create_task(palm.authorizations.get(*PAIR))
            await asyncio.sleep(0)
            waiting.cancel()
            await expected(asyncio.CancelledError, waiting)
            try:
                async with asyncio.timeout(0.001):
                    await palm.authorizations.get(*PAIR)
            except TimeoutError:
                pass
            await expected(ArgumentError, palm.authorizations.get("o1", 1))
            await expected(ArgumentError, palm.send("get", "/v3"))
            await expected(RefusedError, palm.v3.nothing.get())
            await asyncio.to_thread(in_another_loop, palm)
        await expected(ClosedError, palm.authorizations.get(*PAIR))

    def in_another_loop(palm):
        expect(EventLoopError, asyncio.run, palm.authorizations.get(*PAIR))

    asyncio.run(main())
"""

NOTIFICATIONS = """
    keys = SandboxKeys.generate()
    store = CertificateStore(APIv3Key(keys.apiv3_key.encode()), keys.platform_keys())
    headers, body = make_notification(keys, "TRANSACTION.SUCCESS", {"out_trade_no": "12"})
    django = {f"HTTP_{name.upper().replace('-', '_')}": text for name, text in headers.items()}
    with Palm(merchant=keys.merchant(), keys=store) as palm:
        for each in (headers, django):
            assert palm.notifications.parse(each, body).resource["out_trade_no"] == "12"
        expect(SignatureError, palm.notifications.parse, headers, body + b" ")
        expect(ArgumentError, palm.notifications.parse, headers, body.decode())

    async def main():
        async with AsyncPalm(merchant=keys.merchant(), keys=store) as palm:
            assert (await palm.notifications.parse(headers, body)).id
            await expected(SignatureError, palm.notifications.parse({}, body))

    asyncio.run(main())
"""


@pytest.fixture(scope="module")
def folder():
    with running_gateway(day=date(2026, 11, 21), palm=COMMANDS / "palm") as folder:
        yield folder


@pytest.mark.parametrize("script", [SYNC, ASYNC, NOTIFICATIONS], ids=["sync", "async", "parse"])
def test_nothing_is_said_on_standard_error(folder, script):
    done = subprocess.run(
        [
            *(sys.executable, "-X", "dev", "-W", "error", "-c"),
            textwrap.dedent(SETUP) + textwrap.dedent(script),
            str(folder / "palm.toml"),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ
        | {"NO_PROXY": "127.0.0.1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
