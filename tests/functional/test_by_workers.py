"""A run that workers ask about reports what one process reports, whatever a worker does."""

from __future__ import annotations

import subprocess
import threading
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from jobs.cluster.dispatch import parts
from jobs.cluster.dispatch.dispatch import Dispatch
from jobs.cluster.dispatch.engine import SchedulerLostError
from jobs.cluster.dispatch.totals import Totals
from jobs.cluster.options import ClusterOptions
from jobs.cluster.tasks.job import WorkerSettings
from jobs.cluster.tasks.part_task import PartTask, write_here
from jobs.cluster.tasks.task import TaskEnd, TaskResult
from jobs.cluster.worker.asker import Asker
from jobs.cluster.worker.attempt import Attempt
from jobs.deadline import TimeLimit
from jobs.errors import (
    AbortedError,
    CredentialsError,
    NotNowError,
    OutputError,
    RunInterruptedError,
)
from jobs.evidence.options import EvidenceOptions
from jobs.partitions.checked_files import SUFFIX
from jobs.run import pipeline
from jobs.run.asking import by_workers
from jobs.run.asking.task_outcomes import TaskOutcomes
from jobs.run.config import Waits
from jobs.run.endpoint import ConfiguredEndpoint
from palm.sandbox.requests.rejections import RejectionReason
from palm.settings import load_settings, read_config
from palm.testing import serving
from tests.functional import test_partitions
from tests.functional.test_partitions import MoodyGateway, Nights, assert_same
from tests.night import DAY, SCRIPTS
from tests.thread_workers import QUICK, ThreadEngine

IN_FLIGHT = 64
LEASED = Waits(leases=QUICK)
MANUAL = pytest.mark.manual


@pytest.fixture
def engine(monkeypatch):
    """Return the engine of a test, whose workers are threads."""
    engine = ThreadEngine()
    monkeypatch.setattr(by_workers, "open_engine", engine.opened)
    return engine


@pytest.fixture
def gateway(tmp_path, keys):
    with serving(MoodyGateway(keys, date=DAY)) as gateway:
        keys.write(tmp_path / "keys", gateway.base_url)
        yield gateway


@pytest.fixture
def nights(tmp_path, gateway, engine):
    """Return the nights, and a function that runs one by workers."""
    config = tmp_path / "keys" / "palm.toml"
    settings = load_settings(read_config(config))
    endpoint = ConfiguredEndpoint(settings, found_by=WorkerSettings(config, alone=True))
    nights = Nights(tmp_path, gateway, settings)

    def by_them(night=0, partitions=8, **given):
        usual = {
            "cluster": ClusterOptions(target="local:2", workers=2),
            "endpoint": endpoint, "waits": LEASED, "output": "reports/",
        }  # fmt: skip
        return nights.run(night, partitions, **(usual | given))

    nights.by_them = by_them
    return nights


class EndsWhenSaid(TimeLimit):
    """A limit of time that ends once a test says so."""

    is_over = threading.Event()

    def seconds_left(self, clock):
        return 0.0 if self.is_over.is_set() else super().seconds_left(clock)


@pytest.fixture
def limit():
    """Return a limit of time, which ends once ``is_over`` is set."""
    yield EndsWhenSaid.of_duration(60)
    EndsWhenSaid.is_over.clear()


def assert_same_as_one(nights, report, night=0, **given):
    """Check that a report is that of one process."""
    drop = {"requests", "outcomes", "resumed", "retries", "refusals"}
    assert_same(nights.run(night, 1, **given), report, besides=drop)


def test_the_report_is_that_of_one_process(nights, engine):
    report = nights.by_them()
    assert {worker for worker, _ in engine.tasks} == {"a", "b"}
    assert {worker for worker, _ in engine.written} == {"a", "b"}
    assert sorted(number for _, number in engine.written) == list(range(8))
    cluster = report.metadata.cluster
    assert (cluster.workers, cluster.joined, cluster.lost, cluster.asked_twice) == (2, 2, 0, 0)
    settling_s = report.asking.seconds - report.asking.starved_seconds
    assert settling_s > 0.9 * QUICK.hold_s  # nobody may ask at first
    assert_same_as_one(nights, report)


