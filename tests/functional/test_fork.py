"""The client in processes that were forked: used before, after, meanwhile; as pre-fork servers do.

Every script runs with ``-X dev -W error``, and its standard error must stay empty.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap

import pytest

from palm.sandbox import SandboxGateway

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


@pytest.fixture
async def gateway(keys):
    async with SandboxGateway(keys) as running:
        yield running


SETUP = """
    import asyncio, logging, os, sys, threading, time, warnings
    from pathlib import Path
    from palm import AsyncPalm, EventLoopError, Palm, PalmError, Retry
    # Python 3.12 warns of every fork in a process that has threads.
    warnings.filterwarnings("ignore", ".*fork", DeprecationWarning)
    # asyncio's debug mode also warns of steps that take over 0.1 s, as any does on a busy machine.
    slow_step = "Executing %s took %.3f seconds"
    logging.getLogger("asyncio").addFilter(lambda line: line.msg != slow_step)
    config = Path(sys.argv[1])
    palm = Palm.from_env(config, retry=Retry(attempts=1))

    def ask(client=palm):
        return client.authorizations.get("o1", "1").openid

    def forked(work, *arguments):
        pid = os.fork()
        if pid == 0:
            print("child", work(*arguments), flush=True)
            sys.exit()  # as the worker of a server ends: what runs at exit runs
        return pid

    def ended(pid):
        _, status = os.waitpid(pid, 0)
        assert status == 0, status
