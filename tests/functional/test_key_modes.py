"""The client in the three key modes, configured as a folder of the sandbox has it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from palm import (
    APIv3Key,
    AsyncPalm,
    BodyError,
    CertificateStore,
    Pair,
    PalmAuthorization,
    PlatformKeys,
    Retry,
    SettingsError,
)
from palm.sandbox import Faults, SandboxGateway, SandboxKeys
from tests.roots import root_of

DOWNLOAD = "GET /v3/certificates"
OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
QUICKLY = Retry(attempts=20, base_s=0.001)


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


@asynccontextmanager
async def asking(
    gateway: SandboxGateway, folder: Path, mode: str | None = None, **options: object
) -> AsyncIterator[AsyncPalm]:
    """Yield a client with what ``palm.toml`` says for a mode, by default the gateway's own."""
    gateway.keys.write(folder, gateway.base_url, mode=mode or gateway.mode)
    async with AsyncPalm.from_env(folder / "palm.toml", retry=QUICKLY, **options) as palm:
        yield palm


async def ask_all(palm: AsyncPalm, pairs: list[Pair]) -> list[PalmAuthorization]:
    """Return all answers; whatever was not answered fails the test."""
    outcomes = [outcome async for _, outcome in palm.authorizations.get_many(pairs, concurrency=16)]
    assert [o for o in outcomes if not isinstance(o, PalmAuthorization)] == []
    assert {(o.openid, o.organization_id) for o in outcomes} == set(pairs)
    return outcomes


def people(count: int) -> list[Pair]:
    return [Pair(f"o{i:027d}", str(1000 + i % 5)) for i in range(count)]


@pytest.mark.parametrize(
    ("mode", "downloads"), [("public_key", 0), ("certificate", 1), ("grey", 0)]
)
async def test_each_mode_answers_and_downloads_only_what_it_needs(
    keys: SandboxKeys, tmp_path, mode, downloads
):
    async with (
        SandboxGateway(keys, mode=mode) as gateway,
        asking(gateway, tmp_path / "keys") as palm,
    ):
        answers = await ask_all(palm, people(100))
    signer = keys.platform_serial if mode == "certificate" else keys.public_key_id
    assert {answer.verified_by for answer in answers} == {signer}
    assert {answer.attempts for answer in answers} == {1}
    assert gateway.stats.routes[DOWNLOAD] == downloads
    assert gateway.stats.rejected == 0


@pytest.mark.slow
@pytest.mark.parametrize("share", [1.0, 0.5])
async def test_a_rotation_in_the_middle_of_a_run_loses_nothing(keys, tmp_path, share):
    asked = people(300)
    rotated = ""

    def pairs():
        nonlocal rotated
        for number, pair in enumerate(asked):
            if number == 150:
                rotated = gateway.rotate()
            yield pair

    async with (
        SandboxGateway(keys, mode="certificate") as gateway,
        asking(gateway, tmp_path / "k") as p,
    ):
        gateway.rotation_share = share
        answers = [answer async for _, answer in p.authorizations.get_many(pairs(), concurrency=16)]
    assert {type(answer) for answer in answers} == {PalmAuthorization}
    assert {(answer.openid, answer.organization_id) for answer in answers} == set(asked)
    signers = Counter(answer.verified_by for answer in answers)
    assert set(signers) == {keys.platform_serial, rotated}
    assert signers[rotated] >= 50
    assert {answer.attempts for answer in answers} == {1}
    assert gateway.stats.routes[DOWNLOAD] == 2
    assert gateway.stats.asked.total() == 300


@pytest.mark.slow
async def test_the_public_key_mode_never_downloads_whatever_happens(keys, tmp_path):
    faults = Faults(serial=0.3, probe=0.2)
    async with (
        SandboxGateway(keys, faults=faults) as gateway,
        asking(gateway, tmp_path / "keys") as palm,
    ):
        await ask_all(palm, people(100))
        gateway.rotate()
        await ask_all(palm, people(100))
    assert gateway.stats.faults.total() > 50
    assert gateway.stats.routes[DOWNLOAD] == 0