@pytest.mark.manual
def test_three_nights_and_the_number_of_parts_changes(nights):
    for night, partitions in enumerate((4, 16, 8)):
        report = nights.by_them(night, partitions, output="../reports/")
        assert_same_as_one(nights, report, night)


@pytest.mark.slow
def test_a_task_whose_worker_ends_is_asked_on_from_its_journals(nights, gateway, engine):
    """The first attempt is asked to its end, but nobody hears of it: nothing is asked twice."""
    ended = threading.Event()

    def attempt(asker, task):
        result = Asker.ask(asker, task)
        if not ended.is_set():
            ended.set()
            raise ProcessLookupError
        return result

    engine.attempt = attempt
    gateway.refuses = False
    report = nights.by_them()
    assert ended.is_set()
    assert len(report.rows) == gateway.stats.requests
    assert_same_as_one(nights, report)


@pytest.mark.slow
def test_requests_that_a_lost_worker_did_not_report_are_counted_by_their_answers(
    nights, gateway, monkeypatch
):
    silent, left, add = [], [], Totals.add

    def add_those_heard_of(self, member, stats, **given):
        left.append(given["left"])
        if not silent:
            silent.append(member)
        if member not in silent:
            add(self, member, stats, **given)

    monkeypatch.setattr(Totals, "add", add_those_heard_of)
    gateway.refuses = False
    report = nights.by_them()
    asking = report.asking
    assert silent
    assert min(left) == 0
    assert len(report.rows) / 20 < max(left) <= len(report.rows)
    assert asking.requests == asking.outcomes["ok"] == gateway.stats.requests == len(report.rows)


@pytest.mark.slow
@pytest.mark.parametrize("ends", [1, pytest.param(2, marks=MANUAL)])
def test_a_task_that_a_worker_gives_up_is_counted_once(nights, gateway, engine, ends):
    """It had answers, which are in its journal: nobody is asked twice, and all is accounted for."""
    given_up = []

    def attempt(asker, task):
        result = Asker.ask(asker, task)
        if len(given_up) < ends:
            given_up.append(result.outcomes)
            return replace(result, end=TaskEnd.GIVEN_UP)
        return result

    engine.attempt = attempt
    gateway.refuses = False
    report = nights.by_them()
    assert len(given_up) == ends
    assert not any(path.exists() for path in given_up)
    assert len(report.rows) == gateway.stats.requests
    assert_same_as_one(nights, report)


def test_the_same_pairs_end_three_workers(nights, engine):
    def attempt(asker, task):
        raise ProcessLookupError

    engine.attempt = attempt
    with pytest.raises(RuntimeError, match=r"the pairs of part 0, .* ended 3 workers without"):
        nights.by_them()


@pytest.mark.slow
def test_a_correction_by_workers_keeps_the_answers_of_the_report(nights, gateway, engine):
    first = nights.by_them(output="../8/reports/")
    gateway.refuses, asked = False, gateway.stats.requests
    engine.written.clear()
    corrected = nights.by_them(output="../8/reports/", retry_unanswered=True)
    assert len(engine.written) == 8
    assert gateway.stats.requests - asked == first.summary.states["UNKNOWN"]
    nights.run(0, 1)
    one = nights.run(0, 1, retry_unanswered=True)
    assert_same(one, corrected, besides={"requests", "outcomes", "retries", "knowledge"})


@pytest.mark.slow
def test_the_rows_are_compared_with_a_report_of_as_many_parts_where_it_is(nights, engine):
    """The files of the report before are read by the workers as they are."""
    nights.by_them(output="../reports/")
    engine.written.clear()
    report = nights.by_them(1, output="../reports/")
    assert len(engine.written) == 8
    nights.run(0, 1)
    assert_same_as_one(nights, report, 1)


