"""``--evidence``: nights that a third party can check with WeChat Pay's public key alone."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.evidence.folder import EvidenceDay
from jobs.evidence.write import EvidenceWriter
from jobs.partitions.checked_files import SUFFIX
from jobs.report.parquet import read_parquet
from jobs.store.staging.row_files import RowFiles
from palm.sandbox import Faults
from tests import readme
from tests.night import DAY, NEXT, SCRIPTS, write_pairs
from tests.roots import root_of

EVIDENCE = ("--evidence", "evidence")
THIRD = NEXT + timedelta(days=1)


@pytest.fixture
def key(folder, keys):
    """The path of WeChat Pay's public key."""
    path = folder / "pub_key.pem"
    path.write_text(keys.public_key_pem())
    return path


@pytest.fixture
def night(reconcile, gateway):
    """Run a night with evidence into a folder of reports; return how it ended."""

    def night(*more, day=DAY, evidence=EVIDENCE, **given):
        gateway.date = day
        return reconcile(*evidence, *more, run_date=day, output="reports/", **given)

    return night


@pytest.fixture
def verify(show, key):
    """Check a night's report with the key; return the exit code and what was printed."""

    def verify(day=DAY, *more):
        ended = show(f"reports/run_date={day}", "--verify", "--key", key, *more)
        return ended.code, ended.out

    return verify


def manifest(day: date) -> dict:
    """Return the predicate of a night's manifest."""
    path = EvidenceDay.of(Path("evidence"), day).manifest
    return json.loads(path.read_bytes())["predicate"]


def backed(day: date = DAY) -> tuple[int, int]:
    """Return what the report says of its evidence: backed, of how many states."""
    evidence = _report(day).metadata.evidence
    return evidence.backed, evidence.states


def _report(day: date):
    folder = Path(f"reports/run_date={day}")
    single = folder / "report.parquet"
    return read_parquet(single if single.exists() else folder)


def test_three_nights_with_a_rerun_are_backed_and_hold_together(night, verify, folder):
    for day in (DAY, NEXT, NEXT, THIRD):
        ended = night(day=day)
        assert ended.code == 0
        assert "Evidence: 30 of 30 states backed." in ended.err
    code, printed = verify(THIRD, "--chain")
    assert code == 0
    assert f"{THIRD}: 30 of 30 states are backed by WeChat Pay's signature." in printed
    assert "Chain: 3 nights hold together." in printed
    (replaced,) = EvidenceDay.of(Path("evidence"), NEXT).path.glob("manifest.*.json")
    own = subprocess.run(["sha256sum", replaced], check=True, capture_output=True, text=True)
    assert manifest(NEXT)["replaces"] == own.stdout.split()[0]
    assert json.loads(replaced.read_bytes())["predicate"]["run_id"] in replaced.name
    assert {path.stat().st_mode & 0o777 for path in folder.glob("evidence/*/*")} == {0o640}


def test_nothing_is_kept_without_the_option(night, folder, monkeypatch):
    ended = night(evidence=())
    assert ended.code == 0
    assert "Evidence" not in ended.err
    assert _report(DAY).metadata.evidence is None
    assert not list(folder.rglob("*manifest*"))
    assert not list(folder.rglob(f"*{SUFFIX}"))


@pytest.mark.slow
@pytest.mark.parametrize("output", ["reports/", pytest.param("p.parquet", marks=pytest.mark.slow)])
@pytest.mark.parametrize("partitions", [pytest.param("1", marks=pytest.mark.slow), "4"])
def test_a_run_in_parts_is_backed(reconcile, show, key, output, partitions):
    for day in (DAY, NEXT):
        ended = reconcile(
            *EVIDENCE, "--partitions", partitions, run_date=day, output=output
        )  # fmt: skip
        assert ended.code == 0, ended.err
        path = f"reports/run_date={day}" if output == "reports/" else output
        ended = show(path, "--verify", "--key", key, *EVIDENCE, "--chain")
        assert ended.code == 0, ended.out
        assert f"{day}: 30 of 30 states" in ended.out
    assert "Chain: 2 nights hold together." in ended.out
    ordered = duckdb.read_parquet("evidence/run_date=2025-03-04/*.parquet").fetchall()
    states = "SELECT organization_id, openid FROM read_parquet('{}')"
    files = f"{path}/*.parquet" if Path(path).is_dir() else path
    assert [row[:2] for row in ordered] == duckdb.sql(states.format(files)).fetchall()


