"""Journals of several partitions: whatever the numbers of partitions, an answer is found again."""

from __future__ import annotations

import os
import resource
import time
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.commands.exit_codes import exit_code_of
from jobs.errors import RunError
from jobs.journal.journal import Journal
from jobs.journal.kept import KeptAnswers
from jobs.journal.old_journals import remove_old_journals
from jobs.journal.paths import existing_journals, journal_path
from jobs.journal.recovery import read_for_run
from jobs.journal.unfinished import count_kept_answers, find_unfinished, first_with_answers
from jobs.report.model import GatewayId
from jobs.store.locations import Sidecars
from jobs.store.work_folder import WorkFolder
from jobs.sweep.answers import Row
from palm import Pair
from tests.partitioned import split

DAY, NEXT = date(2025, 3, 3), date(2025, 3, 4)
SANDBOX = GatewayId("sandbox", "0000000000")
PEOPLE = 120


def row(place, request_id="08AF"):
    return Row(place, 0, -1, 1_700_000_000_000, 1_700_000_000_001, 200, 1, None, request_id)


class Taken:
    """Keeps the rows that are restored, under the index of their pair in the whole input."""

    def __init__(self):
        self.rows = {}

    def __len__(self):
        return len(self.rows)

    def add(self, _number, pairs, rows):
        for each in rows:
            index = int(pairs.index[each.pair_index])
            self.rows[index] = each._replace(pair_index=index)

    def clear(self):
        self.rows = {}


class Runs:
    """Runs of one date over the same pairs, in different numbers of partitions."""

    def __init__(self, folder, pairs):
        self.files, self.pairs, self.messages = Sidecars.of_folder(folder), pairs, []
        folder.mkdir(exist_ok=True)

    def open(self, bits, day=DAY, pairs=None, **given):
        """Return the journal of a run, and the rows that it resumes by their index."""
        taken = Taken()
        pairs = split(self.pairs if pairs is None else pairs, bits)
        folder = WorkFolder.open(self.files).journals(day) if bits else None
        journal = Journal.open(
            self.files, day, given.pop("gateway", SANDBOX), pairs, taken, folder=folder, **given
        )
        self.messages = journal.messages
        self.numbers = {
            int(index): number for number in range(1 << bits) for index in pairs.frame(number).index
        }
        return journal, taken.rows

    def put(self, journal, each):
        pair = Pair(
            self.pairs["openid"][each.pair_index], self.pairs["organization_id"][each.pair_index]
        )
        journal.put(self.numbers[each.pair_index], pair, each)

    def run(self, bits, *rows, **given):
        """Write rows, and return those that were resumed."""
        journal, resumed = self.open(bits, **given)
        with journal:
            for each in rows:
                self.put(journal, each)
        journal.check()
        return resumed

    def paths(self, day=DAY):
        return [each.path for each in existing_journals(self.files, day)]


@pytest.fixture(scope="module")
def pairs(pairs_of):
    return pairs_of(*[f"{'AB'[place % 2]}/o{place}" for place in range(PEOPLE)])


@pytest.fixture
def runs(tmp_path, pairs):
    return Runs(tmp_path / "reports", pairs)


def test_each_partition_has_a_file_named_after_its_number(runs):
    runs.run(3, *map(row, range(PEOPLE)))
    folder = runs.files.journal_folders()[DAY]
    assert sorted(path.name for path in folder.iterdir()) == [
        f"part-{number:05}-of-00008.journal" for number in range(8)
    ]
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert not runs.files.journal(DAY).exists()


def test_a_partition_without_an_answer_has_no_file_but_for_the_first(runs):
    runs.run(3, row(5))
    number = runs.numbers[5]
    assert {path.name for path in runs.paths()} == {
        f"part-{each:05}-of-00008.journal" for each in (0, number)
    }
    assert number != 0


def test_a_run_without_an_answer_leaves_no_file(runs):
    runs.run(3)
    assert runs.paths() == []