async def test_a_merchant_without_certificates_is_not_hindered_by_a_wish_for_them(keys, tmp_path):
    """Both kinds are configured, as in the grey mode, but there are no certificates any more."""
    faults = Faults(serial=0.3)
    async with (
        SandboxGateway(keys, faults=faults) as gateway,
        asking(gateway, tmp_path / "k", "grey") as p,
    ):
        await ask_all(p, people(100))
    assert gateway.stats.faults["serial"] > 20
    assert gateway.stats.routes[DOWNLOAD] == 1


async def test_before_the_switch_begins_certificates_sign_and_are_found(keys, tmp_path):
    """The merchant has configured both already; the gateway does not look at what we prefer."""
    gateway = SandboxGateway(keys, mode="certificate")
    async with gateway, asking(gateway, tmp_path / "keys", "grey") as palm:
        answers = await ask_all(palm, people(100))
        assert {answer.verified_by for answer in answers} == {keys.platform_serial}
        gateway.mode = "grey"
        answers = await ask_all(palm, people(100))
        assert {answer.verified_by for answer in answers} == {keys.public_key_id}
    assert gateway.stats.routes[DOWNLOAD] == 1


@pytest.mark.parametrize("kind", ["public_key_id", "platform_serial"])
async def test_during_the_switch_the_id_that_we_prefer_selects_the_key(keys, kind):
    preferred = getattr(keys, kind)
    held = PlatformKeys(dict(keys.platform_keys("grey")), preferred=preferred)
    for verifying in (held, CertificateStore(APIv3Key(keys.apiv3_key.encode()), held)):
        async with SandboxGateway(keys, mode="grey") as gateway:
            options = {"merchant": keys.merchant(), "base_url": gateway.base_url}
            async with AsyncPalm(keys=verifying, **options) as palm:
                answers = await ask_all(palm, people(20))
        assert {answer.verified_by for answer in answers} == {preferred}
        assert gateway.stats.routes[DOWNLOAD] == 0


async def test_who_can_only_download_is_told_where_there_is_nothing_to_download(keys, tmp_path):
    async with (
        SandboxGateway(keys) as gateway,
        asking(gateway, tmp_path / "keys", "certificate") as palm,
    ):
        with pytest.raises(SettingsError, match="no platform certificates: set public_key"):
            await palm.authorizations.get(OPENID, "1004")
    assert gateway.stats.routes == {DOWNLOAD: 1}


async def test_a_first_download_that_fails_is_tried_again_with_the_question(keys, tmp_path):
    async with SandboxGateway(keys, mode="certificate", faults=Faults(system_error=1.0)) as gateway:

        def attempted(_: object) -> None:
            gateway.faults = Faults()

        async with asking(gateway, tmp_path / "keys", on_attempt=attempted) as palm:
            answer = await palm.authorizations.get(OPENID, "1004")
    assert (answer.verified_by, answer.attempts) == (keys.platform_serial, 2)
    assert gateway.stats.routes[DOWNLOAD] == 2


async def test_downloaded_certificates_count_only_under_the_root_that_is_set(
    keys, tmp_path, monkeypatch
):
    root = tmp_path / "root.pem"
    monkeypatch.setenv("PALM_ROOT_CERTIFICATE", str(root))
    async with SandboxGateway(keys, mode="certificate") as gateway:
        root.write_bytes(root_of(keys, keys.authority.key))
        async with asking(gateway, tmp_path / "keys") as palm:
            assert (await palm.authorizations.get(OPENID, "1")).verified_by == keys.platform_serial
        root.write_bytes(root_of(keys, keys.merchant_key))
        async with asking(gateway, tmp_path / "keys") as palm:
            with pytest.raises(
                BodyError, match="was not issued under a certificate in root_certificate"
            ):
                await palm.with_options(retry=Retry(attempts=1)).authorizations.get(OPENID, "1")
    assert gateway.stats.answered == 3, "two downloads, and one question"
