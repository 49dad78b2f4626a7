"""What becomes of a journal that is not whole: nothing false is taken over, and nothing sound lost.

Fsync does nothing here: what survives a power cut is not the question, and 2,000 journals are read.
"""

from __future__ import annotations

import os
import random
import sqlite3
import time
from contextlib import closing, suppress
from datetime import date
from pathlib import Path

import pytest

from jobs.commands.exit_codes import exit_code_of
from jobs.errors import RunError
from jobs.journal.format.header import header_frame
from jobs.journal.format.record import record_frame
from jobs.journal.format.scan import scan
from jobs.journal.old_journals import remove_old_journals
from jobs.journal.paths import journal_path
from jobs.journal.unfinished import count_kept_answers
from jobs.partitions.partitioned import FrameInMemory
from jobs.report.model import GatewayId
from jobs.store.locations import Sidecars
from jobs.sweep.answers import Row
from tests.unit.jobs.journal.conftest import kept_rows, open_journal, put
from tests.unit.jobs.journal.format.test_scan import mutated, tried_mutations

DAY, NEXT = date(2025, 3, 3), date(2025, 3, 4)
SANDBOX = GatewayId("sandbox", "0000000000")
PEOPLE = 60


def row(place):
    return Row(
        place, place % 3, -1, 1_700_000_000_000 + place, 1_700_000_000_001, 200, 1, None, "08"
    )


@pytest.fixture(autouse=True)
def nothing_is_synced(monkeypatch):
    monkeypatch.setattr("os.fsync", lambda _: None)


@pytest.fixture
def files(tmp_path):
    return Sidecars(tmp_path, "report")


@pytest.fixture(scope="module")
def pairs(pairs_of):
    return pairs_of(*[f"A/o{place}" for place in range(PEOPLE)])


@pytest.fixture
def opened(files, pairs):
    """Return a function that opens the journal as a run does; returns what it found and said."""

    def opened(pairs=pairs):
        journal, rows = open_journal(files, DAY, SANDBOX, pairs)
        return sorted(rows), journal.messages

    return opened


@pytest.fixture
def content(files, pairs):
    """Return the bytes of a sound journal of a run that was killed."""
    path = files.journal(DAY)
    journal, _ = open_journal(files, DAY, SANDBOX, pairs)
    with journal:
        for place in range(PEOPLE):
            put(journal, row(place))
    return path.read_bytes()


@pytest.mark.slow
@tried_mutations
def test_damaged_journals_are_gone_on_with_and_nothing_false_is_taken_over(
    files, pairs, opened, content, examples
):
    """A run begins with each, goes on with what is sound, and the next one finds just that."""
    random_, path, kept, said_so = random.Random(11), files.journal(DAY), 0, 0
    for _ in range(examples):
        damaged = mutated(content, random_)
        path.write_bytes(damaged)
        planned = sorted(kept_rows(files, DAY, SANDBOX, pairs))
        found, said = opened()
        assert found == planned
        assert count_kept_answers(files, DAY, SANDBOX, FrameInMemory(pairs)) == len(found)
        assert all(each == row(each[0]) for each in found)
        assert len(said) <= 1
        assert opened() == (found, [])
        kept += len(found)
        said_so += bool(said)
    assert kept > 0.5 * examples * PEOPLE
    assert said_so > 0.9 * examples


def test_one_byte_gone_in_the_last_record_costs_that_answer_alone(files, opened, content):
    files.journal(DAY).write_bytes(content[:-9] + b"?" + content[-8:])
    found, said = opened()
    assert found == [row(place) for place in range(PEOPLE - 1)]
    (line,) = said
    assert line.startswith("Journal damaged: renamed to .report.2025-03-03.journal.damaged, ")
    assert line.endswith(", 59 of 60 answers recovered")