def test_only_changes_are_kept(night, verify):
    assert night("--evidence-of", "changes").code == 0
    assert backed() == (30, 30)  # all pairs are new
    gateway_says = night("--evidence-of", "changes", day=NEXT)
    assert gateway_says.code == 0
    states, of_them = backed(NEXT)
    assert states == of_them < 30
    code, printed = verify(NEXT)
    assert code == 0
    assert "NOT_KEPT" in printed


def killed(folder: Path, config: Path, *arguments: str, after: int) -> None:
    """Run a night, and kill it once its journals have so many bytes."""
    command = [
        SCRIPTS / "palm-reconcile", "many.csv", "-o", "reports/", "--run-date", str(DAY),
        "--config", str(config), "--rate", "60", "--concurrency", "2", *arguments,
    ]  # fmt: skip
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        until = time.monotonic() + 60
        while sum(path.stat().st_size for path in folder.rglob("*.journal")) < after:
            assert process.poll() is None, "it ended by itself"
            assert time.monotonic() < until
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.parametrize("partitions", [pytest.param("1", marks=pytest.mark.slow), "4"])
def test_a_killed_run_that_goes_on_is_backed(night, verify, folder, config, gateway, partitions):
    source = write_pairs(folder / "many.csv", 150)
    killed(folder, config, *EVIDENCE, "--partitions", partitions, after=16_000)
    before = sum(gateway.stats.asked.values())
    ended = night("--partitions", partitions, source=source)
    assert ended.code == 0
    assert "Resuming: " in ended.err
    assert sum(gateway.stats.asked.values()) < before + 150
    report = _report(DAY)
    assert report.asking.resumed > 10
    assert report.metadata.evidence.first_started < report.run.started
    assert manifest(DAY)["first_started"] == report.metadata.evidence.first_started.isoformat(
        timespec="milliseconds"
    )
    code, printed = verify()
    assert (code, "150 of 150 states are backed" in printed) == (0, True), printed
    assert not list(folder.rglob(f"*{SUFFIX}"))


@pytest.mark.slow
def test_answers_that_were_kept_without_evidence_are_asked_again(night, verify, folder, config):
    source = write_pairs(folder / "many.csv", 150)
    killed(folder, config, after=2_000)
    ended = night(source=source)
    assert ended.code == 0
    assert "of the unfinished run were kept without --evidence; asking again" in ended.err
    assert _report(DAY).asking.resumed == 0
    assert verify()[0] == 0


@pytest.mark.slow
def test_a_journal_with_evidence_is_resumed_without_it(night, folder, config):
    source = write_pairs(folder / "many.csv", 150)
    killed(folder, config, *EVIDENCE, after=16_000)
    ended = night(source=source, evidence=())
    assert ended.code == 0
    assert _report(DAY).asking.resumed > 10
    assert not list(folder.glob("evidence/*"))


@pytest.mark.slow
def test_a_key_that_is_gone_when_the_run_goes_on_is_in_the_journal(
    night, show, key, folder, config, gateway, keys
):
    """The first part of the run was signed by a certificate, the rest by the public key."""
    source = write_pairs(folder / "many.csv", 150)
    gateway.mode = "certificate"
    keys.write(folder / "keys", gateway.base_url, mode="grey")
    killed(folder, config, *EVIDENCE, after=16_000)
    gateway.mode = "public_key"
    keys.write(folder / "keys", gateway.base_url)
    assert night(source=source).code == 0
    assert set(manifest(DAY)["keys"]) == {keys.platform_serial, keys.public_key_id}
    report, certificate = f"reports/run_date={DAY}", folder / "certificate.pem"
    certificate.write_text(keys.platform[-1].certificate_pem)
    assert show(report, "--verify", "--key", key).code == 77
    ended = show(report, "--verify", "--key", key, "--certificate", certificate)
    assert (ended.code, "150 of 150 states are backed" in ended.out) == (0, True)