FAULTS = {
    "one worker cannot read": lambda worker, _: worker == "a",
    "no worker can read": lambda *_: True,
    "one part cannot be written": lambda _, task: task.number == 3,
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "is_faulty",
    [
        pytest.param(is_so, id=name, marks=[] if name.startswith("one part") else MANUAL)
        for name, is_so in FAULTS.items()
    ],
)
def test_what_no_worker_can_write_the_command_writes(nights, engine, is_faulty):
    """A worker that fails at one part gets no other one."""

    def write_part(worker, task):
        if is_faulty(worker, task):
            raise FileNotFoundError(2, "No such file", str(task.source))
        return write_here(task)

    engine.write_part = write_part
    report = nights.by_them()
    failed = [each for each in engine.written if is_faulty(each[0], PartTask(each[1], None, None))]
    assert 1 <= len(failed) <= 2
    assert_same_as_one(nights, report)


def other_name(content):
    """Return a pickle that names a class which does not exist."""
    return content.replace(b"jobs.store.staging.part_stage", b"jobs.store.staging.part_stagX")


DAMAGES = {
    "gone": None,
    "cut": lambda content: content[: len(content) // 2],
    "zeros": lambda content: bytes(len(content)),
    "one bit": lambda content: content[:-9] + bytes([content[-9] ^ 4]) + content[-8:],
    "other": lambda _: b"x",
    "other name": other_name,
}
IN_CI = {("one bit", "rows")}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "file"),
    [
        pytest.param(damage, file, marks=[] if (damage, file) in IN_CI else MANUAL)
        for damage in DAMAGES
        for file in ("counts", "rows")
    ],
)
def test_a_part_that_cannot_be_read_here_is_written_here(nights, engine, damage, file):
    damaged = []

    def write_part(worker, task):
        path = write_here(task)
        if task.number % 4 == 1:
            place = path if file == "counts" else path.with_name(path.name.replace(".counts", ""))
            damaged.append(place)
            if DAMAGES[damage] is None:
                place.unlink()
            else:
                place.write_bytes(DAMAGES[damage](place.read_bytes()))
        return path

    engine.write_part = write_part
    report = nights.by_them()
    assert len(damaged) == 2
    assert_same_as_one(nights, report)


@MANUAL
def test_the_part_of_another_task_is_not_taken(nights, engine):
    written = {}

    def write_part(worker, task):
        written[task.number] = write_here(task)
        return written[min(written)]

    engine.write_part = write_part
    assert_same_as_one(nights, nights.by_them())


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["input", pytest.param("outcomes", marks=MANUAL)])
def test_a_damaged_file_that_nothing_can_replace_ends_the_run_and_no_answer_is_lost(
    nights, gateway, engine, folder
):
    damaged, first = [], threading.Lock()

    def write_part(worker, task):
        if first.acquire(blocking=False):
            damaged.extend((task.folder.parent / folder).rglob(f"part-00003{SUFFIX}"))
            for each in damaged:
                each.write_bytes(DAMAGES["one bit"](each.read_bytes()))
        return write_here(task)

    engine.write_part = write_part
    gateway.refuses = False
    with pytest.raises(OutputError, match="is not as it was written: the work folder .* no answer"):
        nights.by_them()
    asked = gateway.stats.requests
    assert_same_as_one(nights, nights.by_them())
    assert damaged
    assert gateway.stats.requests - asked == asked  # by the one process: the other had all


@pytest.mark.slow
def test_a_part_that_a_worker_does_not_finish_is_written_by_the_command(
    nights, engine, monkeypatch
):
    monkeypatch.setattr(parts, "_LEAST_WAIT_S", 0.3)
    monkeypatch.setattr(parts, "_LOOK_EVERY_S", 0.05)

    def write_part(worker, task):
        if worker == "b":
            time.sleep(4.0)  # real: a thread cannot be left behind
        return write_here(task)

    engine.write_part = write_part
    report = nights.by_them()
    assert [worker for worker, _ in engine.written].count("b") == 1
    assert_same_as_one(nights, report)


@pytest.mark.slow
def test_a_worker_that_is_lost_while_it_writes_is_counted_as_lost(nights, engine, monkeypatch):
    gone, seen = threading.Event(), threading.Event()
    there = ThreadEngine.workers

    def write_part(worker, task):
        if worker == "b":
            gone.set()
            assert seen.wait(10.0)
            raise ProcessLookupError
        return write_here(task)

    async def workers(self):
        if not gone.is_set():
            return await there(self)
        seen.set()
        return await there(self) - {"b"}

    engine.write_part = write_part
    monkeypatch.setattr(ThreadEngine, "workers", workers)
    report = nights.by_them()
    cluster = report.metadata.cluster
    assert (cluster.workers, cluster.joined, cluster.lost) == (1, 2, 1)
    assert_same_as_one(nights, report)


