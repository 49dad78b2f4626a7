"""Answers on disk: soon, without holding anybody up, and only ever those of the very same run."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import stat
import time
from dataclasses import replace
from datetime import date, timedelta

import pytest

from jobs.commands.exit_codes import exit_code_of
from jobs.errors import RunError, UsageError
from jobs.journal.format.header import header_frame
from jobs.journal.format.scan import scan
from jobs.journal.old_journals import remove_old_journals
from jobs.journal.paths import journal_path
from jobs.journal.unfinished import find_unfinished, first_with_answers
from jobs.partitions.partitioned import FrameInMemory
from jobs.report.model import GatewayId
from jobs.store.locations import Sidecars
from jobs.sweep.answers import Row
from tests.unit.jobs.journal.conftest import kept_rows, open_journal, put

DAY, NEXT = date(2025, 3, 3), date(2025, 3, 4)
SANDBOX = GatewayId("sandbox", "0000000000")
NO_TIME = -(2**63)


def row(place, request_id="08AF"):
    return Row(place, 0, -1, 1_700_000_000_000, 1_700_000_000_001, 200, 1, None, request_id)


@pytest.fixture
def files(tmp_path):
    return Sidecars(tmp_path, "report")


@pytest.fixture
def path(files):
    return files.journal(DAY)


@pytest.fixture(scope="module")
def pairs(pairs_of):
    return pairs_of(*[f"A/o{place}" for place in range(100)])


@pytest.fixture
def journal(files, pairs):
    """Return a function that opens the journal of a run."""

    def journal(day=DAY, gateway=SANDBOX, pairs=pairs, **given):
        opened, rows = open_journal(files, day, gateway, pairs, **given)
        opened.resumed = rows
        return opened

    return journal


@pytest.fixture
def written(journal, files):
    def written(*rows, **given):
        with journal(**given) as opened:
            for each in rows:
                put(opened, each)
        return files.journal(given.get("day", DAY))

    return written


@pytest.fixture
def rows_of(files, pairs):
    return lambda pairs=pairs: kept_rows(files, DAY, SANDBOX, pairs)


def test_what_is_put_is_found_again(written, journal):
    rows = [row(3), row(1, None), Row(2, 3, 5, NO_TIME, NO_TIME, 400, 5, "PARAM_ERROR", "08")]
    written(*rows)
    with journal() as opened:
        assert sorted(opened.resumed) == sorted(rows)
        assert opened.messages == []


def test_the_last_word_about_a_pair_is_the_one_that_is_found(written, rows_of):
    written(row(1, "old"), row(2), row(1, "new"))
    assert {each[0]: each[-1] for each in rows_of()} == {1: "new", 2: "08AF"}


def test_an_answer_is_on_disk_within_100_ms(journal, rows_of):
    with journal() as opened:
        for place in range(5):
            put(opened, row(place))
            handed_over = time.perf_counter()
            while len(rows_of()) <= place:
                assert time.perf_counter() - handed_over < 20
                time.sleep(0.002)
            if time.perf_counter() - handed_over <= 0.1:
                return  # a machine that is busy with other tests may be late now and then
        pytest.fail("no answer of five was on disk within 100 ms")


@pytest.mark.slow
async def test_writing_never_holds_the_event_loop_up_for_more_than_10_ms(journal, rows_of):
    """The longest of 1,500 calls of ``put``; how late timers are is the machine's doing, too."""
    longest = 0.0
    with journal() as opened:
        for place in range(1_500):
            before = time.thread_time()
            put(opened, row(place % 100))
            longest = max(longest, time.thread_time() - before)
            await asyncio.sleep(0.0005)
    assert longest < 0.010
    assert len(rows_of()) == 100


