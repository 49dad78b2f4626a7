"""A scheduler and workers as processes of their own, with TLS: whatever ends, nothing is lost.

The gateway's own limiter is the judge of the quota. It allows a seventh more than the rate, for on
a busy machine requests are read later than they were written; two workers that use one share twice,
or all of the quota each, would send more.
"""

from __future__ import annotations

import re
import signal
import socket
import threading
import time
from collections import Counter
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from jobs.report.parquet import read_parquet
from tests.chaos import slow_writing
from tests.chaos.gateway import served
from tests.chaos.test_layouts import assert_same_rows
from tests.night import DAY, SCRIPTS
from tests.tls import dask_tls
from tests.workers import running_cluster

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

PAIRS, RATE, IN_FLIGHT = 900, 250, 64
MCHID = re.compile(r'mchid="(\d+)"')


@pytest.fixture
def own_gateway(tmp_path):
    """Yield a gateway that refuses what is far beyond the rate."""
    folder = tmp_path / "gateway"
    folder.mkdir()
    with served(folder) as gateway:
        gateway.tell(limit=RATE * 8 // 7, latency_s=0.03)
        yield gateway


@pytest.fixture
def tls(tmp_path):
    """Return the variables of Dask's TLS, with certificates made for this test."""
    return dask_tls(tmp_path / "tls")


@pytest.fixture
def workers(tmp_path, tls, folder, request):
    """Yield a scheduler and two workers that talk by TLS; its parameter is what they import."""
    place = tmp_path / "workers"
    place.mkdir()
    env = {**tls, "PYTHONPATH": str(Path(__file__).parents[2])}
    preload = getattr(request, "param", None)
    with running_cluster(place, host="tls://127.0.0.1", env=env, preload=preload) as found:
        yield found


@pytest.fixture
def begin(start, source, own_gateway, workers, tls):
    """Return a function that starts the command; it asks by the workers."""
    config = own_gateway.config()
    pairs = source(PAIRS)

    def begin(*more, output="reports/", target=workers.address):
        return start(
            pairs, "-o", output, "--run-date", DAY, "--rate", RATE, "--progress", "off",
            "--concurrency", IN_FLIGHT, *(("--cluster", target) if target else ()), *more,
            config=config, env=tls, program=SCRIPTS / "palm-reconcile",
        )  # fmt: skip

    return begin


def wait_for(gateway, asked, process):
    """Wait until the gateway was asked so often."""
    until = time.monotonic() + 60
    while gateway.tell()["asked"] < asked:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.fixture
def is_whole(begin, own_gateway, folder):
    """Return a function that asserts that a report is the one of a single process."""

    def is_whole(process, *, most_twice=0, code=0):
        said = process.communicate(timeout=120)[1]
        assert process.returncode == code, said
        told = own_gateway.tell()
        asked = own_gateway.times_asked()
        assert told["throttled"] == 0, said
        assert len(asked) == PAIRS
        assert sum(asked.values()) - PAIRS <= most_twice, Counter(asked.values())
        own_gateway.tell(limit=None, latency_s=0.0)
        alone = begin("--partitions", "1", "--rate", "5000", output="alone/", target=None)
        assert alone.wait(timeout=120) == 0
        by_workers, one = (
            read_parquet(next(folder.glob(pattern)))
            for pattern in ("reports/run_date=*", "alone/run_date=*/report.parquet")
        )
        assert_same_rows(one, by_workers)
        assert by_workers.asking.requests + by_workers.asking.resumed >= PAIRS
        return by_workers, said

    return is_whole


def assert_counted_twice(report, gateway):
    """Check that a report tells how many pairs were asked twice, about."""
    said = report.metadata.cluster.asked_twice
    seen = sum(gateway.times_asked().values()) - 2 * PAIRS  # one process asked all of them, too
    print(f"asked twice: {said} said, {seen} seen")
    assert abs(said - seen) <= seen / 2  # as many as half a second before


def test_a_worker_is_killed_and_what_it_had_to_do_goes_to_none_with_other_keys(
    begin, own_gateway, workers, tls, tmp_path, is_whole
):
    """That one says which merchant it would ask for; the scheduler might move any task to it."""
    place = tmp_path / "odd"
    place.mkdir()
    env = {**tls, "PALM_MCHID": "1230000109"}
    own_gateway.tell(latency_s=0.25)  # so that some are in flight
    with running_cluster(place, 1, host="tls://127.0.0.1", env=env, scheduler=workers):
        process = begin()
        wait_for(own_gateway, 300, process)
        workers.workers[0].kill()
        report, said = is_whole(process, most_twice=IN_FLIGHT)
    assert "is lost: what it had to do is done by others" in said
    cluster = report.metadata.cluster
    assert (cluster.joined, cluster.lost, cluster.workers) == (2, 1, 1)
    assert cluster.most_promised <= RATE
    assert_counted_twice(report, own_gateway)
    assert "is not used: its merchant is 1230000109" in said
    asked_by = {MCHID.search(each)[1] for each in own_gateway.tell(tell=True)["authorizations"]}
    assert len(asked_by) == 1
    assert "1230000109" not in asked_by


@pytest.mark.manual
def test_a_worker_is_stopped_and_goes_on(begin, own_gateway, workers, is_whole):
    """When it wakes its lease has ended: what it signed before is not sent."""
    own_gateway.tell(latency_s=0.25)  # so that some are in flight
    process = begin()
    wait_for(own_gateway, 300, process)
    workers.workers[0].send_signal(signal.SIGSTOP)
    time.sleep(6.0)  # real: a lease is 3 s
    workers.workers[0].send_signal(signal.SIGCONT)
    report, _ = is_whole(process, most_twice=IN_FLIGHT)
    assert_counted_twice(report, own_gateway)


def test_the_command_is_killed_and_begun_again(begin, own_gateway, is_whole):
    """Its workers stop by themselves; the next command asks on from their journals."""
    process = begin()
    wait_for(own_gateway, 400, process)
    process.kill()
    process.communicate()
    again = begin()
    _, said = is_whole(again, most_twice=IN_FLIGHT)
    assert "Resuming: " in said


def test_the_scheduler_is_killed(begin, own_gateway, workers, folder):
    process = begin()
    wait_for(own_gateway, 400, process)
    workers.scheduler.kill()
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 4, said
    assert "the scheduler is lost" in said
    assert "to go on: palm-reconcile" in said
    asked = own_gateway.tell()["asked"]
    time.sleep(4.0)
    finally_asked = own_gateway.tell()["asked"]
    assert finally_asked - asked <= IN_FLIGHT  # nobody goes on without a lease
    assert '"event": ""' not in said
    kept = int(re.search(r"the answers about ([\d,]+) of", said)[1].replace(",", ""))
    assert finally_asked - IN_FLIGHT <= kept <= finally_asked
    assert list(folder.rglob("*.journal"))
    assert not list(folder.rglob("*.parquet"))


writing_slowly = pytest.mark.parametrize("workers", [slow_writing.__name__], indirect=True)


@pytest.fixture
def when_writing(tmp_path):
    """Return a function that waits until all is asked, and a worker writes the first parts."""

    def when_writing(process):
        until = time.monotonic() + 60
        while not list((tmp_path / "workers").glob(f"{slow_writing.BEGUN}*")):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < until
            time.sleep(0.02)

    return when_writing


@pytest.mark.manual
@writing_slowly
def test_a_worker_is_killed_while_it_writes(begin, workers, when_writing, is_whole):
    process = begin()
    when_writing(process)
    workers.workers[0].kill()
    report, _ = is_whole(process)
    assert (report.metadata.cluster.lost, report.metadata.cluster.workers) == (1, 1)


@pytest.mark.manual
@writing_slowly
def test_the_scheduler_is_killed_while_workers_write(begin, workers, when_writing, is_whole):
    """All is asked, so the command needs nobody any more."""
    process = begin()
    when_writing(process)
    workers.scheduler.kill()
    is_whole(process)


@pytest.mark.manual
@writing_slowly
def test_a_worker_stalls_while_it_writes(begin, workers, when_writing, is_whole):
    process = begin()
    when_writing(process)
    workers.workers[0].send_signal(signal.SIGSTOP)
    try:
        is_whole(process)
    finally:
        workers.workers[0].send_signal(signal.SIGCONT)


@pytest.mark.manual
@writing_slowly
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGKILL, -9), (signal.SIGINT, 130)]
)
def test_the_command_ends_while_workers_write(
    begin, own_gateway, when_writing, is_whole, folder, number, code
):
    process = begin()
    when_writing(process)
    process.send_signal(number)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == code, said
    if number is not signal.SIGKILL:
        line = said.splitlines()[-1]
        assert "interrupted; no report is written; the answers so far are kept" in line
        assert "; to go on: palm-reconcile " in line
    assert not list(folder.rglob("*.parquet"))
    asked = own_gateway.tell()["asked"]
    _, said = is_whole(begin())
    assert f"Resuming: {PAIRS:,} of {PAIRS:,} answers kept" in said
    assert asked == PAIRS