@pytest.mark.slow
def test_a_scheduler_that_is_lost_once_all_is_asked_is_not_needed(nights, engine, monkeypatch):
    gone = threading.Event()

    def write_part(worker, task):
        if task.number > 2:
            gone.set()
            raise SchedulerLostError("the scheduler is lost")
        return write_here(task)

    there = ThreadEngine.workers

    async def workers(self):
        if gone.is_set():
            raise SchedulerLostError("the scheduler is lost")
        return await there(self)

    engine.write_part = write_part
    monkeypatch.setattr(ThreadEngine, "workers", workers)
    report = nights.by_them()
    assert gone.is_set()
    assert_same_as_one(nights, report)


def test_a_disk_that_is_full_at_a_worker_stops_the_run(nights, engine):
    error = OutputError("Disk full at the shared work folder x: answers so far are kept")

    def attempt(asker, task):
        return TaskResult(end=TaskEnd.FAILED, error=error)

    engine.attempt = attempt
    with pytest.raises(OutputError, match="^Disk full at the shared work folder"):
        nights.by_them()


@pytest.mark.slow
def test_a_lost_scheduler_stops_the_run_and_the_next_one_goes_on(nights, gateway, engine):
    def attempt(asker, task):
        result = Asker.ask(asker, task)
        if task.number:
            raise SchedulerLostError("the scheduler is lost: start it again")
        return result

    engine.attempt = attempt
    gateway.refuses = False
    with pytest.raises(AbortedError, match="the scheduler is lost.*kept in the journal") as lost:
        nights.by_them()
    engine.attempt = Asker.ask
    report = nights.by_them()
    assert report.asking.resumed > 10
    assert f"; the answers about {report.asking.resumed} of 255 pairs are kept" in str(lost.value)
    assert gateway.stats.requests - len(report.rows) <= IN_FLIGHT
    assert_same_as_one(nights, report)


@pytest.mark.slow
def test_at_the_deadline_the_report_has_what_a_lost_worker_had_asked(
    nights, gateway, engine, limit
):
    """Its task waits for another worker, which does not come in time."""
    asked = []

    def attempt(asker, task):
        Asker.ask(asker, task)
        asked.append(task.pairs)
        engine.names = []
        time.sleep(2.5)  # real: until it is seen that nobody is there
        limit.is_over.set()
        raise ProcessLookupError

    engine.attempt = attempt
    gateway.refuses = False
    report = nights.by_them(time=limit)
    assert asked
    assert report.summary.states["UNKNOWN"] == 255 - gateway.stats.requests
    assert report.summary.unknown_reasons.keys() <= {"NOT_ASKED"}


@pytest.mark.slow
@pytest.mark.parametrize("journals_too", [False, pytest.param(True, marks=MANUAL)])
def test_outcomes_that_are_damaged_at_the_deadline_are_taken_from_the_journals(
    nights, gateway, engine, limit, journals_too, monkeypatch
):
    """If these are damaged, too, that is said."""
    damaged, halts = threading.Lock(), threading.Event()
    halt = Dispatch._halt

    async def halting(self, reason, **given):
        halts.set()
        await halt(self, reason, **given)

    def attempt(asker, task):
        result = Asker.ask(asker, task)
        if damaged.acquire(blocking=False):
            result.outcomes.write_bytes(DAMAGES["one bit"](result.outcomes.read_bytes()))
            if journals_too:
                for path in nights.folder.rglob(f"*-{task.number}-*.journal"):
                    path.write_bytes(bytes(path.stat().st_size))
            until = time.monotonic() + 30
            while gateway.stats.requests < 255:
                assert time.monotonic() < until
                time.sleep(0.01)
            limit.is_over.set()
            assert halts.wait(30)
        return result

    monkeypatch.setattr(Dispatch, "_halt", halting)
    engine.attempt = attempt
    gateway.refuses = False
    with capture_logs() as said:
        report = nights.by_them(time=limit)
    lost = 255 - (report.summary.states["ON"] + report.summary.states["OFF"])
    lost -= report.summary.states["NONE"]
    told = [each["event"] for each in said if each["event"].startswith("Journal damaged: renamed")]
    assert damaged.locked()
    assert bool(told) == journals_too
    assert bool(lost) == journals_too
    assert gateway.stats.requests == 255


