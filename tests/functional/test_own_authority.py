"""TLS under an authority of one's own, and what is said where a certificate is refused."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager

import pytest

import palm.commands.main
from palm import AsyncPalm, CertificateRefusedError, ConnectError, Palm, Retry, SettingsError
from palm.settings import Settings, load_settings, read_config
from palm.testing import serving
from tests.forkserver import COMMANDS
from tests.functional.test_hosts import free_port
from tests.night import DAY
from tests.tls import Authority, Forwarder

ASK = ("get", "o1", "--organization-id", "1004")
AUTHORITY_REMEDY = "set ca_file (PALM_CA_FILE, --ca-file)"


@pytest.fixture
def authority(folder):
    return Authority(folder)


@contextmanager
def listening(gateway, context):
    """Serve the gateway behind TLS; yield the URL."""
    with serving(Forwarder(gateway.base_url, context)) as front:
        yield front.base_url


@pytest.fixture
def config(folder, keys, gateway, authority):
    """Return the ``palm.toml`` of a gateway whose certificate the authority issued."""
    with listening(gateway, authority.server("127.0.0.1")) as url:
        keys.write(folder / "keys", url)
        yield folder / "keys" / "palm.toml"


@pytest.fixture
def palm_command(call_main, config):
    return lambda *given: call_main(palm.commands.main.main, *given, "--config", config)


def settings(config, **changed) -> Settings:
    return load_settings(read_config(config), **changed)


# --- the authority


@pytest.mark.slow
def test_without_the_authority_the_certificate_is_refused_and_the_line_says_what_to_do(
    palm_command, config
):
    ended = palm_command(*ASK)
    assert (ended.code, ended.out) == (77, "")
    assert "the TLS certificate of 127.0.0.1 is refused (unable to get local issuer" in ended.err
    assert AUTHORITY_REMEDY in ended.only_line


def test_the_option_trusts_it(palm_command, authority):
    assert palm_command(*ASK, "--ca-file", authority.file).code == 0


def test_the_variable_trusts_it(palm_command, authority, monkeypatch):
    monkeypatch.setenv("PALM_CA_FILE", str(authority.file))
    assert palm_command(*ASK).code == 0
    assert palm_command("check").code == 0


def test_palm_toml_trusts_it_relative_to_its_folder(palm_command, config, authority):
    authority.file.rename(config.parent / "ours.pem")
    config.write_text('ca_file = "ours.pem"\n' + config.read_text())
    assert palm_command(*ASK).code == 0


def test_the_night_trusts_it(reconcile, authority, monkeypatch):
    assert reconcile("--ca-file", authority.file).code == 0
    monkeypatch.setenv("PALM_CA_FILE", str(authority.file))
    assert reconcile("--replace").code == 0


def test_the_sync_client_and_the_settings_trust_it(config, authority):
    made = settings(config, ca_file=authority.file)
    with Palm(
        merchant=made.merchant(), keys=made.verifying_keys(), base_url=made.base_url,
        ca_file=authority.file,
    ) as client:  # fmt: skip
        assert client.authorizations.get("o1", "1").openid == "o1"
    assert made.as_environment()["PALM_CA_FILE"] == str(authority.file)


@pytest.mark.slow
@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_openssls_own_variables_trust_it_too(config, authority, folder, variable):
    hashed = folder / "authorities"
    hashed.mkdir()
    (hashed / "ours.pem").write_bytes(authority.file.read_bytes())
    subprocess.run(["openssl", "rehash", hashed], check=True)
    value = {"SSL_CERT_FILE": authority.file, "SSL_CERT_DIR": hashed}[variable]
    done = subprocess.run(
        [COMMANDS / "palm", *ASK, "--config", config], env={**os.environ, variable: str(value)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_the_file_adds_to_what_the_system_trusts(config, keys, gateway, folder, authority):
    """The system's authority vouches for the one host, the file's for the other."""
    other = Authority(folder, "other")
    with listening(gateway, other.server("127.0.0.1")) as url:
        done = subprocess.run(
            [COMMANDS / "palm", "check", "--config", config, "--ca-file", other.file,
             "--base-url", settings(config).base_url[0], "--base-url", url],
            env={**os.environ, "SSL_CERT_FILE": str(authority.file)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("it answers") == 2


async def test_an_authority_that_is_no_root_is_enough(gateway, keys, folder):
    """As OpenSSL's own commands, and Python from 3.13 on, have it."""
    middle = Authority(folder, "middle", Authority(folder, "root"))
    context = middle.server("127.0.0.1", whole=False)
    async with (
        Forwarder(gateway.base_url, context) as front,
        AsyncPalm(
            merchant=keys.merchant(), keys=keys.platform_keys(), base_url=front.base_url,
            ca_file=middle.file,
        ) as client,
    ):  # fmt: skip
        assert (await client.authorizations.get("o1", "1")).openid == "o1"