@pytest.mark.parametrize("bits", [(0, 3, 1), (3, 0, 5), (6, 2, 0), (1, 1, 1), (5, 4, 3)])
def test_the_number_of_partitions_may_change_between_runs(runs, bits):
    third = PEOPLE // 3
    for turn, each in enumerate(bits):
        resumed = runs.run(each, *map(row, range(turn * third, (turn + 1) * third)))
        assert resumed == {place: row(place) for place in range(turn * third)}
        assert runs.messages == []
    for each in bits:
        assert len(runs.run(each)) == PEOPLE


@pytest.mark.parametrize(("first", "second"), [(0, 2), (2, 0), (3, 1), (2, 2)])
def test_the_later_of_two_answers_counts_whichever_file_it_is_in(runs, first, second):
    runs.run(first, row(7, "old"), row(8, "old"))
    time.sleep(0.002)
    runs.run(second, row(7, "new"))
    for bits in (0, 1, 2, 4):
        assert {at: each.request_id for at, each in runs.run(bits).items()} == {7: "new", 8: "old"}


@pytest.mark.parametrize(("answered_ms", "found"), [(1_000, ["A"]), (2_000, ["B"]), (3_000, [])])
def test_of_two_answers_the_one_that_a_report_has_is_found(runs, answered_ms, found):
    for bits, request_id, at_ms in ((0, "B", 2_000), (3, "A", 1_000)):
        runs.run(bits, row(7, request_id)._replace(answered_ms=at_ms))
    kept = KeptAnswers(
        existing_journals(runs.files, DAY),
        partial(read_for_run, run_date=DAY, gateway=SANDBOX, unusable=[]),
        answered_ms=lambda _: np.full(PEOPLE, answered_ms),
    )
    rows = [each for *_, rows in kept.by_partition(split(runs.pairs, 0)) for each in rows]
    assert [each.request_id for each in rows] == found


@pytest.mark.slow
@settings(max_examples=25)
@given(data=st.data())
def test_any_runs_killed_anywhere_lose_only_the_record_that_was_cut(tmp_path_factory, pairs, data):
    runs, expected = Runs(tmp_path_factory.mktemp("runs") / "reports", pairs), {}
    for turn in range(data.draw(st.integers(1, 4))):
        bits = data.draw(st.integers(0, 4))
        places = data.draw(st.sets(st.integers(0, PEOPLE - 1), max_size=30))
        rows = [row(place, f"{turn}") for place in sorted(places)]
        assert runs.run(bits, *rows) == expected
        expected |= {each.pair_index: each for each in rows}
        time.sleep(0.002)
    cut = None
    if expected:
        cut = data.draw(st.sampled_from(existing_journals(runs.files, DAY)))
        os.truncate(cut.path, data.draw(st.integers(0, cut.path.stat().st_size)))
    found = runs.run(data.draw(st.integers(0, 4)))
    assert all(each.request_id <= expected[at].request_id for at, each in found.items())
    assert runs.run(data.draw(st.integers(0, 4))) == found
    of_cut = set() if cut is None else set(partition(pairs, cut.bits, cut.number).index)
    assert expected.keys() - of_cut <= found.keys()
    assert all(found[at] == each for at, each in expected.items() if at not in of_cut)


def partition(pairs, bits, number):
    return split(pairs, bits).frame(number)


def test_one_partitions_torn_tail_is_dropped_and_its_damage_is_repaired(runs):
    runs.run(2, *map(row, range(PEOPLE)))
    torn, damaged, *_ = runs.paths()
    os.truncate(torn, torn.stat().st_size - 3)
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    resumed = runs.run(3)
    assert len(resumed) == PEOPLE - 2
    records = sum(runs.numbers[at] >> 1 == 1 for at in resumed)
    assert runs.messages == [
        f"Journal {torn.name}: its last record was incomplete; dropped",
        (
            f"Journal damaged: renamed to {damaged.name}.damaged, {records} of {records + 1} "
            "answers recovered"
        ),
    ]
    assert runs.run(3) == resumed
    assert runs.messages == []