@pytest.mark.slow
def test_good_answers_of_the_last_round_count_although_their_worker_is_lost_at_the_deadline(
    nights, gateway, engine, limit
):
    def attempt(asker, task):
        gateway.refuses = not task.again
        result = Asker.ask(asker, task)
        if task.again:
            engine.names = []
            time.sleep(2.5)  # real: until it is seen that nobody is there
            limit.is_over.set()
            raise ProcessLookupError
        return result

    refuse_for_now = RejectionReason(500, "SYSTEM_ERROR", 268_435_457, "x", "x")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(test_partitions, "REFUSALS", {3: refuse_for_now})
        engine.attempt = attempt
        report = nights.by_them(time=limit)
    assert report.asking.outcomes["ServerError"] > 0
    assert report.summary.states["UNKNOWN"] == 0
    assert report.asking.outcomes["ok"] == len(report.rows) == 255


@pytest.mark.slow
@pytest.mark.parametrize("how", ["gone", pytest.param("wrong", marks=MANUAL)])
def test_a_worker_whose_settings_cannot_be_read_any_more_asks_nobody(nights, engine, tmp_path, how):
    other = tmp_path / "keys" / "b.toml"
    if how == "wrong":
        text = (tmp_path / "keys" / "palm.toml").read_text()
        other.write_text(text.replace("mchid = ", "mchid = [1]\n#"))

    def job_of(worker, job):
        return job if worker == "a" else replace(job, settings=WorkerSettings(other, alone=True))

    engine.job_of = job_of
    report = nights.by_them()
    cluster = report.metadata.cluster
    assert (cluster.joined, cluster.lost) == (2, 1)
    assert_same_as_one(nights, report)


@pytest.mark.slow
def test_rows_that_are_damaged_before_they_are_published_end_the_run(nights, engine, monkeypatch):
    publish = pipeline.publish

    def damaging(report, *given, **more):
        (rows,) = nights.folder.rglob(f"rows/part-00003*{SUFFIX}")
        rows.write_bytes(DAMAGES["one bit"](rows.read_bytes()))
        return publish(report, *given, **more)

    engine.write_part = lambda *_: 1 / 0  # so the command writes them
    with monkeypatch.context() as patched:
        patched.setattr(pipeline, "publish", damaging)
        with pytest.raises(OutputError, match=r"not as it was written; answers so far.*Then run: "):
            nights.by_them()
    assert_same_as_one(nights, nights.by_them())


@pytest.mark.slow
def test_a_signal_stops_all_workers_and_what_they_have_is_kept(nights, gateway):
    gateway.refuses, gateway.interrupt_at, gateway.latency_s = False, 60, 0.02
    with pytest.raises(RunInterruptedError, match="interrupted; the answers about"):
        nights.by_them()
    asked = gateway.stats.requests
    assert 60 <= asked < 200
    gateway.latency_s = 0.0
    report = nights.by_them()
    assert report.asking.resumed == asked
    assert_same_as_one(nights, report)


@pytest.mark.slow
def test_a_signal_is_told_whatever_cannot_be_read_then(nights, gateway, monkeypatch):
    def restore(self, task):
        raise OutputError("a journal cannot be read")

    monkeypatch.setattr(TaskOutcomes, "_restore", restore)
    monkeypatch.setattr(TaskOutcomes, "_take", lambda *_: Path("gone").unlink())
    gateway.refuses, gateway.interrupt_at, gateway.latency_s = False, 60, 0.02
    with pytest.raises(RunInterruptedError, match="interrupted; the answers about"):
        nights.by_them()