def test_a_long_tail_that_is_gone_is_told_as_damage_and_stays_to_be_looked_at(
    files, opened, content
):
    """As after a power cut: the file is as long as it was, and its end was never written."""
    damaged = content[: len(content) // 2] + bytes(len(content) // 2)
    files.journal(DAY).write_bytes(damaged)
    found, (line,) = opened()
    assert line.startswith("Journal damaged: renamed to .report.2025-03-03.journal.damaged")
    assert f"{len(found)} of at least {len(found) + 1} answers recovered" in line
    assert journal_path(files, DAY).damaged.read_bytes() == damaged


@pytest.mark.parametrize("name", ["unlink", "hardlink_to", "replace", "open"])
def test_a_process_that_ends_anywhere_in_the_recovery_loses_no_sound_answer(
    files, opened, content, monkeypatch, name
):
    """Each call by which the recovery changes the folder is the last one of a process once."""
    damaged = content[:900] + b"?" + content[901:]
    for last in range(30):
        for path in files.folder.iterdir():
            path.unlink()
        files.journal(DAY).write_bytes(damaged)
        with monkeypatch.context() as patch:
            end_after(patch, name, last)
            undisturbed = []
            with suppress(KeyboardInterrupt):
                undisturbed, _ = opened()
        found, _ = opened()
        assert len(found) == PEOPLE - 1
        assert all(each == row(each[0]) for each in found)
        if undisturbed:
            break
    assert undisturbed == found
    assert last > 0, "it was never disturbed"


def end_after(patch, name, last):
    """Let the process end at the next call of a function, after so many."""
    calls = []

    def ending(real):
        def call(*arguments, **given):
            if len(calls) == last:
                raise KeyboardInterrupt
            calls.append(real)
            return real(*arguments, **given)

        return call

    place = os if name == "open" else Path
    patch.setattr(place, name, ending(getattr(place, name)))


def test_a_file_system_without_links_keeps_the_damaged_one_too(files, opened, content, monkeypatch):
    damaged = content[:900] + b"?" + content[901:]
    files.journal(DAY).write_bytes(damaged)

    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    assert len(opened()[0]) == PEOPLE - 1
    assert journal_path(files, DAY).damaged.read_bytes() == damaged


def removed(files, days, gateway=SANDBOX):
    now = time.time() + days * 86_400
    return [path.name for path in remove_old_journals(files, DAY, gateway, now=now)]


def test_answers_about_another_input_outlast_the_night_by_seven_days(
    files, opened, content, pairs_of
):
    assert opened(pairs_of("B/x"))[0] == []
    aside = journal_path(files, DAY).aside
    assert removed(files, 6.9) == []
    assert aside.read_bytes() == content
    assert removed(files, 7.1, GatewayId("sandbox", "1")) == []
    assert removed(files, 7.1) == [aside.name]
    assert list(files.folder.iterdir()) == []


def test_what_a_recovery_that_was_killed_left_goes_with_its_night(files):
    journal_path(files, DAY).recovered.touch()
    journal_path(files, NEXT).recovered.touch()
    assert removed(files, 1) == []
    assert list(files.folder.iterdir()) == [journal_path(files, NEXT).recovered]


def test_all_files_of_an_earlier_versions_journal_are_renamed_and_go_after_seven_days(
    files, opened
):
    path, aside = files.journal(DAY), journal_path(files, DAY).aside
    with closing(sqlite3.connect(path)) as base:
        base.execute("PRAGMA journal_mode=WAL")
        base.execute("CREATE TABLE answers (place)")
        base.commit()
        copies = {each.name: each.read_bytes() for each in files.folder.iterdir()}
    for name, copy in copies.items():  # as SIGKILL leaves them: with what closing would tidy up
        files.folder.joinpath(name).write_bytes(copy)
    assert len(copies) == 3
    assert opened() == (
        [],
        [f"Journal of an earlier version: renamed to {aside.name}; starting over"],
    )
    assert {each.name for each in files.folder.iterdir()} == {
        path.name, *[f"{aside.name}{ending}" for ending in ("", "-wal", "-shm")],
    }  # fmt: skip
    with closing(sqlite3.connect(aside)) as base:
        assert base.execute("SELECT count(*) FROM answers").fetchone() == (0,)
    assert removed(files, 6.9) == []
    assert removed(files, 7.1) == [aside.name]
    assert list(files.folder.iterdir()) == []


def test_the_plan_ends_with_2_where_the_run_would(files, pairs, content):
    run = scan(content).run
    files.journal(DAY).write_bytes(
        header_frame(run) * 2 + record_frame(run.seed, bytes(16), row(0), 1_741_000_000_000)
    )
    for gateway in (GatewayId("sandbox", "1"), GatewayId("wechatpay", "0000000000")):
        with pytest.raises(
            RunError, match="is of an unfinished run of merchant 0000000000"
        ) as stop:
            count_kept_answers(files, DAY, gateway, FrameInMemory(pairs))
        assert exit_code_of(stop.value) == 2