async def test_a_proxy_that_ends_tls_itself_is_trusted_by_its_authority_only(
    gateway, keys, authority
):
    host = "api.mch.weixin.qq.com"
    async with (
        Forwarder(gateway.base_url, authority.server(host)) as front,
        Forwarder(front.base_url, tunnel=True) as proxy,
    ):
        given = {
            "merchant": keys.merchant(), "keys": keys.platform_keys(), "proxy": proxy.base_url,
            "base_url": f"https://{host}", "retry": Retry(attempts=1),
        }  # fmt: skip
        async with AsyncPalm(**given, ca_file=authority.file) as client:
            assert (await client.authorizations.get("o1", "1")).openid == "o1"
        async with AsyncPalm(**given) as client:
            with pytest.raises(CertificateRefusedError, match=f"certificate of {host}") as caught:
                await client.authorizations.get("oSecret", "1")
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert proxy.heads[0].startswith(f"CONNECT {host}:443 ")


# --- a file that is none


def wrong_file(kind, folder, authority, keys):
    path = folder / "wrong.pem"
    if kind == "absent":
        return path, "cannot be read: No such file"
    if kind == "folder":
        return folder, "cannot be read: it is a folder, not a file"
    if kind == "expired":
        return Authority(folder, "old", days=-1).file, "expired on "
    content, said = {
        "empty": ("", "is empty, not certificates in PEM"),
        "a key": (keys.public_key_pem(), "is a public key, not certificates in PEM"),
        "broken": (
            authority.file.read_text()[:99] + "\n-----END CERTIFICATE-----\n",
            "is a broken",
        ),
        "binary": ("\xff\x00", "is a binary file, not"),
    }[kind]
    path.write_text(content)
    return path, said