"""


async def run(gateway, tmp_path, script: str) -> list[str]:
    """Return the lines that a script printed, sorted."""
    gateway.keys.write(tmp_path / "keys", gateway.base_url)
    done = await asyncio.to_thread(
        subprocess.run,
        [
            *(sys.executable, "-X", "dev", "-W", "error", "-c"),
            textwrap.dedent(SETUP) + textwrap.dedent(script),
            str(tmp_path / "keys" / "palm.toml"),
        ],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert (done.returncode, done.stderr) == (0, "")
    return sorted(done.stdout.splitlines())


@pytest.mark.slow
async def test_a_client_used_before_the_fork_works_in_parent_and_child(gateway, tmp_path):
    script = """
        ask()
        pids = [forked(ask) for _ in range(3)]
        print("parent", ask())
        for pid in pids: ended(pid)
        print("parent", ask())
    """
    lines = await run(gateway, tmp_path, script)
    assert lines == ["child o1"] * 3 + ["parent o1"] * 2
    assert (gateway.stats.rejected, gateway.stats.repeated_nonces) == (0, 0)


@pytest.mark.slow
async def test_a_client_not_used_before_the_fork_works_in_parent_and_child(gateway, tmp_path):
    script = """
        pid = forked(ask)
        print("parent", ask())
        ended(pid)
    """
    assert await run(gateway, tmp_path, script) == ["child o1", "parent o1"]


@pytest.mark.slow
async def test_a_fork_while_another_thread_waits_for_an_answer(gateway, tmp_path):
    gateway.latency_s = 1.0
    script = """
        waiting = threading.Thread(target=lambda: print("parent", ask()))
        waiting.start()
        time.sleep(0.5)
        pid = forked(ask)
        waiting.join()
        ended(pid)
        print("parent", ask())
    """
    lines = await run(gateway, tmp_path, script)
    assert lines == ["child o1", "parent o1", "parent o1"]
    assert gateway.stats.requests == 3


@pytest.mark.slow
@pytest.mark.parametrize("end", ["sys.exit()", "os._exit(0)", "palm.close()", "del palm"])
async def test_a_child_that_ends_leaves_the_parents_connection_as_it_was(gateway, tmp_path, end):
    """The two share one epoll: closing a connection in the child would make the parent deaf."""
    script = f"""
        ask()
        if (pid := os.fork()) == 0:
            {end}
            sys.exit()
        ended(pid)
        print("parent", ask(palm.with_options(timeout=3)))
    """
    assert await run(gateway, tmp_path, script) == ["parent o1"]
    assert len(gateway._handlers.connections) <= 1


@pytest.mark.slow
async def test_a_fork_while_callers_wait_for_the_quota(gateway, tmp_path):
    script = """
        palm = Palm.from_env(config, rate=4)
        threads = [threading.Thread(target=ask, args=(palm,)) for _ in range(4)]
        for each in threads: each.start()
        time.sleep(0.3)
        pid = forked(ask, palm)
        for each in threads: each.join()
        ended(pid)
    """
    assert await run(gateway, tmp_path, script) == ["child o1"]
    assert gateway.stats.requests == 5


@pytest.mark.slow
async def test_the_child_of_a_child(gateway, tmp_path):
    script = """
        def work():
            ask()
            ended(forked(ask))
            return ask()
        ask()
        ended(forked(work))
        print("parent", ask())
    """
    assert await run(gateway, tmp_path, script) == ["child o1", "child o1", "parent o1"]


@pytest.mark.slow
async def test_multiprocessing_with_fork(gateway, tmp_path):
    script = """
        import multiprocessing
        ask()
        with multiprocessing.get_context("fork").Pool(2) as pool:
            print(*pool.starmap(ask, [()] * 6))
            pool.close()
            pool.join()
        print("parent", ask())
    """
    assert await run(gateway, tmp_path, script) == ["o1 o1 o1 o1 o1 o1", "parent o1"]


@pytest.mark.slow
async def test_closing_in_the_child_or_the_parent_closes_nothing_of_the_other(gateway, tmp_path):
    script = """
        def closed():
            palm.close()
            try: ask()
            except PalmError as error: return error
        ask()
        ended(forked(closed))
        print("parent", ask(), flush=True)
        before, forward = os.pipe()
        pid = forked(lambda: (os.read(before, 1), ask())[1])
        palm.close()
        os.write(forward, b".")
        ended(pid)
        ended(forked(closed))
    """
    lines = await run(gateway, tmp_path, script)
    assert lines == ["child o1", *["child the client is closed"] * 2, "parent o1"]


@pytest.mark.slow
async def test_many_questions_begun_in_the_parent_are_an_error_in_the_child(gateway, tmp_path):
    script = """
        outcomes = palm.authorizations.get_many([("o1", "1")] * 9)
        next(outcomes)
        def go_on():
            try: return next(outcomes)
            except EventLoopError as error: return error
        ended(forked(go_on))
        print("parent", len(list(outcomes)))
    """
    lines = await run(gateway, tmp_path, script)
    assert lines[1] == "parent 8"
    assert lines[0].startswith("child get_many was begun in the process that this one was forked")


@pytest.mark.slow
async def test_the_asynchronous_client_works_in_a_forked_process(gateway, tmp_path):
    script = """
        client = AsyncPalm.from_env(config)
        async def once():
            return (await client.authorizations.get("o1", "1")).openid
        async def in_child():
            async with client:
                return await once()
        async def in_parent():
            async with client:
                await once()
                ended(await asyncio.to_thread(forked_thread))
                return await once()
        def forked_thread():
            if (pid := os.fork()) == 0:
                print("child", asyncio.run(in_child()), flush=True)
                os._exit(0)
            return pid
        print("parent", asyncio.run(in_parent()))
    """
    assert await run(gateway, tmp_path, script) == ["child o1", "parent o1"]


@pytest.mark.slow
async def test_threads_that_sign_do_so_in_the_child_as_well(gateway, tmp_path):
    """The parent's are signing at that moment; each child starts its own."""
    script = """
        from palm import ThreadSigner
        from palm.settings import load_settings, read_config
        settings = load_settings(read_config(config))
        signer = ThreadSigner(settings.merchant(), threads=2)
        client = Palm.from_settings(settings, merchant=signer)
        async def keep_signing(stop):
            while not stop.is_set():
                await asyncio.gather(*(signer.sign(b"message") for _ in range(20)))
        stop = threading.Event()
        busy = threading.Thread(target=lambda: asyncio.run(keep_signing(stop)))
        busy.start()
        for _ in range(5):
            ended(forked(ask, client))
        stop.set()
        busy.join()
        print("parent", ask(client))
        client.close()
        signer.close()
    """
    assert await run(gateway, tmp_path, script) == ["child o1"] * 5 + ["parent o1"]


@pytest.mark.slow
async def test_a_preforking_server_whose_client_was_used_before(gateway, tmp_path):
    """As gunicorn with ``preload_app``: the master asks once, the workers answer requests."""
    script = """
        import http.server, signal, urllib.request
        ask()  # while the application is loaded
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = f"{ask()} {os.getpid()}".encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            def log_message(self, *arguments): pass
        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        def work():
            signal.signal(signal.SIGTERM, lambda *_: sys.exit())
            server.serve_forever(poll_interval=0.05)
        pids = []
        for _ in range(3):
            if (pid := os.fork()) == 0:
                work()
            pids.append(pid)
        url = f"http://127.0.0.1:{server.server_port}"
        seen = set()
        for _ in range(30):
            with urllib.request.urlopen(url, timeout=10) as answer:
                openid, pid = answer.read().split()
                assert openid == b"o1"
                seen.add(int(pid))
        assert seen <= set(pids), seen
        for pid in pids: os.kill(pid, signal.SIGTERM)
        for pid in pids: ended(pid)
        server.server_close()
        print("parent", ask())
    """
    assert await run(gateway, tmp_path, script) == ["parent o1"]
    assert gateway.stats.requests == 32
