"""``palm check --cluster``: each worker has the same keys, reaches the gateway and the folder."""

from __future__ import annotations

import importlib.util
import io
import re
import socket
from contextlib import ExitStack, redirect_stderr, redirect_stdout, suppress
from dataclasses import replace

import pytest

from jobs.cluster import dask_engine
from palm.commands.exit_codes import exit_code_of
from palm.commands.main import command
from palm.commands.runner import run_command
from palm.sandbox import SandboxKeys
from tests.thread_workers import ThreadEngine


@pytest.fixture
def engine(monkeypatch):
    """Return an engine with the workers a and b, which are threads of this process."""
    engine = ThreadEngine()
    monkeypatch.setattr(dask_engine, "open_engine", engine.opened)
    return engine


@pytest.fixture
def check(gateway, folder):
    """Return a function that checks: the exit code, and what is said of whom or to whom."""
    gateway.keys.write(folder / "keys", gateway.base_url)

    def check(*arguments, target="local:2"):
        out, err = io.StringIO(), io.StringIO()
        given = ["check", "--config", "keys/palm.toml", "--cluster", target, *map(str, arguments)]
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
            run_command(command, "palm", exit_code_of, given)
        return ended.value.code, out.getvalue() + err.getvalue()

    return check


def lines_of(said, worker):
    """Return what was said of a worker: each check with its level and detail."""
    split = (
        line.split(f"  {worker}, ", 1) for line in said.splitlines() if f"  {worker}, " in line
    )
    return {rest.split(": ", 1)[0]: (level, rest.split(": ", 1)[1]) for level, rest in split}


def test_each_worker_is_checked_as_the_command_is_and_for_the_folder(check, engine, folder):
    code, said = check("--work", folder)
    assert code == 0
    for worker in engine.names:
        found = lines_of(said, worker)
        assert {level.strip() for level, _ in found.values()} == {"ok"}
        assert found["work folder"][1] == f"{folder} can be written to"
        assert {"merchant", "clock", "credentials", "signature", "query"} <= found.keys()
        assert "clock +0.0 s" in found["same as here"][1]
    assert {path.name for path in folder.iterdir()} == {"keys"}


def test_the_folder_is_not_looked_for_unless_it_is_named(check, engine):
    assert "work folder" not in check()[1]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"version": "0.0.1"}, "its version is 0.0.1, the command's"),
        ({"mchid": "1900000109"}, "its merchant is 1900000109, the command's"),
        ({"merchant_key": "0" * 64}, "its merchant's certificate or key is another one"),
        ({"platform_keys": {}}, "its keys of WeChat Pay are other ones"),
        ({"wall_s": 1e9}, "its clock differs by"),
    ],
)
def test_a_worker_that_differs_is_named_with_what_differs(check, engine, monkeypatch, changed, why):
    introduce = ThreadEngine.introduce

    async def odd(self, worker, settings):
        said = await introduce(self, worker, settings)
        return replace(said, **changed) if worker == "b" else said

    monkeypatch.setattr(ThreadEngine, "introduce", odd)
    code, said = check()
    assert code == 77
    assert lines_of(said, "a")["same as here"][0].strip() == "ok"
    level, detail = lines_of(said, "b")["same as here"]
    assert (level, detail[: len(why)]) == ("FAIL", why)


def test_a_worker_whose_clock_is_a_little_ahead_is_told_by_how_much(check, engine, monkeypatch):
    introduce = ThreadEngine.introduce

    async def ahead(self, worker, settings):
        said = await introduce(self, worker, settings)
        return replace(said, wall_s=said.wall_s + 20)

    monkeypatch.setattr(ThreadEngine, "introduce", ahead)
    code, said = check()
    assert code == 0
    offset = lines_of(said, "b")["same as here"][1].rsplit(", clock ", 1)[1]
    assert offset.startswith(("+19.", "+20.0"))


def test_a_worker_that_does_not_answer_is_not_asked_further(check, engine, monkeypatch):
    async def gone(self, worker, settings):
        engine.names = ["a"]

    monkeypatch.setattr(ThreadEngine, "introduce", gone)
    code, said = check()
    assert code == 77
    assert lines_of(said, "b") == {"worker": ("FAIL", "it does not answer; start it again")}


