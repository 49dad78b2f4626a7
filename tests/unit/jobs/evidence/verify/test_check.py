"""Each state of a report has the outcome that it should have, whoever altered what."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from random import Random

import pandas as pd
import pytest

from jobs.evidence.folder import EvidenceDay
from jobs.evidence.keys import fingerprint_of
from jobs.evidence.options import EvidenceScope
from jobs.evidence.outcomes import Outcome
from jobs.evidence.read import EvidenceFiles
from jobs.evidence.verify import worker
from jobs.evidence.verify.check import check_report
from jobs.evidence.verify.rows import Period
from jobs.evidence.verify.trust import Trust
from palm import Pair
from tests.evidence import SignedNight, body_of, signed


def checked(night, folder, *, rows=None, scope=EvidenceScope.ALL, trust=None, processes=1, chunk=4):
    """Check the rows of a night, in small chunks, against the evidence in a folder."""
    day = EvidenceDay.of(folder / "evidence", night.report.run_date)
    rows = night.report.rows if rows is None else rows
    run = night.report.run
    with EvidenceFiles(day.parts()) as files:
        return check_report(
            [rows.iloc[at : at + chunk] for at in range(0, len(rows), chunk)],
            files,
            scope,
            trust=trust or Trust(),
            period=Period.of(run.started, run.finished),
            processes=processes,
        )


def named(found) -> dict[str, str]:
    """Return the outcome of each person that is not backed."""
    return {each.pair.openid: each.outcome.value for each in found.listed()}


@pytest.fixture
def outcomes(night, tmp_path):
    """Write the night as it stands now; return the outcomes of those that are not backed."""

    def outcomes(**options) -> dict[str, str]:
        night.write(tmp_path)
        return named(checked(night, tmp_path, **options))

    return outcomes


def test_every_state_is_backed(night, tmp_path):
    night.write(tmp_path)
    found = checked(night, tmp_path)
    assert (found.counts, found.unused, found.states) == ({Outcome.BACKED: 12}, 0, 12)
    assert found.exit_codes == {0}


def test_a_state_without_evidence_is_missing(night, outcomes):
    night.kept.pop(Pair("o05", "1002"))
    assert outcomes() == {"o05": "MISSING"}


def test_exchanged_proofs_are_both_other(night, outcomes):
    one, two = Pair("o00", "1001"), Pair("o03", "1002")
    night.kept[one], night.kept[two] = night.kept[two], night.kept[one]
    assert outcomes() == {"o00": "OTHER", "o03": "OTHER"}


def test_a_report_that_was_edited_is_contradicted(night, tmp_path):
    night.write(tmp_path)
    rows = night.report.rows.copy()
    rows.loc[rows["openid"] == "o01", "state"] = "ON"
    rows.loc[rows["openid"] == "o02", "authorize_time"] += pd.Timedelta(days=1)
    rows.loc[rows["openid"] == "o04", "state"] = "OFF"  # it was UNKNOWN
    found = checked(night, tmp_path, rows=rows)
    assert named(found) == {"o01": "CONTRADICTED", "o02": "CONTRADICTED", "o04": "MISSING"}


def test_a_pair_that_was_edited_is_missing_and_its_evidence_unused(night, tmp_path):
    night.write(tmp_path)
    rows = night.report.rows.copy()
    rows.loc[rows["openid"] == "o01", "openid"] = "o99"
    found = checked(night, tmp_path, rows=rows)
    assert (named(found), found.unused) == ({"o99": "MISSING"}, 1)


def test_some_rows_in_another_order_are_found(night, tmp_path):
    night.write(tmp_path)
    rows = night.report.rows.sample(9, random_state=4)
    found = checked(night, tmp_path, rows=rows)
    states = int(rows["state"].isin(["ON", "OFF", "NONE"]).sum())
    assert (found.counts[Outcome.BACKED], found.unused) == (states, 12 - states)


def test_one_signature_under_several_pairs_that_it_does_not_name_is_repeated(night, outcomes, keys):
    rows = {row["openid"]: row for row in night.rows()}
    nobody = body_of(rows["o00"], openid=None, organization_id=None)
    message = signed(keys, nobody, rows["o00"]["answered_at"])
    for name in ("o00", "o03"):  # both ON, opened at the same time
        night.kept[Pair(name, rows[name]["organization_id"])] = message
    unnamed = signed(keys, body_of(rows["o05"], openid=None), rows["o05"]["answered_at"])
    night.kept[Pair("o05", "1002")] = unnamed
    assert outcomes() == {"o00": "REPEATED", "o03": "REPEATED", "o05": "UNNAMED"}


def test_a_repeated_signature_that_names_its_pair_is_other(night, outcomes):
    night.kept[Pair("o03", "1002")] = night.kept[Pair("o00", "1001")]
    assert outcomes() == {"o03": "OTHER"}


def test_keys_may_be_exchanged_in_the_middle_of_a_run(night, tmp_path, keys):
    rotated = keys.rotate()
    night.keys = rotated
    ids = [keys.public_key_id, keys.platform_serial, rotated.platform_serial]
    for number, row in enumerate(night.rows()):
        key_id = ids[number // 4]
        night.kept[Pair(row["openid"], row["organization_id"])] = signed(
            rotated, body_of(row), row["answered_at"], key_id=key_id
        )
    night.write(tmp_path)
    assert checked(night, tmp_path).counts == {Outcome.BACKED: 12}
    own = Trust({fingerprint_of(keys.platform_key.public_key()): None})
    counts = checked(night, tmp_path, trust=own).counts
    assert counts == {Outcome.BACKED: 4, Outcome.UNKNOWN_KEY: 8}


def test_a_change_that_was_made_unchanged_is_found_while_its_evidence_is_there(
    two_nights, tmp_path
):
    _, _, second, _ = two_nights(scope=EvidenceScope.CHANGES)
    scope = EvidenceScope.CHANGES
    found = checked(second, tmp_path, scope=scope)
    assert found.counts == {Outcome.BACKED: 3, Outcome.NOT_KEPT: 9}
    assert found.exit_codes == {0}
    rows = second.report.rows.copy()
    rows.loc[rows["openid"] == "o00", ["state", "change"]] = ["ON", "UNCHANGED"]
    assert named(checked(second, tmp_path, rows=rows, scope=scope)) == {"o00": "CONTRADICTED"}


@pytest.mark.slow
def test_processes_find_what_one_process_finds(night, tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "_FEW_ROWS", 0)
    night.kept.pop(Pair("o05", "1002"))
    one, two = Pair("o00", "1001"), Pair("o03", "1002")
    night.kept[one], night.kept[two] = night.kept[two], night.kept[one]
    night.write(tmp_path)
    alone = checked(night, tmp_path)
    for processes in (2, 3):
        together = checked(night, tmp_path, processes=processes)
        assert (together.counts, named(together)) == (alone.counts, named(alone))


KINDS = ("missing", "forged", "other", "state", "time", "stale", "unnamed", "repeated", "key")
WANTED = {
    "missing": "MISSING", "forged": "FORGED", "other": "OTHER", "state": "CONTRADICTED",
    "time": "CONTRADICTED", "stale": "STALE", "unnamed": "UNNAMED", "repeated": "REPEATED",
    "key": "UNKNOWN_KEY",
}  # fmt: skip


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "count",
    [
        pytest.param(5_000, marks=pytest.mark.slow),
        pytest.param(100_000, marks=pytest.mark.manual),
    ],
)
def test_among_many_rows_50_of_each_kind_are_found_by_their_names(  # noqa: C901 - a case each
    report_of, nights, keys, tmp_path, count
):
    """All signatures are real ones; more rows than one process checks."""
    states = ("ON", "OFF", "NONE")
    heard = {f"{1000 + n % 40}/o{n:027}": states[n % 3] for n in range(count)}
    night = SignedNight(report_of(heard, nights[0]), keys)
    rows = night.rows()
    chosen = Random(20261127).sample(range(len(rows)), 50 * len(KINDS))
    strangers = keys.rotate()
    wanted, shared = {}, None
    edited = night.report.rows.copy()
    for place, at in enumerate(chosen):
        kind, row = KINDS[place % len(KINDS)], rows[at]
        pair = Pair(row["openid"], row["organization_id"])
        wanted[pair.openid] = WANTED[kind]
        message, when = night.kept[pair], row["answered_at"]
        match kind:
            case "missing":
                night.kept.pop(pair)
            case "forged":
                night.kept[pair] = type(message)(
                    message.timestamp, message.nonce, message.body, bytes(256), message.key_id
                )
            case "other":
                other = body_of(row, openid=rows[at - 1]["openid"])
                night.kept[pair] = signed(keys, other, when)
            case "state":
                edited.loc[edited["openid"] == pair.openid, "state"] = (
                    "OFF" if row["state"] == "ON" else "ON"
                )
            case "time":
                night.kept[pair] = signed(
                    keys, body_of(row, authorize_time="2025-02-02T11:04:05+08:00"), when
                )
            case "stale":
                night.kept[pair] = signed(keys, body_of(row), when - timedelta(hours=2))
            case "unnamed":
                night.kept[pair] = signed(keys, body_of(row, openid=None), when)
            case "repeated":
                nobody = body_of(row | {"state": "ON"}, openid=None, organization_id=None)
                shared = shared or signed(keys, nobody, when)
                night.kept[pair] = shared
                edited.loc[edited["openid"] == pair.openid, "state"] = "ON"
            case "key":
                serial = strangers.platform_serial
                night.kept[pair] = signed(strangers, body_of(row), when, key_id=serial)
    night.keys = strangers
    night.write(tmp_path)
    own = Trust({fingerprint_of(keys.public_key_pair.public_key()): None})
    found = checked(night, tmp_path, rows=edited, trust=own, processes=2, chunk=131_072)
    assert named(found) == wanted
    counts = Counter(wanted.values())
    assert {each.value: n for each, n in found.counts.items() if n} == {
        "BACKED": count - len(chosen), **counts
    }  # fmt: skip