def test_one_without_a_header_is_renamed_and_the_others_are_resumed(runs):
    runs.run(2, *map(row, range(PEOPLE)))
    lost = runs.paths()[3]
    lost.write_bytes(b"nothing")
    resumed = runs.run(2)
    assert {runs.numbers[at] for at in resumed} == {0, 1, 2}
    assert runs.messages == [
        f"Journal damaged: renamed to {lost.name}.damaged, no answer recovered; starting over"
    ]


def test_whether_they_are_of_this_input_is_judged_over_all(runs, pairs):
    """Half of the pairs are in the input, though in some partitions only few of them are."""
    runs.run(3, *map(row, range(PEOPLE)))
    half = split(pairs, 3)
    kept = [index for number in range(4) for index in half.frame(number).index]
    here = pairs.loc[kept[: PEOPLE // 2]]
    if len(here) * 2 < PEOPLE:
        here = pairs.loc[
            [*here.index, *pairs.index.difference(here.index)[: PEOPLE // 2 - len(here)]]
        ]
    journal, resumed = runs.open(3, pairs=here)
    journal.close()
    assert len(resumed) == PEOPLE // 2
    journal, resumed = runs.open(3, pairs=here.iloc[1:])
    journal.close()
    assert resumed == {}
    (line,) = runs.messages
    assert line == (
        "8 journals renamed to part-00000-of-00008.journal.aside and so on: only 59 of their 120 "
        "answers are about pairs of this input; starting over"
    )
    assert len(list(runs.files.journal_folders()[DAY].glob("*.aside"))) == 8


@pytest.mark.parametrize("bits", [0, 2])
def test_fresh_forgets_all_of_them_unless_one_is_another_merchants(runs, bits):
    runs.run(3, *map(row, range(20)))
    runs.run(0, row(30))
    other = GatewayId("sandbox", "1")
    for fresh in (True, False):
        with pytest.raises(RunError, match="is of an unfinished run of merchant") as stop:
            runs.open(bits, gateway=other, fresh=fresh)
        assert exit_code_of(stop.value) == 2
    assert runs.run(bits, fresh=True) == {}
    assert runs.paths() == []


def test_a_plan_counts_them_and_a_run_after_its_deadline_finds_them(runs, pairs):
    runs.run(3, *map(row, range(20)))
    runs.run(0, *map(row, range(15, 40)))
    for bits in (0, 2, 4):
        counted = count_kept_answers(runs.files, DAY, SANDBOX, split(pairs, bits))
        assert counted == 40
        days = [NEXT, DAY]
        assert first_with_answers(runs.files, days, SANDBOX, split(pairs, bits)) == (DAY, 40)
    with pytest.raises(RunError, match="is of an unfinished run of merchant"):
        count_kept_answers(runs.files, DAY, GatewayId("sandbox", "1"), split(pairs, 2))


@pytest.mark.parametrize("bits", [0, 3])
def test_a_young_run_of_another_date_gives_its_date(runs, pairs, bits):
    runs.run(2, *map(row, range(30)))

    def found(hours, pairs=pairs):
        now = time.time() + hours * 3600
        return find_unfinished(runs.files, NEXT, SANDBOX, split(pairs, bits), now=now)

    assert found(2.9) == DAY
    assert found(3.1) is None
    assert found(0, pairs.iloc[16:]) is None
    assert found(0, pairs.iloc[15:]) == DAY


def test_the_published_dates_journals_go_and_others_stay_for_seven_days(runs, pairs):
    runs.run(2, *map(row, range(PEOPLE)))
    runs.run(3, *map(row, range(PEOPLE)), day=NEXT)
    runs.run(0, row(1), day=NEXT)
    folders = runs.files.journal_folders()
    (folders[NEXT] / "part-00001-of-00008.journal.tmp").touch()
    (folders[NEXT] / "part-00001-of-00008.journal.damaged").touch()
    (folders[NEXT] / "of somebody else").touch()

    def removed(days):
        now = time.time() + days * 86_400
        return len(list(remove_old_journals(runs.files, NEXT, SANDBOX, now=now)))

    assert removed(6.9) == 0
    assert [path.name for path in folders[NEXT].iterdir()] == ["of somebody else"]
    assert not runs.files.journal(NEXT).exists()
    assert len(runs.paths()) == 4
    assert removed(7.1) == 4
    assert runs.paths() == []


def test_those_set_aside_outlast_the_night_by_seven_days(runs, pairs_of):
    runs.run(2, *map(row, range(PEOPLE)))
    journal, _ = runs.open(2, pairs=pairs_of("C/x"))
    journal.close()
    folder = runs.files.journal_folders()[DAY]
    assert len(list(folder.glob("*.aside"))) == 4
    for days, left in ((6.9, 4), (7.1, 0)):
        list(remove_old_journals(runs.files, DAY, SANDBOX, now=time.time() + days * 86_400))
        assert len(list(folder.glob("*.aside"))) == left


@pytest.mark.parametrize(
    "name",
    ["part-00000-of-00003.journal", "part-00004-of-00004.journal", "part-0-of-4.journal",
     "part-00000-of-00001.journal", "part-00000-of-00004.journal~", ".part-00000-of-00004.journal"],
)  # fmt: skip
def test_only_names_that_are_exactly_ours_are_journals(runs, name):
    (WorkFolder.open(runs.files).journals(DAY) / name).touch()
    assert runs.paths() == []


def test_many_partitions_need_few_open_files(runs):
    """At most 16 journals are open at a time."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    in_use = sum(1 for _ in Path("/proc/self/fd").iterdir())
    journal, _ = runs.open(7)
    resource.setrlimit(resource.RLIMIT_NOFILE, (in_use + 24, before[1]))
    try:
        with journal:
            for turn in range(3):
                for place in range(PEOPLE):
                    runs.put(journal, row(place, f"{turn}"))
                time.sleep(0.05)
        journal.check()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert len(runs.paths()) > 60
    assert len(runs.run(7)) == PEOPLE


def test_a_full_disk_names_the_journal_of_the_partition(runs):
    journal, _ = runs.open(2)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (600, before[1]))
    try:
        with journal, pytest.raises(RunError, match=r"part-0000\d-of-00004.journal") as stop:
            for place in range(PEOPLE):
                runs.put(journal, row(place))
                time.sleep(0.002)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert exit_code_of(stop.value) == 73
    assert 0 < len(runs.run(2)) < PEOPLE


def test_a_journal_that_cannot_be_read_ends_with_73(runs):
    runs.run(2, *map(row, range(PEOPLE)))
    path = runs.paths()[2]
    path.unlink()
    path.mkdir()
    for begin in (
        runs.open,
        lambda bits: count_kept_answers(runs.files, DAY, SANDBOX, split(runs.pairs, bits)),
    ):
        with pytest.raises(RunError, match="cannot be written") as stop:
            begin(3)
        assert exit_code_of(stop.value) == 73


def test_new_journals_and_their_names_survive_a_crash_of_the_machine(runs, monkeypatch):
    synced, fsync = set(), os.fsync

    def listen(file):
        synced.add(os.fstat(file).st_ino)
        fsync(file)

    monkeypatch.setattr("os.fsync", listen)
    runs.run(2, *map(row, range(PEOPLE)))
    folder = runs.files.journal_folders()[DAY]
    assert {path.stat().st_ino for path in (folder, *folder.iterdir())} <= synced


@pytest.mark.parametrize(
    ("bits", "number", "other", "overlap"),
    [(0, 0, (3, 5), True), (3, 5, (0, 0), True), (3, 5, (2, 2), True), (3, 5, (2, 3), False),
     (2, 2, (3, 4), True), (2, 2, (3, 6), False), (3, 5, (3, 5), True), (3, 5, (3, 4), False)],
)  # fmt: skip
def test_partitions_overlap_where_the_bits_of_both_agree(tmp_path, bits, number, other, overlap):
    path = journal_path(Sidecars(tmp_path, "report"), DAY, tmp_path, bits, number)
    path = path if bits else journal_path(Sidecars(tmp_path, "report"), DAY)
    assert path.overlaps(*other) == overlap
