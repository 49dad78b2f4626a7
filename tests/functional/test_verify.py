"""``palm-report --verify``, as a third party uses it: a report, its evidence, a key."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, date, datetime

import pandas as pd
import pytest

from jobs.evidence.folder import EvidenceDay
from jobs.evidence.options import EvidenceScope
from jobs.evidence.outcomes import Outcome
from jobs.evidence.read import EvidenceFiles
from jobs.evidence.verify.check import check_report
from jobs.evidence.verify.rows import Period
from jobs.evidence.verify.trust import Trust, read_trust
from jobs.evidence.write import EvidenceRun, EvidenceWriter
from jobs.report.parquet import read_parquet, write_parquet
from palm import Pair, Palm
from tests.evidence import SignedNight, body_of, collected, signed, write_evidence
from tests.parted import write_parts
from tests.unit.jobs.conftest import _report_of

DAYS = date(2025, 3, 3), date(2025, 3, 4)
HEARD = {
    f"{1001 + number % 2}/o{number:02}": ("ON", "OFF", "NONE", "ON", "UNKNOWN")[number % 5]
    for number in range(15)
}
NOW = HEARD | {"1001/o00": "OFF", "1002/o01": "ON"}


@pytest.fixture
def key(folder, keys):
    """The path of WeChat Pay's public key."""
    path = folder / "pub_key.pem"
    path.write_text(keys.public_key_pem())
    return path


@pytest.fixture
def first(folder, keys):
    return SignedNight(_report_of(HEARD, DAYS[0]), keys)


@pytest.fixture
def second(folder, first, keys):
    """Return a function that writes both nights, and then returns the second one's path."""

    def second(**options):
        before = first.write(folder, **options)
        report = _report_of(NOW, DAYS[1], baseline=first.report, baseline_file=before)
        return SignedNight(report, keys).write(folder, **options)

    return second


def outcomes(printed: str) -> dict[str, int]:
    """Return the counts in the table that was printed."""
    rows = (line.split() for line in printed.splitlines())
    return {
        row[0]: int(row[1])
        for row in rows
        if len(row) > 2 and row[0].isupper() and row[1].isdigit()
    }


def test_every_state_is_backed(show, first, key, folder):
    ended = show(first.write(folder), "--verify", "--key", key)
    assert ended.code == 0
    assert ended.out.startswith(
        "2025-03-03: 12 of 12 states are backed by WeChat Pay's signature.\n"
    )
    assert outcomes(ended.out) == {"BACKED": 12}


def test_a_days_folder_and_a_folder_of_evidence_may_be_named(show, first, key, folder):
    first.write(folder)
    shutil.move(folder / "evidence", folder / "proofs")
    day = folder / "reports/run_date=2025-03-03"
    assert show(day, "--verify", "--key", key, "--evidence", folder / "proofs").code == 0
    ended = show(day, "--verify", "--key", key)
    assert ended.code == 65
    assert "has no evidence: there is no manifest.json; name the folder that" in ended.err


def test_without_a_key_it_says_what_to_compare_and_proves_nothing(show, first, key, folder):
    ended = show(first.write(folder), "--verify")
    assert ended.code == 3
    (line,) = [line for line in " ".join(ended.out.split()).split(". ") if "Consistent" in line]
    fingerprint = line.partition("sha256:")[2][:64]
    der = ["openssl", "pkey", "-pubin", "-in", str(key), "-outform", "DER"]
    content = subprocess.run(der, check=True, capture_output=True).stdout
    own = subprocess.run(["sha256sum"], input=content, check=True, capture_output=True).stdout
    assert own.decode().split()[0] == fingerprint
    path = folder / "reports/run_date=2025-03-03/report.parquet"
    assert show(path, "--verify", "--fingerprint", fingerprint).code == 0


def test_another_key_is_77(show, first, folder, keys):
    other = folder / "other.pem"
    other.write_text(keys.rotate().platform[-1].certificate_pem)
    ended = show(first.write(folder), "--verify", "--certificate", other)
    assert (ended.code, outcomes(ended.out)) == (77, {"UNKNOWN_KEY": 12})


def test_what_is_missing_is_3_and_listed(show, first, folder, key):
    first.kept.pop(Pair("o00", "1001"))
    ended = show(first.write(folder), "--verify", "--key", key)
    assert (ended.code, outcomes(ended.out)) == (3, {"MISSING": 1, "BACKED": 11})
    assert ["1001", "o00", "MISSING"] in [line.split() for line in ended.out.splitlines()]


def test_what_is_forged_is_5_whatever_else_holds(show, first, folder, key, keys):
    first.kept.pop(Pair("o00", "1001"))
    row = first.rows()[1]
    altered = signed(keys, body_of(row), row["answered_at"])
    first.kept[Pair("o01", "1002")] = type(altered)(
        altered.timestamp, altered.nonce, altered.body + b" ", altered.signature, altered.key_id
    )
    ended = show(first.write(folder), "--verify", "--key", key)
    assert ended.code == 5
    assert outcomes(ended.out) == {"MISSING": 1, "FORGED": 1, "BACKED": 10}