@pytest.mark.slow
def test_a_key_that_is_exchanged_during_a_run(night, show, key, folder, config, gateway, keys):
    source = write_pairs(folder / "many.csv", 300)
    gateway.mode = "certificate"
    keys.write(folder / "keys", gateway.base_url, mode="grey")

    def exchange() -> None:
        while sum(gateway.stats.asked.values()) < 100:
            time.sleep(0.001)
        gateway.mode = "public_key"

    thread = threading.Thread(target=exchange)
    thread.start()
    assert night("--rate", "150", source=source).code == 0
    thread.join()
    assert set(manifest(DAY)["keys"]) == {keys.platform_serial, keys.public_key_id}
    certificate = folder / "certificate.pem"
    certificate.write_text(keys.platform[-1].certificate_pem)
    given = ["--key", key, "--certificate", certificate]
    assert show(f"reports/run_date={DAY}", "--verify", *given).code == 0


def test_certificates_are_kept_and_a_root_proves_them(night, show, folder, config, gateway, keys):
    gateway.mode = "certificate"
    keys.write(folder / "keys", gateway.base_url, mode="certificate")
    assert night().code == 0
    report, root, other = f"reports/run_date={DAY}", folder / "root.pem", folder / "other.pem"
    root.write_bytes(root_of(keys, keys.authority.key))
    other.write_bytes(root_of(keys, keys.merchant_key))
    ended = show(report, "--verify", "--root", root)
    assert (ended.code, "30 of 30 states are backed" in ended.out) == (0, True)
    assert "was issued under your root certificate" in " ".join(ended.out.split())
    ended = show(report, "--verify", "--root", other)
    assert (ended.code, "0 of 30 states are backed" in ended.out) == (77, True)
    assert "no platform certificate under your root" in " ".join(ended.out.split())

    person = read_parquet(Path(report, "report.parquet")).rows.iloc[0]
    ids = ["--openid", person["openid"], "--organization-id", person["organization_id"]]
    assert show(report, "--verify", "--root", root, *ids, "-o", folder / "proof.json").code == 0
    script = ["sh", "-ec", commands("jq -r") + commands("jq -j")]
    done = subprocess.run(script, cwd=folder, check=True, capture_output=True, text=True)
    ok, subject, verified = done.stdout.splitlines()
    assert (ok, verified) == ("certificate.pem: OK", "Verified OK")
    assert "Palm Sandbox sign" in subject
    root.write_bytes(other.read_bytes())
    assert subprocess.run(script, cwd=folder, check=False, capture_output=True).returncode == 2


def test_a_public_key_has_no_root(night, show, folder, keys):
    assert night().code == 0
    root = folder / "root.pem"
    root.write_bytes(root_of(keys, keys.authority.key))
    ended = show(f"reports/run_date={DAY}", "--verify", "--root", root)
    assert (ended.code, "0 of 30 states are backed" in ended.out) == (77, True)
    assert "no platform certificate under your root" in " ".join(ended.out.split())


@pytest.mark.parametrize("partitions", ["1", pytest.param("4", marks=pytest.mark.slow)])
def test_a_corrected_run_takes_over_the_evidence(night, verify, gateway, partitions):
    gateway.faults = Faults.parse("nostate=0.35")
    night("--partitions", partitions)
    gateway.faults = Faults()
    earlier, count = manifest(DAY), backed()
    gateway.stats.asked.clear()
    assert night("--partitions", partitions, "--retry-unanswered").code == 0
    assert sum(gateway.stats.asked.values()) < 30
    assert (count[0] == count[1] < 30, backed()) == (True, (30, 30))
    assert verify()[0] == 0
    assert manifest(DAY)["first_started"] == earlier["first_started"]
    assert manifest(DAY)["run_id"] != earlier["run_id"]


