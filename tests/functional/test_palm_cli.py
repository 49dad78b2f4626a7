"""The command palm, end to end: answers, failures by their names, and exit codes."""

# ruff: noqa: ARG005 - every case is told of all there is, and takes what it needs

from __future__ import annotations

import asyncio
import errno
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import redirect_stderr, redirect_stdout

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from palm import SignatureError, SignatureReason
from palm.commands.exit_codes import exit_code_of
from palm.commands.main import command
from palm.commands.runner import run_command
from palm.sandbox import Fault, Faults, SandboxGateway, SandboxKeys
from palm.settings import read_config
from tests.forkserver import COMMANDS

ASK = ("get", "o1", "--organization-id", "1004")
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch):
    for name in list(os.environ):
        if name.startswith("PALM_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def gateway(keys):
    """A gateway in a thread of its own: the command has an event loop too."""
    started, running, loop = threading.Event(), [], asyncio.new_event_loop()

    async def serve():
        async with SandboxGateway(keys) as made:
            stop = asyncio.Event()
            running.extend([made, stop])
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.Runner(loop_factory=lambda: loop).run(serve()))
    thread.start()
    started.wait()
    yield running[0]
    loop.call_soon_threadsafe(running[1].set)
    thread.join()
    loop.close()


@pytest.fixture
def faults(gateway):
    """Make things go wrong for one test."""

    def make(**shares: float) -> None:
        gateway.faults = Faults(**shares)

    yield make
    gateway.faults = Faults()


@pytest.fixture
def folder(gateway, tmp_path):
    """What the sandbox writes for other programs."""
    gateway.keys.write(tmp_path / "keys", gateway.base_url)
    return tmp_path / "keys"


@pytest.fixture(scope="module")
def stranger():
    """Another merchant, with keys of its own."""
    return SandboxKeys.generate()


def configure(folder, **changed) -> str:
    """Return the path of settings that are changed as told; None: left out."""
    path = folder / "palm.toml"
    config = {**read_config(path), **changed}
    lines = (f"{name} = {_toml(value)}\n" for name, value in config.items() if value is not None)
    path.write_text("".join(lines))
    return str(path)


def _toml(value) -> str:
    return json.dumps([str(v) for v in value] if isinstance(value, list | tuple) else str(value))


