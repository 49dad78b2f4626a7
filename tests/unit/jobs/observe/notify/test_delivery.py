"""A message reaches its services, or one line without a secret says why it did not."""

from __future__ import annotations

import base64
import email
import email.policy
import html
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jobs.observe.notify.delivery import Attachment, Delivered, Delivery
from jobs.observe.notify.message import Message, Severity
from jobs.observe.notify.target import Target

TOKEN = "token-0c1a8e5b77"  # noqa: S105 - made up
MESSAGE = Message("刷掌 palm-reconcile: done", "2025-03-03 <b>: *12* pairs_ & 人", Severity.WARNING)
PAGE = Attachment("people-2025-03-03.html", "<!doctype html><p>核对 report")


def delivered(target, attachment=None, *, patience_s=120):
    """Return what became of the message.

    The patience includes the start of a process that imports Apprise. Where giving up is not what
    is tested, it is long, for the 20 s of a run may pass on a busy machine.
    """
    return Delivery(target, MESSAGE, attachment, patience_s=patience_s).wait()


def test_a_message_arrives_as_it_was_written(receiver):
    assert delivered(Target(urls=receiver.url)) == Delivered(("JSON",))
    (got,) = receiver.received
    assert (got["title"], got["message"], got["type"]) == (
        MESSAGE.subject, MESSAGE.body, "warning",
    )  # fmt: skip
    assert got["attachments"] == []


def test_a_page_is_attached(receiver):
    assert delivered(Target(urls=receiver.url), PAGE) == Delivered(("JSON",))
    (attached,) = receiver.received[0]["attachments"]
    assert base64.b64decode(attached["base64"]).decode() == PAGE.html
    assert (attached["filename"], attached["mimetype"]) == (PAGE.name, "text/html")


def test_mail_arrives_with_subject_text_and_page(mail_server):
    assert delivered(Target(urls=mail_server.url), PAGE) == Delivered(("E-Mail",))
    mail = email.message_from_bytes(mail_server.mails[0], policy=email.policy.default)
    assert mail["subject"] == MESSAGE.subject
    text = mail.get_body(("html", "plain")).get_content()
    assert MESSAGE.body in html.unescape(text)
    (page,) = mail.iter_attachments()
    assert (page.get_filename(), page.get_payload(decode=True).decode()) == (PAGE.name, PAGE.html)


def test_a_mail_server_that_refuses_is_named_with_its_code(mail_server):
    assert delivered(
        Target(urls=mail_server.url.replace("@example.com", "@refused.example"))
    ).faults == ("The message was not sent to E-Mail: SMTP 550",)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["n.conf", "n.yml", "with space?format=x.conf"])
def test_a_file_in_apprises_format_is_read(receiver, tmp_path, name):
    path = tmp_path / name
    text = f"urls:\n  - {receiver.url}\n" if name.endswith("yml") else f"# 谁\nops={receiver.url}\n"
    path.write_text(text, encoding="utf-8-sig")
    assert delivered(Target(file=path)) == Delivered(("JSON",))
    assert len(receiver.received) == 1


@pytest.mark.slow
def test_every_service_is_told_and_each_fault_has_its_line(receiver, silent_address):
    urls = f"{receiver.url}, json://{silent_address}/{TOKEN} json://127.0.0.1:1/{TOKEN} nosuch://{TOKEN}"
    outcome = delivered(Target(urls=urls))
    assert outcome.services == ("JSON",) * 3
    assert outcome.faults == (
        "The message was not sent to JSON: no answer in time",
        "The message was not sent to JSON: connection refused",
    )
    assert outcome.unusable == (
        "The message was not sent: address 4 of 4 is not one that Apprise can use",
    )
    assert len(receiver.received) == 1


@pytest.mark.slow
def test_a_service_that_never_answers_is_given_up(silent_address):
    began = time.monotonic()
    outcome = delivered(Target(urls=f"json://{silent_address}/{TOKEN}?rto=600"), patience_s=4)
    assert 3.5 < time.monotonic() - began < 6
    assert outcome.faults == ("The message was not sent to JSON: no answer within 4 s",)