async def test_the_event_loop_is_seldom_late_while_the_journal_writes(journal):
    late = []
    with journal() as opened:
        for place in range(300):
            put(opened, row(place % 100))
            before = time.perf_counter()
            await asyncio.sleep(0.002)
            late.append(time.perf_counter() - before - 0.002)
    assert sorted(late)[len(late) * 9 // 10] < 0.010


def test_it_costs_little_time_of_the_processor(journal):
    """A question costs a millisecond; 5 % of that are 50 µs."""
    with journal() as opened:
        before = time.process_time()
        for place in range(20_000):
            put(opened, row(place % 100))
    assert (time.process_time() - before) / 20_000 < 50e-6


def test_it_is_for_its_owner_alone(written):
    assert stat.S_IMODE(written(row(0)).stat().st_mode) == 0o600


def test_one_that_holds_nothing_leaves_no_file(written, path):
    written()
    assert list(path.parent.iterdir()) == []


def test_one_that_was_gone_on_with_stays_though_nothing_is_added(written, rows_of):
    written(row(1))
    written()
    assert rows_of() == [row(1)]


def test_fresh_forgets_what_is_there(written, journal):
    written(row(1))
    with journal(fresh=True) as opened:
        assert (opened.resumed, opened.messages) == ([], [])


@pytest.mark.parametrize(
    "gateway", [GatewayId("wechatpay", "0000000000"), GatewayId("sandbox", "1")]
)
@pytest.mark.parametrize("fresh", [False, True])
def test_one_of_another_gateway_or_merchant_ends_with_2_and_stays(written, journal, gateway, fresh):
    path = written(row(1))
    before = path.read_bytes()
    with pytest.raises(RunError, match="is of an unfinished run of merchant 0000000000") as stop:
        journal(gateway=gateway, fresh=fresh)
    assert exit_code_of(stop.value) == 2
    assert path.read_bytes() == before


def test_one_of_another_date_under_this_name_ends_with_2(written, journal, files):
    written(row(1), day=NEXT).replace(files.journal(DAY))
    with pytest.raises(RunError, match="is of a run of 2025-03-04, not of 2025-03-03") as stop:
        journal()
    assert exit_code_of(stop.value) == 2


def test_answers_go_to_their_pairs_wherever_these_stand_now(written, rows_of, pairs_of):
    written(row(0), row(1), row(2))
    now = pairs_of("B/o1", "A/o2", "A/o0", "A/new")
    assert sorted(each[0] for each in rows_of(now)) == [1, 2]


def test_one_of_which_under_half_is_about_the_input_is_renamed(written, journal, pairs_of, files):
    written(row(0), row(1), row(2))
    with journal(pairs=pairs_of("A/o1", "A/new")) as opened:
        assert opened.resumed == []
        assert opened.messages == [
            (
                "Journal renamed to .report.2025-03-03.journal.aside: only 1 of its 3 answers is "
                "about a pair of this input; starting over"
            )
        ]
    assert journal_path(files, DAY).aside.exists()


@pytest.mark.parametrize("content", [b"nothing", b"\xa5\x4a" * 500])
def test_one_that_is_damaged_is_renamed(path, files, journal, rows_of, content):
    path.write_bytes(content)
    with journal() as opened:
        assert opened.resumed == []
        assert opened.messages == [
            (
                "Journal damaged: renamed to .report.2025-03-03.journal.damaged, no answer "
                "recovered; starting over"
            )
        ]
        put(opened, row(1))
    assert rows_of() == [row(1)]
    assert journal_path(files, DAY).damaged.read_bytes() == content


def test_what_is_sound_in_a_damaged_one_is_kept(written, journal, files, rows_of):
    path = written(*map(row, range(20)))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with journal() as opened:
        assert len(opened.resumed) == 19
        assert opened.messages == [
            (
                "Journal damaged: renamed to .report.2025-03-03.journal.damaged, 19 of 20 answers "
                "recovered"
            )
        ]
        put(opened, row(50))
    assert len(rows_of()) == 20
    assert journal_path(files, DAY).damaged.read_bytes() == content


def test_what_was_killed_before_it_wrote_anything_is_begun(path, journal, rows_of):
    path.touch()
    with journal() as opened:
        assert (opened.resumed, opened.messages) == ([], [])
        put(opened, row(1))
    assert rows_of() == [row(1)]


def test_one_that_cannot_be_begun_ends_with_73(tmp_path, pairs):
    with pytest.raises(RunError, match="cannot be written") as stop:
        open_journal(Sidecars(tmp_path / "missing", "report"), DAY, SANDBOX, pairs)
    assert exit_code_of(stop.value) == 73


def make_link(path):
    path.symlink_to(path.with_name("elsewhere"))


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, make_link])
def test_what_is_no_file_ends_with_73_and_the_plan_says_so(path, journal, rows_of, make):
    make(path)
    for begin in (journal, rows_of):
        with pytest.raises(RunError, match="cannot be written") as stop:
            begin()
        assert exit_code_of(stop.value) == 73