def run(*arguments: str, out=None) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error of the command."""
    out, err = out or io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
        run_command(command, "palm", exit_code_of, arguments)
    return ended.value.code, out.getvalue(), err.getvalue()


# --- palm get


def test_get_prints_the_answer_as_json_and_nothing_else(folder, gateway):
    code, out, err = run(*ASK, "--config", configure(folder))
    answer = json.loads(out)
    assert (code, err) == (0, "")
    assert (answer["openid"], answer["organization_id"]) == ("o1", "1004")
    assert answer["state"] in {"ON", "OFF", "NONE"}
    assert answer["verified_by"] == gateway.keys.public_key_id
    assert answer["attempts"] == 1
    assert answer.keys() == {
        "openid",
        "organization_id",
        "state",
        "authorize_time",
        "request_id",
        "verified_by",
        "attempts",
        "echoed",
    }


def test_get_refuses_an_answer_that_names_nobody_unless_that_is_accepted(
    folder, faults, monkeypatch
):
    faults(unnamed=1.0)
    ask = (*ASK, "--config", configure(folder))
    for more in ((), ("--require-echo",)):
        said = "does not name the openid and the organization_id it is about; see accept_unnamed"
        assert run(*ask, *more) == (75, "", f"palm: the answer {said}\n")
    code, out, _ = run(*ask, "--accept-unnamed")
    assert (code, json.loads(out)["echoed"]) == (0, False)
    monkeypatch.setenv("PALM_ACCEPT_UNNAMED", "1")
    assert run(*ask)[0] == 0
    code, out, err = run(*ask, "--require-echo")
    assert (code, out) == (2, "")
    assert err.startswith("palm: accept_unnamed and require_echo contradict each other: ")
    monkeypatch.setenv("PALM_ACCEPT_UNNAMED", "maybe")
    code, out, err = run(*ask)
    assert (code, out) == (2, "")
    assert err.startswith("palm: settings: accept_unnamed: ")


def test_an_answer_that_came_before_is_no_matter_of_credentials():
    error = SignatureError("the answer came before", SignatureReason.REPLAYED)
    assert exit_code_of(error) == 75
    error.reason = SignatureReason.WRONG
    assert exit_code_of(error) == 77


def test_the_sandboxs_help_names_every_fault():
    code, out, _ = run("sandbox", "--help")
    named = re.findall(r"^    ([a-z_]+) +\S", out, re.MULTILINE)
    assert (code, named) == (0, [fault.value for fault in Fault])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shares", "code", "said"),
    [
        ({"nostate": 1.0}, 3, "palm: the answer has no state\n"),
        ({"newstate": 1.0}, 3, "palm: the answer has an unrecognized state: "),
        ({"altered": 1.0}, 77, "palm: the response's signature does not match its body\n"),
        ({"system_error": 1.0}, 75, "palm: HTTP 500: SYSTEM_ERROR "),
        ({"other": 1.0}, 75, "palm: the answer is about another openid\n"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_a_failure_of_get_is_one_line_and_an_exit_code(folder, faults, shares, code, said):
    faults(**shares)
    ended, out, err = run(*ASK, "--config", configure(folder))
    assert (ended, out) == (code, "")
    assert err.startswith(said)
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("get", "o1"), "Missing option '--organization-id'"),
        (("get", "", "--organization-id", "1"), "openid is empty"),
        (("get", "..", "--organization-id", "1"), "openid must not be '..'"),
        (("get", "a\nb", "--organization-id", "1"), "openid holds a control character"),
        (("get", "a\udcffb", "--organization-id", "1"), "openid is not valid Unicode text"),
        ((*ASK, "--base-url", "http://example.com"), "must begin with https://"),
        ((*ASK, "--base-url", "gateway"), "the base URL must look like https://"),
        ((*ASK, "--proxy", "socks5://proxy.example"), "the proxy's URL must look like http://"),
        (
            (*ASK, "--config", "missing.toml"),
            "--config: the configuration cannot be read: No such file",
        ),
        (("check", "--openid", "o1"), "--openid and --organization-id go together"),
        (("got",), "No such command 'got'"),
    ],
)
def test_a_wrong_argument_is_one_line_and_exit_code_2(folder, gateway, arguments, said):
    asked = gateway.stats.requests
    given = () if "--config" in arguments or "got" in arguments else ("--config", configure(folder))
    code, out, err = run(*arguments, *given)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("palm: ")
    assert said in err
    assert gateway.stats.requests == asked


def test_get_without_settings_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(*ASK)
    assert (code, out) == (2, "")
    assert err == ("palm: PALM_MCHID is not set (your merchant number), nor mchid in palm.toml\n")


def test_settings_come_from_the_environment_too(folder, gateway, monkeypatch):
    config = read_config(folder / "palm.toml")
    for name, value in config.items():
        monkeypatch.setenv(f"PALM_{name.upper()}", str(value))
    monkeypatch.setenv("PALM_BASE_URL", gateway.base_url)
    monkeypatch.chdir("/")
    assert run(*ASK)[0] == 0


@pytest.mark.slow
def test_get_where_nobody_listens_is_exit_code_75(folder):
    code, out, err = run(*ASK, "--config", configure(folder), "--base-url", NOWHERE)
    assert (code, out) == (75, "")
    assert err.startswith("palm: no connection: ")


def test_get_with_refused_credentials_is_exit_code_77(folder, stranger):
    config = configure(folder, merchant_serial=stranger.merchant_serial, merchant_certificate=None)
    code, out, err = run(*ASK, "--config", config)
    assert (code, out, err.count("\n")) == (77, "", 1)
    assert err.startswith("palm: HTTP 401: SIGN_ERROR ")


class Full(io.StringIO):
    """A disk on which there is no room."""

    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("arguments", [ASK, ("check",)])
def test_an_answer_that_cannot_be_written_is_exit_code_73(folder, arguments):
    code, _, err = run(*arguments, "--config", configure(folder), out=Full())
    said = "palm: standard output cannot be written: No space left on device\n"
    assert (code, err) == (73, said)


def test_a_reader_who_leaves_changes_no_exit_code(folder):
    """``palm check | head -1`` ends as ``palm check`` does."""
    config = configure(folder)
    for given, code in (
        (["check", "--config", config], 0),
        ([*ASK, "--config", config], 0),
        (["--help"], 0),
        (["check", "--config", config], 77),
    ):
        if code == 77:
            configure(folder, mchid="1900000109")
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run(
            [COMMANDS / "palm", *given], stdout=write, stderr=subprocess.PIPE, check=False
        )
        os.close(write)
        assert (done.returncode, done.stderr) == (code, b""), given


def test_without_a_subcommand_one_line_says_so():
    assert run() == (2, "", "palm: Missing command; see palm --help\n")


@pytest.mark.parametrize("arguments", [ASK, ("check",)])
def test_a_proxy_with_a_password_is_refused_and_not_shown(folder, gateway, arguments):
    """Everybody on the machine can read a command line."""
    asked = gateway.stats.requests
    proxy = ("--proxy", "http://user:s3cret@proxy.example:3128")
    code, out, err = run(*arguments, "--config", configure(folder), *proxy)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "--proxy must hold no password" in err
    assert "HTTPS_PROXY" in err
    assert "s3cret" not in err
    assert gateway.stats.requests == asked


# --- palm check


def pem(key, *, private: bool = False) -> bytes:
    if private:
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def written(folder, name: str, content: bytes) -> str:
    path = folder / name
    path.touch(mode=0o600)
    path.write_bytes(content)
    return str(path)


@pytest.mark.parametrize(
    "changes",
    [
        lambda folder: {},
        lambda folder: {"merchant_certificate": None},
        lambda folder: {"merchant_serial": None},
        lambda folder: {"platform_certificates": [folder / "platform_cert.pem"]},
    ],
    ids=["as written", "no certificate", "no serial", "grey"],
)
def test_check_of_good_settings_ends_with_0(folder, changes):
    code, out, err = run("check", "--config", configure(folder, **changes(folder)))
    assert (code, err) == (0, "")
    assert "FAIL" not in out
    assert out.splitlines()[-1] == "ok    query: answered"


WRONG = {
    "wrong serial, beside the certificate": (
        lambda f, k, s: {"merchant_serial": s.merchant_serial},
        ["FAIL  merchant: ", "is not that of its certificate", "set the certificate's"],
    ),
    "wrong serial": (
        lambda f, k, s: {"merchant_serial": s.merchant_serial, "merchant_certificate": None},
        ["FAIL  credentials: ", "is not a serial number of this merchant's API certificates"],
    ),
    "platform's serial where the merchant's belongs, beside the platform certificate": (
        lambda f, k, s: {
            "merchant_serial": k.platform_serial,
            "merchant_certificate": None,
            "platform_certificates": [f / "platform_cert.pem"],
        },
        ["FAIL  platform keys: ", "is the platform certificate's", "apiclient_cert.pem"],
    ),
    "platform's serial where the merchant's belongs": (
        lambda f, k, s: {"merchant_serial": k.platform_serial, "merchant_certificate": None},
        ["FAIL  credentials: ", "take it from the merchant console, API security"],
    ),
    "public key's id where the merchant's serial belongs": (
        lambda f, k, s: {"merchant_serial": k.public_key_id, "merchant_certificate": None},
        ["FAIL  merchant: ", "not the id of WeChat Pay's public key"],
    ),
    "public key as private key": (
        lambda f, k, s: {"private_key": f / "wechatpay_pub.pem"},
        ["FAIL  merchant: ", "is a public key, not a private key in PEM (apiclient_key.pem)"],
    ),
    "certificate as private key": (
        lambda f, k, s: {"private_key": f / "merchant_cert.pem"},
        ["FAIL  merchant: ", "is a certificate, not a private key"],
    ),
    "private key as public key": (
        lambda f, k, s: {"public_key": f / "merchant_key.pem"},
        ["FAIL  platform keys: ", "is a private key, not a public key in PEM (pub_key.pem)"],
    ),
    "keys swapped": (
        lambda f, k, s: {
            "private_key": f / "wechatpay_pub.pem",
            "public_key": f / "merchant_key.pem",
        },
        ["FAIL  merchant: ", "is a public key, not a private key"],
    ),
    "another merchant's private key, beside the certificate": (
        lambda f, k, s: {"private_key": written(f, "other.pem", pem(s.merchant_key, private=True))},
        ["FAIL  merchant: ", "does not belong to the merchant's certificate", "same download"],
    ),
    "another merchant's private key": (
        lambda f, k, s: {
            "private_key": written(f, "other.pem", pem(s.merchant_key, private=True)),
            "merchant_certificate": None,
        },
        ["FAIL  credentials: ", "private_key does not belong to merchant_serial"],
    ),
    "the merchant's own certificate as the platform's": (
        lambda f, k, s: {
            "platform_certificates": [f / "merchant_cert.pem"],
            "public_key": None,
            "public_key_id": None,
        },
        ["FAIL  platform keys: ", "is the merchant's own", "pub_key.pem"],
    ),
    "the merchant's own public key as the platform's": (
        lambda f, k, s: {"public_key": written(f, "own.pem", pem(k.merchant_key))},
        ["FAIL  platform keys: ", "is the merchant's own"],
    ),
    "another merchant's public key under the right id": (
        lambda f, k, s: {"public_key": written(f, "other.pem", pem(s.public_key_pair))},
        ["FAIL  signature: ", "is not the platform's: download it again from this merchant's"],
    ),
    "another merchant's public key and id": (
        lambda f, k, s: {
            "public_key": written(f, "other.pem", pem(s.public_key_pair)),
            "public_key_id": s.public_key_id,
        },
        ["FAIL  signature: ", "which is not among the platform keys", "download"],
    ),
    "right public key, wrong id": (
        lambda f, k, s: {"public_key_id": s.public_key_id},
        ["FAIL  signature: ", "which is not among the platform keys", "Wechatpay-Serial"],
    ),
    "wrong merchant": (
        lambda f, k, s: {"mchid": "1900000001"},
        ["FAIL  credentials: ", "check mchid, merchant_serial and private_key"],
    ),
    "no merchant number": (
        lambda f, k, s: {"mchid": "wx2421b1c4370ec43b"},
        ["FAIL  merchant: ", "must be digits"],
    ),
    "no file": (
        lambda f, k, s: {"private_key": f / "missing.pem"},
        ["FAIL  merchant: ", "cannot be read", "FAIL  merchant: PALM_PRIVATE_KEY: "],
    ),
    "nobody listens": (
        lambda f, k, s: {"base_url": [NOWHERE]},
        [f"FAIL  network {NOWHERE}: no connection: ", "check DNS, firewall and proxy"],
    ),
    "nobody listens behind the proxy": (
        lambda f, k, s: {"proxy": NOWHERE},
        ["FAIL  network ", "no connection: ", "check DNS, firewall and proxy"],
    ),
    "no TLS there": (
        lambda f, k, s: {
            "base_url": [read_config(f / "palm.toml")["base_url"].replace("http:", "https:")]
        },
        ["FAIL  network https://127.0.0.1", "no connection: "],
    ),
}


@pytest.mark.parametrize(("changes", "said"), WRONG.values(), ids=WRONG)
def test_check_names_what_is_wrong_and_ends_with_77(folder, keys, stranger, changes, said):
    code, out, err = run("check", "--config", configure(folder, **changes(folder, keys, stranger)))
    assert (code, err) == (77, "")
    [failed] = [line for line in out.splitlines() if line.startswith("FAIL")]
    for words in said:
        assert words in failed
    assert "BEGIN" not in out


def test_check_refuses_a_key_that_everybody_can_read(folder):
    (folder / "merchant_key.pem").chmod(0o644)
    code, out, _ = run("check", "--config", configure(folder))
    assert (code, out.count("FAIL")) == (77, 1)
    assert f"run: chmod 600 {folder / 'merchant_key.pem'}" in out


def test_check_warns_of_a_key_that_its_group_can_read(folder, caplog):
    (folder / "merchant_key.pem").chmod(0o640)
    caplog.set_level("WARNING", logger="palm")
    code, out, _ = run("check", "--config", configure(folder))
    assert (code, "FAIL" in out) == (0, False)
    assert f"chmod 600 {folder / 'merchant_key.pem'}" in caplog.text


def test_check_tries_every_host(folder, gateway):
    config = configure(folder, base_url=[gateway.base_url, NOWHERE])
    code, out, _ = run("check", "--config", config)
    assert code == 77
    assert f"ok    network {gateway.base_url}: it answers (HTTP 200)" in out
    assert f"FAIL  network {NOWHERE}: " in out


# --- as programs


PALM = shutil.which("palm", path=os.path.dirname(sys.executable)) or "palm"  # noqa: PTH120


@pytest.mark.slow
def test_the_sandbox_and_what_it_says_work_together(tmp_path):
    """What is printed is a shell's to read; both other commands run on it."""
    folder = tmp_path / "keys"
    with subprocess.Popen(
        [PALM, "sandbox", "--port", "0", "--keys", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as sandbox:
        try:
            exports = []
            for line in sandbox.stdout:
                exports.append(line)
                if line.startswith("export PALM_BASE_URL="):
                    break
            shell = "".join(exports)
            asked = subprocess.run(
                ["sh", "-c", f'{shell}\n"$0" get o1 --organization-id 7', PALM],
                capture_output=True,
                text=True,
                check=False,
                cwd=tmp_path,
            )
            checked = subprocess.run(
                [PALM, "check", "--config", str(folder / "palm.toml")],
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            sandbox.send_signal(signal.SIGTERM)
        said = sandbox.stderr.read()
    assert (asked.returncode, asked.stderr) == (0, "")
    assert json.loads(asked.stdout)["organization_id"] == "7"
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "FAIL" not in checked.stdout
    assert (sandbox.returncode, said.count("\n")) == (0, 1)
    assert said.startswith("palm: 2 requests, 2 answered")