@pytest.mark.manual
def test_a_scheduler_that_is_not_there_is_75(begin, own_gateway):
    process = begin(target="tls://127.0.0.1:1")
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 75, said
    assert "no scheduler answers at tls://127.0.0.1:1" in said
    assert own_gateway.tell()["asked"] == 0


@pytest.mark.manual
def test_no_worker_with_the_same_keys_is_77(own_gateway, source, start, tls, tmp_path):
    place = tmp_path / "odd"
    place.mkdir()
    env = {**tls, "PALM_MCHID": "1230000109"}
    with running_cluster(place, 1, host="tls://127.0.0.1", env=env) as odd:
        process = start(
            source(30), "-o", "reports/", "--run-date", DAY, "--cluster", odd.address,
            config=own_gateway.config(), env=tls, program=SCRIPTS / "palm-reconcile",
        )  # fmt: skip
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 77, said
    assert "no worker has what the command has" in said
    assert own_gateway.tell()["asked"] == 0


@pytest.mark.manual
@pytest.mark.timeout(600)
def test_one_night_in_which_everything_goes_wrong(
    start, source, own_gateway, tls, tmp_path, folder
):
    """20,000 pairs; a worker is killed, one stalls, the command is killed and begun again."""
    pairs, rate = source(20_000), 500
    own_gateway.tell(limit=rate * 8 // 7, latency_s=0.02)
    config = own_gateway.config()
    place = tmp_path / "workers"
    place.mkdir()

    def begin(*more):
        return start(
            pairs, "-o", "reports/", "--run-date", DAY, "--rate", rate, "--progress", "off", *more,
            config=config, env=tls, program=SCRIPTS / "palm-reconcile",
        )  # fmt: skip

    with running_cluster(place, 4, host="tls://127.0.0.1", env=tls) as found:
        first = begin("--cluster", found.address)
        wait_for(own_gateway, 3_000, first)
        found.workers[0].kill()
        wait_for(own_gateway, 6_000, first)
        found.workers[1].send_signal(signal.SIGSTOP)
        time.sleep(6.0)
        found.workers[1].send_signal(signal.SIGCONT)
        wait_for(own_gateway, 10_000, first)
        first.kill()
        first.communicate()
        second = begin("--cluster", found.address)
        said = second.communicate(timeout=300)[1]
    assert second.returncode == 0, said
    asked, told = own_gateway.times_asked(), own_gateway.tell()
    again = sum(asked.values()) - len(asked)
    print(f"{len(asked):,} pairs, {again} asked again, {told['throttled']} refused\n{said[-900:]}")
    assert told["throttled"] == 0
    assert len(asked) == 20_000
    assert again <= 3 * 512  # in flight at each of the three
    report = read_parquet(folder / f"reports/run_date={DAY}")
    assert report.summary.states["UNKNOWN"] == 0


@contextmanager
def listening(port):
    """Yield the port of what passes all on to another port, and what it has heard so far."""
    heard, stopped, sockets = bytearray(), threading.Event(), ExitStack()

    def pass_on(source, target):
        with suppress(OSError):
            while content := source.recv(65_536):
                heard.extend(content)
                target.sendall(content)
            target.shutdown(socket.SHUT_WR)

    def accept():
        while not stopped.is_set():
            with suppress(OSError):
                one = sockets.enter_context(server.accept()[0])
                other = sockets.enter_context(socket.create_connection(("127.0.0.1", port)))
                for pair in ((one, other), (other, one)):
                    threading.Thread(target=pass_on, args=pair, daemon=True).start()

    with sockets, socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield server.getsockname()[1], heard
        stopped.set()
        thread.join()


def test_who_listens_at_the_scheduler_learns_no_key_and_no_openid(
    own_gateway, source, start, cluster, machine
):
    """Without TLS and compression, so that there is something to hear."""
    config = own_gateway.config()
    with listening(int(cluster.address.rpartition(":")[2])) as (port, heard):
        process = start(
            source(300), "-o", "reports/", "--run-date", DAY, "--rate", RATE, "--evidence", "kept",
            "--cluster", f"tcp://127.0.0.1:{port}", config=config,
            env={"DASK_DISTRIBUTED__COMM__COMPRESSION": "null"},
        )  # fmt: skip
        said = process.communicate(timeout=90)[1]
    assert process.returncode == 0, said
    assert b"palm.toml" in heard  # the path of the settings travels
    assert b"unverified_in_a_row" in heard  # and what the workers counted
    secrets = [each.read_bytes() for each in Path(config).parent.iterdir() if each.suffix == ".pem"]
    keys = [line for pem in secrets for line in pem.splitlines() if len(line) == 64]
    assert keys
    assert [line for line in keys if line in heard] == []
    assert [number for number in range(300) if f"o{number:027}".encode() in heard] == []
    assert b"authorize_time" not in heard


def test_workers_of_the_command_end_with_it(own_gateway, source, start, folder):
    """``local:2``: a killed command leaves no process behind."""
    process = start(
        source(2_000), "-o", "reports/", "--run-date", DAY, "--cluster", "local:2", "--rate", RATE,
        config=own_gateway.config(), program=SCRIPTS / "palm-reconcile",
    )  # fmt: skip
    wait_for(own_gateway, 100, process)
    children = _children(process.pid)
    assert len(children) >= 2
    process.kill()
    process.communicate()
    until = time.monotonic() + 15
    while [pid for pid in children if Path(f"/proc/{pid}").exists()]:
        assert time.monotonic() < until
        time.sleep(0.1)


def _children(pid):
    listed = (each.read_text() for each in Path(f"/proc/{pid}/task").glob("*/children"))
    return [int(child) for text in listed for child in text.split()]
