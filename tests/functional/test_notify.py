"""A message arrives about every way in which a run ends, and never changes how it ends."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

import jobs.observe.notify.delivery
import jobs.observe.notify.target
from jobs.errors import BusyError
from jobs.report.parquet import read_parquet
from palm.sandbox import Faults
from tests.night import DAY, NEXT, SCRIPTS, write_pairs
from tests.receivers import receiver, silent_address

__all__ = ["receiver", "silent_address"]

TOKEN = "token-0c1a8e5b77"  # noqa: S105 - of the fixture's address
BAD = [",0042,x"] * 4


@pytest.fixture
def notify(receiver, monkeypatch, folder):
    """Set ``PALM_NOTIFY`` to the receiver; return what arrived there."""
    monkeypatch.setenv("PALM_NOTIFY", receiver.url)
    return receiver.received


@pytest.fixture
def hurried(monkeypatch):
    """Give messages up after 3 s."""
    monkeypatch.setitem(
        jobs.observe.notify.delivery.Delivery.__init__.__kwdefaults__, "patience_s", 3.0
    )


@pytest.mark.slow
def test_a_night_that_needs_attention_is_told_with_the_command_that_helps(
    reconcile, notify, source
):
    write_pairs(source, 6, *BAD)
    ended = reconcile("--name", "people", "--fail-on", "on>=0")
    assert ended.code == 3
    (got,) = notify
    assert got["type"] == "failure"
    assert got["title"] == (
        "palm-reconcile people 2025-03-03: incomplete: too many pairs have no answer (exit 3)"
    )
    lines = got["message"].splitlines()
    assert lines[0].startswith("2025-03-03: of 6 pairs ")
    assert lines[1].startswith("Reason: 4 input lines are invalid")
    assert lines[2].startswith("Reason: on ")
    assert any(
        line.startswith(f"Report: {Path('report.parquet').absolute()} on ") for line in lines
    )
    assert ended.err.count("not sent") == 0


def test_pairs_without_an_answer_come_with_the_command_that_asks_again(reconcile, notify, gateway):
    gateway.faults = Faults(nostate=0.5)
    ended = reconcile("--max-unknown", "0.001")
    assert ended.code == 3
    (command,) = [line for line in ended.err.splitlines() if "Run: palm-reconcile" in line]
    last = notify[0]["message"].splitlines()[-1]
    assert last.startswith("Run: palm-reconcile ")
    assert "--retry-unanswered" in last
    assert last in command


@pytest.mark.slow
@pytest.mark.parametrize(("on", "sent"), [("problem", 0), ("change", 1), ("always", 1)])
def test_a_first_night_without_a_problem(reconcile, notify, on, sent):
    assert reconcile("--notify-on", on).code == 0
    assert len(notify) == sent
    assert reconcile("--notify-on", on, run_date=NEXT).code == 0
    assert len(notify) == {"problem": 0, "change": 1 if not _changed() else 2, "always": 2}[on]


def _changed():
    changes = read_parquet(Path("report.parquet")).summary.changes
    return any(count for change, count in changes.items() if change not in {"UNCHANGED", "UNKNOWN"})


@pytest.mark.parametrize(
    "option", [["--rate", "x"], ["--no-such-option"], ["--config", "none.toml"],
               ["--deadline", "99:99"], ["--lang", "zh", "--rate"]],
)  # fmt: skip
def test_bad_options_are_told(call, source, notify, option):
    ended = call(source, "-o", "r.parquet", "--sandbox", *option)
    assert ended.code == 2
    (got,) = notify
    assert "2" in got["title"]
    assert got["title"].startswith("palm-reconcile r")


def test_a_wrong_file_of_settings_is_told(call, source, notify):
    Path("palm.toml").write_text("[reconcile]\nraet = 5\n")
    assert call(source, "-o", "r.parquet", "--sandbox").code == 2
    assert "unknown option 'raet'" in notify[0]["message"]


def test_a_lock_that_is_held_is_told(reconcile, notify, monkeypatch):
    def busy(*_, **__):
        raise BusyError("another run is at it")

    monkeypatch.setattr("jobs.run.pipeline.one_at_a_time", busy)
    assert reconcile().code == 75
    assert notify[0]["title"].endswith("not possible now; may succeed later (exit 75)")
    assert notify[0]["message"].splitlines()[-1].startswith("Run: palm-reconcile ")


def test_a_defect_is_told_by_its_place_alone(reconcile, notify, monkeypatch):
    def broken(*_, **__):
        raise ValueError("openid o0000")

    monkeypatch.setattr("jobs.run.pipeline.publish", broken)
    assert reconcile().code == 1
    assert notify[0]["title"].endswith("internal error (exit 1)")
    assert "ValueError in test_notify.py" in notify[0]["message"]
    assert "o0000" not in notify[0]["message"]


def test_a_defect_in_the_message_itself_changes_nothing(reconcile, notify, monkeypatch):
    monkeypatch.setattr("jobs.observe.notify.messenger.compose", lambda *_: 1 / 0)
    ended = reconcile("--notify-on", "always", "-q")
    assert (ended.code, notify) == (0, [])
    assert "no message: ZeroDivisionError in test_notify.py" in ended.err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 143), pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow)],
)
def test_an_interrupted_night_is_told(folder, source, notify, number, code):
    write_pairs(source, 2000)
    command = [SCRIPTS / "palm-reconcile", source, "-o", "r.parquet", "--sandbox", "--rate", "50"]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        _wait_for_answers(folder)
        process.send_signal(number)
        _, said = process.communicate(timeout=40)
    assert process.returncode == code
    (got,) = notify
    assert got["title"].endswith(f"interrupted (exit {code})")
    assert "are kept in the journal" in got["message"]
    assert got["message"].splitlines()[-1].startswith("Run: palm-reconcile ")
    assert TOKEN.encode() not in said


def _wait_for_answers(folder):
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if any(path.stat().st_size > 3000 for path in folder.glob(".*.journal")):
            return
        time.sleep(0.05)
    raise AssertionError("the run did not begin")


@pytest.mark.slow
def test_a_second_signal_ends_the_wait_for_a_service_that_never_answers(
    folder, source, silent_address, monkeypatch
):
    monkeypatch.setenv("PALM_NOTIFY", f"json://{silent_address}/{TOKEN}?rto=600")
    command = [SCRIPTS / "palm-reconcile", source, "-o", "r.parquet", "--sandbox", "--notify-on",
               "always", "--run-date", str(DAY)]  # fmt: skip
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        until = time.monotonic() + 30
        while not Path("r.parquet").exists() and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(1)
        began = time.monotonic()
        for _ in range(2):
            process.send_signal(signal.SIGTERM)
            time.sleep(0.2)
        process.communicate(timeout=40)
    assert time.monotonic() - began < 5
    assert process.returncode in {0, 143, -signal.SIGTERM}


@pytest.mark.slow
def test_a_service_that_never_answers_is_a_warning_after_the_time_there_is(
    reconcile, silent_address, monkeypatch, hurried
):
    monkeypatch.setenv("PALM_NOTIFY", f"json://{silent_address}/{TOKEN}?rto=600")
    began = time.monotonic()
    ended = reconcile("--notify-on", "always", "-q")
    assert time.monotonic() - began < 12
    assert ended.code == 0
    assert "The message was not sent to JSON: no answer within 3 s" in ended.err


@pytest.mark.slow
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_part_of_the_address_is_logged(reconcile, monkeypatch, log_format):
    monkeypatch.setenv(
        "PALM_NOTIFY", f"json://user:{TOKEN}@127.0.0.1:1/{TOKEN}?+X={TOKEN} nosuch://{TOKEN}"
    )
    Path("r.log").touch()
    ended = reconcile(
        "--notify-on", "always", "-v", "--log-format", log_format, "--log-file", "r.log"
    )
    assert ended.code == 0
    assert "connection refused" in Path("r.log").read_text()
    assert "address 2 of 2" in Path("r.log").read_text()
    assert TOKEN not in ended.raw + ended.out + Path("r.log").read_text()


def test_the_attached_page_holds_no_openid_and_no_carried_value(reconcile, notify, source):
    write_pairs(source, 6, *BAD)
    assert reconcile("--notify-attach", "--lang", "zh").code == 3
    (attached,) = notify[0]["attachments"]
    page = base64.b64decode(attached["base64"])
    assert attached["filename"] == "report-2025-03-03.html"
    assert b'<html lang="zh-CN"' in page
    for line in source.read_text().splitlines()[1:7]:
        openid, _, carried = line.split(",")
        assert openid.encode() not in page
        assert carried.encode() not in page
    assert "未查全" in notify[0]["title"]


def test_a_file_is_read_and_one_that_everybody_can_read_is_not(reconcile, receiver, folder):
    path = folder / "notify.conf"
    path.write_text(f"{receiver.url}\n")
    path.chmod(0o600)
    assert reconcile("--notify", path, "--notify-on", "always").code == 0
    assert len(receiver.received) == 1
    path.chmod(0o644)
    ended = reconcile("--notify", path, "--notify-on", "always", "-q")
    assert ended.code == 0
    assert len(receiver.received) == 1
    assert f"can read {path}; run: chmod 600 {path}; no message will be sent" in ended.err


def test_without_apprise_the_run_goes_on_with_a_warning(reconcile, notify, monkeypatch):
    monkeypatch.setattr(jobs.observe.notify.target, "find_spec", lambda _: None)
    ended = reconcile("-q")
    assert (ended.code, notify) == (0, [])
    assert "pip install 'palm-reconcile[notify]'; no message will be sent" in ended.err


def test_urls_that_are_typed_are_refused_without_being_shown(reconcile):
    for given in (["--notify", f"json://h/{TOKEN}"], [f"--notify=json://h/{TOKEN}"]):
        ended = reconcile(*given)
        assert ended.code == 2
        assert "URLs go into PALM_NOTIFY" in ended.only_line
        assert TOKEN not in ended.raw


def test_palm_toml_may_hold_all_of_it(call, source, receiver):
    Path("palm.toml").write_text(
        f'[reconcile]\nnotify = "{receiver.url}"\nnotify_on = "always"\nlang = "zh"\n'
    )
    assert call(source, "-o", "r.parquet", "--sandbox", "--run-date", DAY).code == 0
    assert "完成" in receiver.received[0]["title"]


# --- --notify-test


def test_the_test_message_needs_no_input_and_asks_nobody(call, notify, gateway):
    ended = call("--notify-test", "--name", "people", "--lang", "zh")
    assert (ended.code, ended.out) == (0, "The test message was sent to JSON\n")
    assert notify[0]["title"] == "palm-reconcile people：测试消息"
    assert not gateway.stats.asked
    assert call("--notify-test", "people.csv", "-o", "r.parquet").code == 0
    assert not Path("r.parquet").exists()


def test_a_test_message_without_a_setting_is_2(call):
    ended = call("--notify-test")
    assert ended.code == 2
    assert "PALM_NOTIFY is not set" in ended.only_line


def test_a_test_message_without_apprise_is_2(call, notify, monkeypatch):
    monkeypatch.setattr(jobs.observe.notify.target, "find_spec", lambda _: None)
    ended = call("--notify-test")
    assert ended.code == 2
    assert "pip install 'palm-reconcile[notify]'" in ended.only_line


def test_a_test_message_that_does_not_arrive_is_75_and_an_unusable_address_2(
    call, receiver, monkeypatch
):
    monkeypatch.setenv("PALM_NOTIFY", receiver.url)
    receiver.status = 403
    ended = call("--notify-test", "-v")
    assert (ended.code, TOKEN in ended.raw) == (75, False)
    assert "JSON: HTTP 403" in ended.only_line
    monkeypatch.setenv("PALM_NOTIFY", f"nosuch://{TOKEN}")
    ended = call("--notify-test", "-v")
    assert (ended.code, TOKEN in ended.raw) == (2, False)


@pytest.mark.parametrize("given", [[], ["-o", "r.csv"], ["people.csv"]])
def test_without_it_input_and_output_are_needed_as_before(call, given):
    ended = call(*given)
    assert ended.code == 2
    assert "Missing argument 'INPUT'" in ended.err or "Missing option '-o'" in ended.err


# --- the dead man's switch


def test_the_body_of_the_ping_begins_with_the_headline(reconcile, receiver):
    url = f"http://{receiver.address}/uuid"
    assert reconcile("--ping-url", url).code == 0
    path, body = receiver.pings[-1]
    assert path == "/uuid"
    assert body.splitlines()[0].startswith("2025-03-03: of 30 pairs ")
    assert body.splitlines()[1:] == ["report: report", "run date: 2025-03-03", "exit code: 0"]
    assert reconcile("--ping-url", url, "--require-baseline", "--no-baseline").code == 2
    assert receiver.pings[-1][1].splitlines()[0] == (
        "2025-03-03: the run ended with exit code 2: bad options or settings."
    )
    assert json.dumps(receiver.pings).count("o000000") == 0