KINDS = ["absent", "folder", "expired", "empty", "a key", "broken", "binary"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_file_is_one_line_before_the_first_request(
    kind, folder, authority, keys, palm_command, reconcile, gateway
):
    path, said = wrong_file(kind, folder, authority, keys)
    before = gateway.stats.requests
    for ended in (
        palm_command(*ASK, "--ca-file", path),
        reconcile("-q", "--ca-file", path),
        reconcile("-q", "--plan", "--ca-file", path),
    ):
        assert ended.code == 2
        assert "--ca-file" in ended.only_line
        assert "PALM_CA_FILE" not in ended.only_line
        assert said in ended.only_line
    checked = palm_command("check", "--ca-file", path)
    assert checked.code == 77
    assert said in checked.out
    assert "--ca-file" in checked.out
    assert gateway.stats.requests == before


def test_a_wrong_file_of_the_environment_is_named_by_its_variable(
    folder, palm_command, reconcile, monkeypatch
):
    monkeypatch.setenv("PALM_CA_FILE", str(folder / "none.pem"))
    for ended in (palm_command(*ASK), reconcile("-q")):
        assert ended.code == 2
        assert "PALM_CA_FILE: " in ended.only_line
        assert "--ca-file" not in ended.only_line


def test_a_wrong_file_is_refused_where_a_client_is_made(keys, folder):
    with pytest.raises(SettingsError, match="PALM_CA_FILE"):
        AsyncPalm(merchant=keys.merchant(), keys=keys.platform_keys(), ca_file=folder / "none.pem")


def test_the_sandbox_needs_no_authority(call, source, authority):
    ended = call(source, "-o", "r.parquet", "--sandbox", "--ca-file", authority.file)
    assert ended.code == 2
    assert "leave --ca-file out" in ended.only_line


# --- a certificate that is refused


WHY = {
    "unknown": ({}, "unable to get local issuer certificate", AUTHORITY_REMEDY),
    "expired": ({"ends": -1}, "certificate has expired", "must renew it, or this machine's clock"),
    "not yet valid": ({"begins": 1}, "certificate is not yet valid", "this machine's clock"),
    "another's": ({}, "IP address mismatch", "check base_url, DNS and proxy"),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "why",
    ["unknown", "expired", *(pytest.param(why, marks=pytest.mark.manual) for why in list(WHY)[2:])],
)
def test_a_refused_certificate_ends_the_night_at_once_with_77_and_says_why(
    why, folder, keys, gateway, authority, call, source
):
    """With a deadline: the gateway itself would be waited for until then."""
    dates, said, remedy = WHY[why]
    hosts = ["127.0.0.2"] if why == "another's" else ["127.0.0.1", "localhost"]
    trusted = Authority(folder, "another") if why == "unknown" else authority
    with listening(gateway, authority.server(*hosts, **dates)) as url:
        keys.write(folder / "keys", url)
        given = ["--config", folder / "keys" / "palm.toml", "--ca-file", trusted.file, "-q"]
        given += ["--base-url", url, "--base-url", url.replace("127.0.0.1", "localhost")]
        ended = call(
            source, "-o", "r.parquet", "--run-date", DAY, *given, "--max-duration", "9h"
        )  # fmt: skip
        checked = call_check(given[:4])
    assert ended.code == 77
    last = ended.err.splitlines()[-1]
    begins = "palm-reconcile: no connection: the TLS certificate of 127.0.0.1 is refused ("
    assert last.startswith(begins)
    assert said in last
    assert remedy in last
    assert not (folder / "r.parquet").exists()
    assert checked.returncode == 77
    assert said in checked.stdout
    assert remedy in checked.stdout


def call_check(given):
    return subprocess.run(
        [COMMANDS / "palm", "check", *map(str, given)], capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_where_the_backups_certificate_is_good_the_night_is_good(
    folder, keys, gateway, authority, call, source
):
    refused = Authority(folder, "another").server("127.0.0.1")
    with (
        listening(gateway, refused) as main,
        listening(gateway, authority.server("127.0.0.1")) as backup,
    ):
        keys.write(folder / "keys", main)
        ended = call(
            source, "-o", "r.parquet", "--run-date", DAY, "--config", folder / "keys" / "palm.toml",
            "--ca-file", authority.file, "--base-url", main, "--base-url", backup,
        )  # fmt: skip
    assert ended.code == 0


async def test_a_host_that_was_not_asked_yet_may_have_a_better_one(gateway, keys, folder):
    refused = Authority(folder, "another").server("127.0.0.1")
    once = Retry(attempts=1)
    async with Forwarder(gateway.base_url, refused) as front:
        urls = [front.base_url, f"http://127.0.0.1:{free_port()}"]
        async with AsyncPalm(
            merchant=keys.merchant(), keys=keys.platform_keys(), base_url=urls, retry=once
        ) as client:
            for _ in range(3):
                with pytest.raises(CertificateRefusedError) as caught:
                    await client.authorizations.get("o1", "1")
                assert not caught.value.everywhere
            with pytest.raises(ConnectError) as other:
                await client.authorizations.get("o1", "1")
    assert type(other.value) is ConnectError