def test_a_report_that_was_written_anew_is_5(show, first, folder, key):
    """By whoever edits a state, and then computes all counts and checksums again."""
    path = first.write(folder)
    edited = _report_of(HEARD | {"1002/o01": "ON"}, DAYS[0])
    write_parquet(edited, path)
    ended = show(path, "--verify", "--key", key)
    assert (ended.code, outcomes(ended.out)) == (5, {"CONTRADICTED": 1, "BACKED": 11})
    assert "report.parquet is not the report that the manifest names" in ended.out


def test_a_filtered_report_is_verified_but_is_not_the_published_file(show, first, folder, key):
    path = first.write(folder)
    some = folder / "some.parquet"
    assert show(path, "--organization", "1001", "-o", some).code == 0
    ended = show(some, "--verify", "--key", key, "--evidence", folder / "evidence")
    assert ended.code == 3
    assert "not the published file: some.parquet was filtered or converted" in ended.out
    states = sum(row["organization_id"] == "1001" for row in first.rows())
    assert outcomes(ended.out) == {"BACKED": states}
    assert f"{12 - states} answers in the evidence belong to no state here" in ended.out


def test_a_report_in_parts_is_verified(show, first, folder, key):
    day = folder / "reports/run_date=2025-03-03"
    write_parts(first.report, day, 4)
    read = read_parquet(day)
    paths = sorted(day.iterdir())
    write_evidence(folder / "evidence", read, paths, first.kept, first.keys)
    person = ["--openid", "o01", "--organization-id", "1002"]
    for more in ([], ["--baseline", day], person):
        ended = show(day, "--verify", "--key", key, *more)
        assert outcomes(ended.out) == {"BACKED": 1 if more == person else 12}
        assert ended.code == (5 if "--baseline" in more else 0)
    paths[1].write_bytes(paths[1].read_bytes() + b"x")
    assert show(day, "--verify", "--key", key).code in {5, 65}


def test_only_changes_say_what_is_not_found(show, second, key):
    ended = show(second(scope=EvidenceScope.CHANGES), "--verify", "--key", key)
    assert (ended.code, outcomes(ended.out)) == (0, {"NOT_KEPT": 10, "BACKED": 2})
    assert "edited into UNCHANGED is not found" in " ".join(ended.out.split())


def test_the_night_before_is_verified_as_well(show, second, first, folder, key):
    path = second()
    before = folder / "reports/run_date=2025-03-03"
    ended = show(path, "--verify", "--key", key, "--baseline", before, "--chain")
    assert ended.code == 0
    assert "2025-03-04: 12 of 12" in ended.out
    assert "2025-03-03: 12 of 12" in ended.out
    assert "Chain: 2 nights hold together." in ended.out
    other = SignedNight(
        _report_of(HEARD | {"1001/o00": "NONE"}, DAYS[0], run_id="20250303T090000Z-0000000f"),
        first.keys,
    ).write(folder)
    ended = show(path, "--verify", "--key", key, "--baseline", other)
    assert ended.code == 5
    assert "report.parquet is not the report that this one was compared with" in ended.out
    assert "a previous_state is not the known_state in report.parquet" in ended.out


def test_a_broken_chain_is_5(show, second, folder, key):
    path = second()
    manifest = folder / "evidence/run_date=2025-03-03/manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b"BACKED", b"MISSED"))
    assert show(path, "--verify", "--key", key).code == 0
    ended = show(path, "--verify", "--key", key, "--chain")
    assert ended.code == 5
    assert "Chain broken at" in ended.out


def test_chinese(show, second, key):
    ended = show(second(), "--verify", "--key", key, "--chain", "--lang", "zh")
    assert ended.code == 0
    assert "2025-03-04：12 个状态中 12 个有微信支付的签名为证。" in ended.out
    assert "链：2 晚相互衔接。" in ended.out


# --- one person


def test_openssl_agrees_with_one_persons_proof(show, first, folder, key):
    path, proof = first.write(folder), folder / "proof.json"
    person = ["--openid", "o01", "--organization-id", "1002"]
    ended = show(path, "--verify", "--key", key, *person, "-o", proof)
    assert (ended.code, outcomes(ended.out)) == (0, {"BACKED": 1})
    found = json.loads(proof.read_text())
    assert (found["openid"], found["organization_id"], found["state"]) == ("o01", "1002", "OFF")
    assert found["algorithm"] == "RSASSA-PKCS1-v1_5 with SHA-256"
    (folder / "message").write_text(
        "".join(f"{found[name]}\n" for name in ("timestamp", "nonce", "body"))
    )
    (folder / "signature.txt").write_text(found["signature"])
    script = (
        "openssl base64 -d -A -in signature.txt -out signature\n"
        "openssl dgst -sha256 -verify pub_key.pem -signature signature message\n"
    )
    done = subprocess.run(["sh", "-ec", script], cwd=folder, check=True, capture_output=True)
    assert done.stdout == b"Verified OK\n"
    assert found["public_key"] == key.read_text()
    (folder / "message").write_text(found["body"])
    assert subprocess.run(
        ["sh", "-ec", script], cwd=folder, check=False, capture_output=True
    ).returncode == 1  # fmt: skip