@pytest.mark.manual
@pytest.mark.parametrize("library", [pytest.param("CDLL", marks=pytest.mark.slow), "PyDLL"])
def test_a_name_server_that_never_answers_is_given_up(tmp_path, monkeypatch, library):
    """Not even a thread that holds the interpreter's lock keeps the message's process alive."""
    (tmp_path / "sitecustomize.py").write_text(
        "import ctypes, socket\n"
        f"socket.getaddrinfo = lambda *_, **__: ctypes.{library}(None).sleep(600)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    began = time.monotonic()
    outcome = delivered(Target(urls=f"json://service.example/{TOKEN}"), patience_s=4)
    assert time.monotonic() - began < 6
    assert outcome.faults == ("The message was not sent to JSON: no answer within 4 s",)


@pytest.mark.slow
def test_many_services_that_never_answer_keep_no_other_from_its_message(receiver, silent_address):
    urls = [f"json://{silent_address}/{n}?rto=600" for n in range(20)]
    outcome = delivered(Target(urls=" ".join([*urls, receiver.url])), patience_s=6)
    assert [len(each) for each in (outcome.services, outcome.faults, receiver.received)] == [
        21,
        20,
        1,
    ]


@pytest.mark.slow
def test_a_process_that_nobody_waits_for_ends_by_itself(silent_address):
    code = (
        "from jobs.observe.notify.delivery import Delivery\n"
        "from jobs.observe.notify.message import Message, Severity\n"
        "from jobs.observe.notify.target import Target\n"
        f"target = Target(urls='json://{silent_address}/x?rto=600')\n"
        "sent = Delivery(target, Message('a', 'b', Severity.INFO), patience_s=3)\n"
        "import os, time\n"
        "while sent._process is None: time.sleep(0.01)\n"
        "print(sent._process.pid, flush=True)\n"
        "os._exit(0)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    until = time.monotonic() + 8
    while _is_running(int(ended.stdout)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not _is_running(int(ended.stdout))


def _is_running(process):
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return stat.rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.parametrize(
    ("status", "answer", "fault"),
    [
        (404, b"", "HTTP 404"),
        (500, b"token-0c1a8e5b77", "HTTP 500"),
        # WeCom and DingTalk answer so where the key is wrong, or a keyword is missing.
        (200, b'{"errcode":93000,"errmsg":"invalid token-0c1a8e5b77"}', "errcode 93000"),
    ],
)
def test_what_a_service_refuses_is_not_delivered(receiver, status, answer, fault):
    receiver.status, receiver.answer = status, answer
    assert delivered(Target(urls=receiver.url)).faults == (
        f"The message was not sent to JSON: {fault}",
    )


@pytest.mark.parametrize("answer", [b'{"errcode":0}', b"[1]", b"errcode 5", b'{"errcode":"x"}'])
def test_an_answer_without_an_error_code_is_a_success(receiver, answer):
    receiver.answer = answer
    assert delivered(Target(urls=receiver.url)) == Delivered(("JSON",))


@pytest.mark.parametrize(
    "url",
    [
        "wecombot://{}!", "dingtalk://{}/", "json://user:{}@127.0.0.1:1/", "slack://{}",
        "mailto://user:{}@127.0.0.1:1", "jsons://127.0.0.1:1/{}", "json://{}.invalid/", "{}://",
    ],
)  # fmt: skip
def test_no_fault_holds_a_part_of_the_address(url):
    secret = "sEcReT4711token"  # noqa: S105 - made up
    outcome = delivered(Target(urls=url.format(secret)), patience_s=15)
    assert outcome.faults or outcome.unusable
    assert "4711" not in str(outcome)


def test_the_lines_of_a_file_that_cannot_be_used_are_named(tmp_path, receiver):
    path = tmp_path / "n.conf"
    path.write_text(f"{receiver.url}\nnosuch://{TOKEN}\nnot an address {TOKEN}\n")
    outcome = delivered(Target(file=path))
    assert TOKEN not in str(outcome)
    assert [fault.rsplit(":", 1)[1][:24] for fault in outcome.unusable] == [
        " entry or line 2 of the ", " entry or line 3 of the ",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["urls: [\n", "version: 1\n", "\x00\x01"])
def test_a_file_without_any_address_is_a_fault(tmp_path, text):
    path = tmp_path / "n.yml"
    path.write_text(text)
    outcome = delivered(Target(file=path))
    assert not outcome.services
    assert outcome.unusable


def test_an_apprise_that_cannot_be_imported_is_a_fault_at_once(tmp_path, monkeypatch):
    (tmp_path / "apprise.py").write_text("import nothing_of_that_name\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    began = time.monotonic()
    outcome = delivered(Target(urls=f"json://127.0.0.1:1/{TOKEN}"))
    assert outcome.faults == ("The message was not sent: Apprise ended with exit code 1",)
    assert time.monotonic() - began < 10


def test_an_interpreter_that_cannot_be_started_is_a_fault(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    (fault,) = delivered(Target(urls="json://127.0.0.1:1")).faults
    assert fault == "The message was not sent: Apprise cannot be started: FileNotFoundError"


def test_the_target_never_shows_itself():
    assert TOKEN not in repr(Target(urls=f"json://h/{TOKEN}"))