@pytest.mark.slow
def test_a_worker_with_another_merchant_gets_nothing(nights, engine, monkeypatch):
    introduce = ThreadEngine.introduce

    async def odd(self, worker, settings):
        said = await introduce(self, worker, settings)
        return replace(said, mchid="1230000109") if worker == "b" else said

    monkeypatch.setattr(ThreadEngine, "introduce", odd)
    report = nights.by_them()
    assert {worker for worker, _ in engine.tasks} == {"a"}
    assert report.metadata.cluster.joined == 1


@pytest.mark.slow
def test_a_worker_whose_settings_have_changed_since_asks_nobody(nights, gateway, engine):
    """It said that it was like the command, and no longer is: it finds that out by itself."""

    def job_of(worker, job):
        others = {} if worker == "a" else {"mchid": "1230000109"}
        return replace(job, own=replace(job.own, **others))

    engine.job_of = job_of
    gateway.refuses = False
    report = nights.by_them()
    assert len([task for worker, task in engine.tasks if worker == "b"]) <= 2
    cluster = report.metadata.cluster
    assert (cluster.workers, cluster.joined, cluster.lost) == (1, 2, 1)
    assert len(report.rows) == gateway.stats.requests
    assert_same_as_one(nights, report)


@pytest.mark.slow
def test_workers_whose_settings_have_all_changed_end_the_run(nights, engine):
    engine.job_of = lambda _, job: replace(job, own=replace(job.own, serial="5" * 40))
    with pytest.raises(CredentialsError, match="no worker has what the command has: .*other one"):
        nights.by_them()


@MANUAL
def test_a_worker_that_joins_while_rows_are_written_did_not_ask(nights, engine):
    def write_part(worker, task):
        engine.names = ["a", "b", "late"]
        time.sleep(0.4)  # real: so that it is seen
        return write_here(task)

    engine.write_part = write_part
    report = nights.by_them()
    assert "late" in {worker for worker, _ in engine.written}
    cluster = report.metadata.cluster
    assert (cluster.workers, cluster.joined, cluster.lost) == (2, 2, 0)


@pytest.mark.slow
def test_where_no_time_is_left_what_is_kept_is_published_without_workers(
    nights, gateway, monkeypatch
):
    gateway.refuses, gateway.interrupt_at, gateway.latency_s = False, 60, 0.02
    with pytest.raises(RunInterruptedError):
        nights.by_them()
    asked = gateway.stats.requests
    opened = []

    def unreachable(*_):
        opened.append(1)
        raise NotNowError("no scheduler answers")

    monkeypatch.setattr(by_workers, "open_engine", unreachable)
    report = nights.by_them(time=TimeLimit.of_duration(0))
    assert not opened
    assert report.asking.resumed == asked == gateway.stats.requests
    assert report.metadata.cluster is None


@pytest.mark.slow
def test_evidence_is_kept_of_what_workers_asked(nights, tmp_path):
    report = nights.by_them(evidence=EvidenceOptions(folder=tmp_path / "evidence"))
    kept = report.metadata.evidence
    assert kept.backed == kept.states == int((report.rows["state"] != "UNKNOWN").sum())


@pytest.mark.slow
def test_evidence_is_that_of_the_answers_in_the_report(
    nights, gateway, keys, engine, tmp_path, monkeypatch
):
    """A worker that was taken for lost hears later answers, when some people have changed."""
    asked_twice = []

    def attempt(asker, task):
        result = Asker.ask(asker, task)
        if not asked_twice:
            with monkeypatch.context() as late:
                late.setattr(Attempt, "_restore", lambda *_: None)
                late.setattr(gateway, "date", DAY + timedelta(days=300))
                Asker.ask(asker, task).outcomes.unlink()
            asked_twice.append(task.pairs)
        return result

    engine.attempt = attempt
    nights.by_them(evidence=EvidenceOptions(folder=tmp_path / "evidence"))
    assert asked_twice
    key = tmp_path / "key.pem"
    key.write_text(keys.public_key_pem())
    subprocess.run(
        [
            SCRIPTS / "palm-report", tmp_path / f"8/reports/run_date={DAY}", "--verify",
            "--evidence", tmp_path / "evidence", "--key", key,
        ],
        check=True,
    )  # fmt: skip