def test_a_proof_can_be_printed(show, first, folder, key):
    person = ["--openid", "o01", "--organization-id", "1002", "-o", "-", "--format", "json"]
    ended = show(first.write(folder), "--verify", "--key", key, *person)
    assert ended.code == 0
    assert json.loads(ended.out)["openid"] == "o01"


def test_a_person_without_evidence_has_no_proof(show, first, folder, key):
    first.kept.pop(Pair("o00", "1001"))
    path = first.write(folder)
    person = ["--openid", "o00", "--organization-id", "1001"]
    assert show(path, "--verify", "--key", key, *person).code == 3
    ended = show(path, "--verify", "--key", key, *person, "-o", folder / "proof.json")
    assert (ended.code, (folder / "proof.json").exists()) == (65, False)
    assert ended.only_line == "palm-report: there is no evidence of this person's state"
    ended = show(path, "--verify", "--openid", "oNobody", "--organization-id", "1001")
    assert ended.code == 2
    assert "oNobody" not in ended.err


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--key", "k.pem"], "--key is for --verify"),
        (["--chain"], "--chain is for --verify"),
        (["--openid", "o1"], "--openid is for --verify"),
        (["--verify", "--redact"], "--redact and --verify contradict each other"),
        (["--verify", "--changes"], "--changes and --verify contradict each other"),
        (["--verify", "--organization", "1"], "--organization and --verify contradict each other"),
        (["--verify", "--openid", "o1"], "--openid and --organization-id belong together"),
        (["--verify", "-o", "x.json"], "--verify writes one person's proof: name --openid and"),
        (["--verify", "--fingerprint", "1"], "--fingerprint must be a sha256: 64 hexadecimal"),
        (
            ["--verify", "--openid", "o01", "--organization-id", "1002", "-o", "x.csv"],
            "a proof is JSON: -o proof.json",
        ),
    ],
)
def test_options_that_do_not_go_together_are_refused(show, first, folder, arguments, text):
    ended = show(first.write(folder), *arguments)
    assert ended.code == 2
    assert text in ended.only_line


def test_two_reports_or_a_folder_are_not_verified(show, second, folder):
    path = second()
    for named in ([path, path], [folder / "reports"]):
        ended = show(*named, "--verify")
        assert ended.code == 2
        assert "--verify checks one report; name it" in ended.only_line


def test_evidence_of_another_run_is_refused(show, first, folder, key):
    first.write(folder)
    later = _report_of(HEARD, DAYS[0], run_id="20250303T090000Z-0000000f")
    path = SignedNight(later, first.keys).write(folder, name="later")
    first.write(folder)
    ended = show(path, "--verify", "--key", key, "--evidence", folder / "evidence")
    assert ended.code == 2
    assert "is the evidence of run 20250303T020000Z-0000000f, and" in ended.only_line


def test_pandas_reads_the_evidence(first, folder):
    first.write(folder)
    found = pd.read_parquet(folder / "evidence/run_date=2025-03-03/part-00000.parquet")
    assert found["openid"].tolist() == [row["openid"] for row in first.rows()]


def test_what_a_client_was_answered_is_evidence(palm_sandbox, folder, key):
    """From the sandbox's answers over HTTP to a check that finds each of them backed."""
    pairs = [Pair(f"o{number:027}", ("0042", "1001")[number % 2]) for number in range(60)]
    started = datetime.now(UTC)
    answers, kept = {}, {}
    with Palm(**palm_sandbox.options) as palm:
        for pair, answer in palm.authorizations.get_many(pairs, keep_signed=True):
            kept[pair] = answer.signed
            answers[pair] = answer
    report = _report_of(
        {f"{pair.organization_id}/{pair.openid}": answers[pair].state.name for pair in pairs},
        started.date(),
    )
    rows = report.rows
    rows["authorize_time"] = pd.Series(
        [answers[pair].authorize_time for pair in pairs], dtype=rows["authorize_time"].dtype
    )
    rows["answered_at"] = pd.Series([datetime.now(UTC)] * 60, dtype=rows["answered_at"].dtype)
    run = EvidenceRun(
        run_id=report.run_id,
        run_date=report.run_date,
        gateway=report.gateway,
        scope=EvidenceScope.ALL,
        first_started=started,
    )
    day = EvidenceDay.of(folder / "evidence", report.run_date)
    with EvidenceWriter(day, run) as writer:
        writer.write(rows, collected(lambda: palm_sandbox.options["keys"], kept))
        writer.finish()
        writer.publish([], None)
    own = read_trust([key], [], [])
    for trust, outcome in ((own, Outcome.BACKED), (Trust({"0" * 64: None}), Outcome.UNKNOWN_KEY)):
        with EvidenceFiles(day.parts()) as files:
            found = check_report(
                [rows], files, run.scope,
                trust=trust, period=Period.of(started, datetime.now(UTC)), processes=1,
            )  # fmt: skip
        assert found.counts == {outcome: 60}