def test_a_corrected_run_without_the_earlier_evidence_says_so(night, verify):
    assert night().code == 0
    shutil.rmtree("evidence")
    ended = night("--retry-unanswered")
    assert "have no evidence: evidence has none of its run" in ended.err
    code, printed = verify()
    assert code == 3
    assert "MISSING" in printed


@pytest.mark.slow
@pytest.mark.parametrize("partitions", ["1", "4"])
def test_a_disk_that_is_full_while_evidence_is_collected_loses_no_answer(
    night, verify, gateway, monkeypatch, partitions
):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(RowFiles, "append", full)
        ended = night("--partitions", partitions)
    assert ended.code == 73
    assert "work: no answer is lost. Free space" in ended.err
    assert not Path(f"reports/run_date={DAY}").exists()
    asked = sum(gateway.stats.asked.values())
    assert night("--partitions", partitions).code == 0
    assert sum(gateway.stats.asked.values()) == asked, "the answers and their evidence were kept"
    assert verify()[0] == 0


def test_one_altered_byte_is_found(night, verify):
    assert night().code == 0
    path = Path(f"evidence/run_date={DAY}/part-00000.parquet")
    table = pq.read_table(path)
    bodies = table["body"].to_pylist()
    bodies[7] = bodies[7].replace(b"1", b"2", 1)
    at = table.schema.get_field_index("body")
    altered = table.set_column(at, table.schema.field(at), pa.array(bodies, pa.binary()))
    pq.write_table(altered.replace_schema_metadata(table.schema.metadata), path)
    code, printed = verify()
    assert code == 5
    assert "FORGED" in printed


def commands(first: str) -> str:
    """Return the block of commands on the page whose first line begins so."""
    blocks = readme.section(readme.JOBS, "### Evidence").split("```sh\n")[1:]
    (found,) = [block.partition("```")[0] for block in blocks if block.startswith(first)]
    return found


def test_one_person_is_proved_by_the_lines_that_the_page_shows(night, show, key, folder):
    assert night().code == 0
    person = ["--openid", f"o{3:027}", "--organization-id", "0042", "-o", "proof.json"]
    assert show(f"reports/run_date={DAY}", "--verify", "--key", key, *person).code == 0
    script = ["sh", "-ec", commands("jq -j")]
    done = subprocess.run(script, cwd=folder, check=True, capture_output=True)
    assert done.stdout == b"Verified OK\n"
    shown = Path("message").read_text().splitlines()[2]
    assert json.loads(shown)["openid"] == f"o{3:027}"
    proof = Path("proof.json")
    proof.write_text(proof.read_text().replace(f"o{3:027}", f"o{4:027}"))
    assert subprocess.run(script, cwd=folder, check=False, capture_output=True).returncode == 1


def test_a_manifest_is_what_a_time_stamp_is_asked_for(night, folder):
    """The first line of the recipe; the others need an authority."""
    assert night().code == 0
    day = folder / f"evidence/run_date={DAY}"
    line = commands("openssl ts").splitlines()[0]
    subprocess.run(["sh", "-ec", line], cwd=day, check=True, capture_output=True)
    shown = ["openssl", "ts", "-query", "-in", day / "manifest.tsq", "-text"]
    text = subprocess.run(shown, check=True, capture_output=True, text=True).stdout
    assert "Hash Algorithm: sha256" in text