def test_a_worker_that_is_lost_while_it_checks_has_not_passed(check, engine, monkeypatch):
    async def lost(self, worker, settings, work):
        return None

    monkeypatch.setattr(ThreadEngine, "examine", lost)
    code, said = check()
    assert code == 77
    assert lines_of(said, "a")["worker"] == ("FAIL", "it does not answer; start it again")


def test_a_folder_that_a_worker_does_not_see_is_named(check, engine, folder):
    code, said = check("--work", folder / "nowhere")
    assert code == 77
    level, detail = lines_of(said, "a")["work folder"]
    assert level == "FAIL"
    assert detail.startswith(f"{folder / 'nowhere'}: No such file or directory; make it, or ")


def test_without_workers_there_is_nothing_to_check(check, engine):
    engine.names = []
    code, said = check(target="tls://scheduler.example:8786")
    assert code == 77
    assert "FAIL  workers: none has joined tls://scheduler.example:8786; start one" in said


def test_settings_that_are_wrong_here_are_mended_first(check, engine, folder):
    stranger = SandboxKeys.generate()
    stranger.write(folder / "other", "http://127.0.0.1:9")
    (folder / "keys/merchant_cert.pem").write_bytes(
        (folder / "other/merchant_cert.pem").read_bytes()
    )
    code, said = check()
    assert code == 77
    assert said.splitlines()[-1].startswith("FAIL  workers: not asked, since here ")


@pytest.fixture
def hasty(monkeypatch):
    """Do not wait long for a scheduler."""
    monkeypatch.setattr(dask_engine, "_CONNECT_S", 0.5)
    monkeypatch.setattr(dask_engine, "_ANSWER_S", 0.5)


@pytest.mark.usefixtures("hasty")
def test_no_scheduler_is_a_failed_check(check):
    code, said = check(target="tcp://127.0.0.1:9")
    assert code == 77
    # A machine with other work to do runs into the half second before it is refused.
    assert re.match(
        r"FAIL  cluster: no scheduler answers at tcp://127.0.0.1:9 "
        r"\((Connection refused|Timed out .*)\): start it with dask scheduler --",
        said.splitlines()[-1],
    )


@pytest.mark.slow
@pytest.mark.usefixtures("hasty")
def test_a_server_that_is_no_scheduler_is_not_waited_for(check, gateway):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        addresses = {
            gateway.base_url.replace("http", "tcp"): "another server listens there",
            f"tcp://127.0.0.1:{silent.getsockname()[1]}": "no answer",
        }
        for address, why in addresses.items():
            code, said = check(target=address)
            assert code == 77
            assert f"FAIL  cluster: no scheduler answers at {address} ({why}): start" in said


def test_missing_settings_of_tls_are_named(check):
    code, said = check(target="tls://127.0.0.1:9")
    assert code == 77
    assert said.splitlines()[-1] == (
        "FAIL  cluster: --cluster tls://127.0.0.1:9 needs Dask's TLS settings: set "
        "DASK_DISTRIBUTED__COMM__TLS__CA_FILE"
    )


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("local:x", "--cluster 'local:x': not local, local:8, tls://host:8786 or"),
        ("tcp://10.0.0.1:8786", "--cluster 'tcp://10.0.0.1:8786': without TLS, whoever"),
    ],
)
def test_a_target_that_cannot_be_used_is_a_usage_error_before_anything_is_asked(
    check, gateway, target, why
):
    code, said = check(target=target)
    assert code == 2
    assert said.startswith(f"palm: {why}")
    assert not gateway.stats.asked


def test_without_the_package_the_command_that_installs_it_is_named(check, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    code, said = check()
    assert code == 2
    assert "pip install 'palm-reconcile[dask]'" in said


@pytest.mark.slow
def test_workers_of_this_machine_are_started_and_checked(check, folder):
    with ExitStack() as stack:
        with suppress(OSError):  # where Dask would have its dashboard
            stack.enter_context(socket.create_server(("", 8787)))
        code, said = check("--work", folder, target="local:1")
    assert code == 0, said
    assert said.count("can be written to") == 1
    assert said.count(", query: answered") == 1