def fill(opened):
    for place in range(1, 1000):
        put(opened, row(place % 100, "x" * 200))
        time.sleep(0.002)


def test_a_full_disk_is_told_with_the_next_answer_and_what_was_safe_stays(journal, path, rows_of):
    with journal() as opened:
        put(opened, row(0))
        while not rows_of():
            time.sleep(0.01)
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 10_000, before[1]))
        try:
            with pytest.raises(RunError, match="the answers that it holds are kept") as stop:
                fill(opened)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert exit_code_of(stop.value) == 73
    assert row(0) in rows_of()
    with journal() as opened:  # the record that did not fit is a torn tail
        assert row(0) in opened.resumed


@pytest.mark.parametrize(("number", "ends"), [(errno.EINVAL, False), (errno.EIO, True)])
def test_a_file_system_that_cannot_sync_is_done_without_and_one_that_fails_is_not(
    journal, monkeypatch, number, ends
):
    with journal() as opened:

        def fail(_):
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr("os.fsync", fail)
        put(opened, row(0))
        opened.close()
        if ends:
            with pytest.raises(RunError, match="cannot be written"):
                opened.check()
        else:
            opened.check()


def test_the_name_of_a_new_journal_is_made_to_survive_the_machine(journal, path, monkeypatch):
    synced, fsync = [], os.fsync

    def listen(file):
        synced.append(os.fstat(file).st_ino)
        fsync(file)

    monkeypatch.setattr("os.fsync", listen)
    with journal() as opened:
        assert synced == [path.stat().st_ino, path.parent.stat().st_ino]
        put(opened, row(1))


def found_at(files, pairs, now, day=NEXT, gateway=SANDBOX):
    return find_unfinished(files, day, gateway, FrameInMemory(pairs), now=now)


def test_a_young_run_of_another_date_gives_its_date(written, files, pairs):
    written(row(1))
    assert found_at(files, pairs, time.time() + 2.9 * 3600) == DAY
    assert found_at(files, pairs, time.time() + 3.1 * 3600) is None


def test_this_dates_run_is_gone_on_with_however_old(written, files, pairs):
    written(row(1))
    written(row(1), day=NEXT)
    assert found_at(files, pairs, time.time() + 20 * 3600) == NEXT


def test_one_that_a_clock_that_was_ahead_wrote_is_not_young(written, files, pairs):
    written(row(1))
    assert found_at(files, pairs, time.time() - 4 * 3600) is None


def test_a_run_after_its_deadline_finds_this_dates_run_else_that_of_the_day_before(
    written, files, pairs, pairs_of
):
    written(row(1))

    def find(day, pairs=pairs, gateway=SANDBOX):
        days = [day, day - timedelta(days=1)]
        return first_with_answers(files, days, gateway, FrameInMemory(pairs))

    assert find(NEXT) == (DAY, 1)
    assert find(DAY) == (DAY, 1)
    assert find(DAY + timedelta(days=2)) is None
    with pytest.raises(UsageError, match="is of an unfinished run of"):
        find(NEXT, gateway=GatewayId("sandbox", "1"))
    assert find(NEXT, pairs_of("B/x")) is None
    written(row(2), day=NEXT)
    written(row(1), row(2), day=NEXT)
    assert find(NEXT)[0] == NEXT