def test_old_evidence_is_removed(night):
    for day in (DAY, NEXT, THIRD):
        assert night("--keep-evidence", "1", day=day).code == 0
    assert sorted(path.name for path in Path("evidence").iterdir()) == [
        f"run_date={NEXT}", f"run_date={THIRD}",
    ]  # fmt: skip
    assert len(list(Path("reports").glob("run_date=*"))) == 3


def test_plan_names_the_old_evidence_and_writes_nothing(night, folder):
    for day in (DAY, NEXT):
        assert night(day=day).code == 0
    before = sorted(path for path in folder.rglob("*"))
    ended = night("--keep-evidence", "1", "--plan", day=THIRD)
    assert ended.code == 0
    assert f"removes     evidence/run_date={DAY}" in ended.out
    assert f"evidence/run_date={NEXT}" not in ended.out
    assert sorted(path for path in folder.rglob("*")) == before
    refused = night("--plan", evidence=["--evidence", "reports/evidence"], day=THIRD)
    assert (refused.code, "is in the folder of the reports" in refused.only_line) == (2, True)


class KilledError(BaseException):
    """In place of SIGKILL."""


@pytest.mark.parametrize("partitions", ["1", pytest.param("4", marks=pytest.mark.slow)])
def test_a_run_killed_between_report_and_evidence_is_made_good_by_the_same_command(
    night, verify, gateway, monkeypatch, partitions
):
    """The report stands, its evidence does not: the answers are still in the journal."""

    def killed(*_arguments: object, **_options: object) -> None:
        raise KilledError

    with monkeypatch.context() as patched, pytest.raises(KilledError):
        patched.setattr(EvidenceWriter, "publish", killed)
        night("--partitions", partitions)
    assert _report(DAY).metadata.evidence is not None
    assert verify()[0] == 65
    asked = sum(gateway.stats.asked.values())
    assert night("--partitions", partitions).code == 0
    assert sum(gateway.stats.asked.values()) == asked
    assert verify()[0] == 0


def test_the_start_of_the_first_run_is_the_reports_not_the_manifests(night, verify):
    """Who edits the manifest makes no old signature pass for one of this night."""
    assert night().code == 0
    path = EvidenceDay.of(Path("evidence"), DAY).manifest
    statement = json.loads(path.read_bytes())
    first = datetime.fromisoformat(statement["predicate"]["first_started"])
    statement["predicate"]["first_started"] = (first + timedelta(hours=3)).isoformat(
        timespec="milliseconds"
    )
    path.write_text(json.dumps(statement))
    code, printed = verify()
    assert (code, "STALE" in printed) == (0, False), printed


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--keep-evidence", "3"], 2, "--keep-evidence goes with --evidence FOLDER"),
        (["--evidence", "reports"], 2, "is in the folder of the reports"),
        (["--evidence", "reports/evidence"], 2, "is in the folder of the reports"),
        (["--evidence", "a/b"], 73, "--evidence a/b cannot be written to: No such file"),
        (["--evidence", "pairs.csv"], 73, "--evidence pairs.csv cannot be written to"),
    ],
)
def test_a_folder_that_cannot_be_used_is_found_before_the_first_request(
    night, gateway, arguments, code, text
):
    ended = night(evidence=arguments)
    assert (ended.code, sum(gateway.stats.asked.values())) == (code, 0)
    assert text in ended.only_line


def test_evidence_without_a_parquet_report_is_refused(reconcile):
    ended = reconcile(*EVIDENCE, output="page.html")
    assert ended.code == 2
    assert "--evidence is of a Parquet report" in ended.only_line


def test_evidence_that_cannot_be_written_leaves_the_report_before_and_the_answers(
    night, folder, monkeypatch
):
    """The disk fills up after the check before the first request."""
    monkeypatch.setattr(pq, "write_table", _full)
    ended = night()
    assert ended.code == 73
    assert "No space left on device; the answers are kept" in ended.err
    assert not list(folder.glob("reports/run_date=*"))
    monkeypatch.undo()


def _full(*_arguments: object, **_options: object) -> None:
    raise OSError(28, "No space left on device")
