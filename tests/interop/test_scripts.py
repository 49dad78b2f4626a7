"""Two clients without an SDK, as the documentation describes: PHP's openssl functions, and curl."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from palm.sandbox import Faults, SandboxKeys

SCRIPTS = Path(__file__).parent / "scripts"
OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
COMMANDS = {
    "php": ["php", str(SCRIPTS / "query.php")],
    "curl": ["sh", str(SCRIPTS / "query.sh")],
}
NEEDED = {"php": ["php"], "curl": ["curl", "openssl"]}
REFUSED = {
    "altered": "a wrong signature",
    "missing": "no Wechatpay-",
    "serial": "an unknown key",
    "stale": "too old",
}
PROBE = {"php": "a signature that is not base64", "curl": "a wrong signature"}

modes = pytest.mark.parametrize(
    "mode", ["public_key", pytest.param("certificate", marks=pytest.mark.slow), "grey"]
)


@pytest.fixture(params=COMMANDS)
def client(request) -> str:
    """The name of a client whose tools are installed."""
    if missing := [name for name in NEEDED[request.param] if shutil.which(name) is None]:
        pytest.skip(f"{' and '.join(missing)} not found: the {request.param} client needs it")
    return request.param


def ask(client: str, folder: Path, *serial: str) -> tuple[int, str, str]:
    """Return the exit code, what was printed, and what was said on standard error."""
    done = subprocess.run(
        [*COMMANDS[client], str(folder), OPENID, "1004", *serial],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env=os.environ | {"NO_PROXY": "127.0.0.1"},
    )
    return done.returncode, done.stdout, done.stderr


def test_its_questions_are_answered_and_the_answers_accepted_in_every_mode(sandbox, client):
    serials = [sandbox.settings["public_key_id"], sandbox.settings["platform_serial"]]
    for serial in [[], *([each] for each in serials if sandbox.mode == "grey")]:
        code, printed, said = ask(client, sandbox.path, *serial)
        assert (code, said) == (0, "")
        answer = json.loads(printed)
        assert (answer["openid"], answer["organization_id"]) == (OPENID, "1004")


async def test_it_is_refused_when_it_signs_with_a_wrong_key(serve, client):
    async with serve("public_key") as (gateway, folder):
        key = SandboxKeys.generate().credential.key_pem
        (folder.path / "merchant_key.pem").write_text(key)
        assert await asyncio.to_thread(ask, client, folder.path) == (1, "", "SIGN_ERROR\n")
    assert gateway.stats.rejected == 1


@pytest.fixture
def ask_under(serve, client):
    """Return what comes of a question whose answer a fault befalls."""

    async def ask_under(fault: str, mode: str) -> tuple[int, str, str]:
        async with serve(mode) as (gateway, folder):
            gateway.faults = Faults(**{fault: 1.0})
            answer = await asyncio.to_thread(ask, client, folder.path)
            assert gateway.stats.faults == {fault: 1}
        return answer

    return ask_under


@modes
@pytest.mark.parametrize("fault", [*REFUSED, "probe"])
async def test_what_it_refuses_we_refuse(ask_under, check_refused_by_us, client, mode, fault):
    code, printed, said = await ask_under(fault, mode)
    assert (code, printed) == (1, "")
    assert (REFUSED | {"probe": PROBE[client]})[fault] in said
    await check_refused_by_us(mode, fault)


@modes
async def test_what_it_takes_for_true_we_refuse(ask_under, check_refused_by_us, mode):
    """A signed answer about somebody else."""
    code, printed, _ = await ask_under("other", mode)
    assert code == 0
    assert json.loads(printed)["openid"] != OPENID
    await check_refused_by_us(mode, "other")