def test_one_of_other_pairs_or_of_another_merchant_gives_no_date(written, files, pairs_of, pairs):
    written(row(1))
    assert found_at(files, pairs_of("B/x"), time.time()) is None
    assert found_at(files, pairs, time.time(), gateway=GatewayId("sandbox", "1")) is None
    assert found_at(files, pairs, time.time(), gateway=GatewayId("other", "0000000000")) is None


def test_a_damaged_one_gives_no_date(path, files, pairs):
    path.write_bytes(b"nothing")
    assert found_at(files, pairs, time.time()) is None


def test_a_later_dates_run_is_not_gone_on_with(written, files, pairs):
    written(row(1), day=NEXT)
    assert found_at(files, pairs, time.time(), day=DAY) is None


def removed(files, published, now, gateway=SANDBOX):
    return [path.name for path in remove_old_journals(files, published, gateway, now=now)]


def test_the_published_dates_journals_go_and_others_stay_for_seven_days(written, files):
    old = written(row(1))
    journal_path(files, DAY).damaged.touch()
    own = written(row(1), day=NEXT)
    journal_path(files, NEXT).damaged.touch()
    assert removed(files, NEXT, time.time() + 6.9 * 86_400) == []
    assert not own.exists()
    assert not journal_path(files, NEXT).damaged.exists()
    assert old.exists()
    assert journal_path(files, DAY).damaged.exists()
    assert removed(files, NEXT, time.time() + 7.1 * 86_400) == [old.name]
    assert list(files.folder.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"garbage" * 99], ids=["empty", "damaged"])
def test_one_that_does_not_say_whose_it_is_goes_seven_days_after_it_was_written(files, content):
    for path in (files.journal(DAY), journal_path(files, DAY).damaged):
        path.write_bytes(content)
    assert removed(files, NEXT, time.time() + 6.9 * 86_400) == []
    assert sorted(removed(files, NEXT, time.time() + 7.1 * 86_400)) == [files.journal(DAY).name]
    assert list(files.folder.iterdir()) == []


def test_one_that_was_renamed_alone_goes_too(files):
    journal_path(files, DAY).damaged.write_bytes(b"garbage" * 99)
    name = journal_path(files, DAY).damaged.name
    assert removed(files, NEXT, time.time() + 7.1 * 86_400) == [name]
    assert list(files.folder.iterdir()) == []


def test_another_merchants_journal_is_never_removed(written, files):
    path = written(row(1))
    assert removed(files, NEXT, time.time() + 1e9, gateway=GatewayId("wechatpay", "1")) == []
    assert path.exists()


@pytest.mark.parametrize(
    "name",
    [".report.eu.2025-03-03.journal", ".report.2025-03-03.journal.damaged", ".report..journal",
     ".report.2025-02-30.journal", ".report.2025-03-03.journal~", "report.2025-03-03.journal",
     ".report2025-03-03.journal", ".report.x2025-03-03.journal", ".report.2025-03-03.journal\n"],
)  # fmt: skip
def test_only_names_that_are_exactly_ours_are_journals(files, name):
    (files.folder / name).touch()
    assert files.journals() == {}


@pytest.mark.parametrize("stem", ["report", "r[1]*?", "a\nb", "报告", ".x"])
def test_any_stem_finds_its_own_journals(tmp_path, stem):
    files = Sidecars(tmp_path, stem)
    for day in (DAY, NEXT):
        files.journal(day).touch()
    assert list(files.journals().items()) == [(d, files.journal(d)) for d in (NEXT, DAY)]


def test_its_header_names_no_pair_and_its_salt_is_its_own(written, files):
    runs = [scan(written(row(1), day=day).read_bytes()).run for day in (DAY, NEXT)]
    assert (runs[0].gateway, runs[0].mchid) == ("sandbox", "0000000000")
    assert runs[0].salt != runs[1].salt
    assert header_frame(replace(runs[0], salt=runs[1].salt)) != header_frame(runs[0])
