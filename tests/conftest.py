"""What all tests share: keys made for the session, and hypothesis without a stopwatch."""

from __future__ import annotations

import ctypes
import functools
import json
import os
import shutil
import subprocess
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

import palm.crypto.pem
from palm.sandbox import SandboxKeys
from tests import forkserver
from tests.examples import use_profiles
from tests.sandbox_keys import shared_keys, use_shared_keys
from tests.secrecy import Secrecy

use_profiles()


NODE = Path(__file__).parent / "interop" / "node"


CHAOS = Path(__file__).parent / "chaos"
FILES = Path(__file__).parent / "functional"
SECRECY = pytest.StashKey[Secrecy]()
GATHERED = pytest.StashKey[Path]()
TOLD = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Listen to all that this process says, from the first test to the last."""
    config.stash[SECRECY] = secrecy = Secrecy()
    config.stash[TOLD] = []
    listening = secrecy.listening()
    listening.__enter__()
    config.add_cleanup(lambda: listening.__exit__(None, None, None))
    config.stash[GATHERED] = folder = Path(tempfile.mkdtemp(prefix="secrecy-"))
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker process where to put what it heard."""
    node.workerinput["secrecy"] = str(node.config.stash[GATHERED])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put first what one worker does as a whole, so that the many small tests fill the gaps."""
    items.sort(key=lambda item: (CHAOS not in item.path.parents, FILES not in item.path.parents))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Start one process more than there are cores, for some tests wait for what others do."""
    return (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let the tests that measure the machine share one worker: each would measure the others."""
    from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415 - where it is installed

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            if file.startswith("tests/chaos/"):
                return "chaos"
            # What the tests of a file share takes long to make: once for all, not once a worker.
            return nodeid if file.startswith("tests/property/") else file

    config.option.loadscopereorder = False
    return Scheduling(config, log)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run if anything that it said, in whichever process, holds what nobody may read."""
    config = session.config
    secrecy = config.stash[SECRECY]
    workerinput = getattr(config, "workerinput", None)
    if workerinput is not None:
        secrecy.save(Path(workerinput["secrecy"], workerinput["workerid"]))
        return
    for path in config.stash[GATHERED].iterdir():
        secrecy.load(path)
    if told := secrecy.told():
        config.stash[TOLD] = told
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say that a secret was said, and where to look; the line itself stays out of the log."""
    if told := config.stash[TOLD]:
        terminalreporter.section("a secret was said", red=True)
        for line in told:
            terminalreporter.line(config.stash[SECRECY].masked(line))


@pytest.fixture(scope="session")
def secrecy(pytestconfig: pytest.Config) -> Secrecy:
    """What the suite said so far, and what it must not have said."""
    return pytestconfig.stash[SECRECY]


@pytest.fixture(scope="session")
def keys() -> SandboxKeys:
    """Both sides' keys, made once a session."""
    return shared_keys()


@pytest.fixture(scope="session")
def palm_sandbox_keys(keys: SandboxKeys) -> SandboxKeys:
    """Return what the fixture ``palm_sandbox`` uses: the keys that all tests share."""
    return keys


@pytest.fixture(scope="session", autouse=True)
def _check_each_key_once() -> Iterator[None]:
    """Check each private key once: OpenSSL takes long over it, and tests read the same ones."""
    with pytest.MonkeyPatch.context() as patch:
        load = palm.crypto.pem.load_pem_private_key
        patch.setattr(palm.crypto.pem, "load_pem_private_key", functools.lru_cache(64)(load))
        yield


@pytest.fixture(scope="session", autouse=True)
def _make_keys_once() -> Iterator[None]:
    """Let sandboxes that are started within this process share their keys."""
    with pytest.MonkeyPatch.context() as patch:
        use_shared_keys(patch.setattr)
        yield


@pytest.fixture(scope="session")
def quick_commands() -> Iterator[None]:
    """Let the commands of ``tests.forkserver.COMMANDS`` work."""
    with forkserver.running():
        yield


@pytest.fixture
def bound_by_permissions() -> Iterator[None]:
    """Let a file's mode count for this thread, as it does for anybody but root."""
    if os.geteuid():
        yield
        return
    libc = ctypes.CDLL(None)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # linux/capability.h, version 3; this thread
    granted = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; twice 32 bits
    assert libc.capget(header, granted) == 0
    fewer = (ctypes.c_uint32 * 6)(*granted)
    fewer[0] &= ~0b1110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER
    assert libc.capset(header, fewer) == 0
    yield
    assert libc.capset(header, granted) == 0


@pytest.fixture(scope="session")
def everything_said_by() -> Callable[[BaseException], str]:
    """All text that an error, its causes and its contexts, suppressed or not, could show."""

    def linked(error: BaseException | None) -> list[BaseException]:
        found: list[BaseException] = []
        todo = [error]
        while todo:
            one = todo.pop()
            if one is not None and one not in found:
                found.append(one)
                todo += [one.__cause__, one.__context__]
        return found

    return lambda error: "\n".join(
        f"{one} {one!r} {one.args!r} {getattr(one, '__dict__', '')} "
        + "".join(traceback.format_exception(one))
        for one in linked(error)
    )


@pytest.fixture(scope="session")
def node_modules():
    """The folder with the npm clients that others use, installed once."""
    if missing := [name for name in ("node", "npm") if shutil.which(name) is None]:
        pytest.skip(f"{' and '.join(missing)} not found: other people's clients run on Node")
    with FileLock(NODE / ".npm.lock"):  # several processes may want them
        # npm writes it last, and it lacks what was added to the lock file since
        installed = NODE / "node_modules" / ".package-lock.json"
        wanted = json.loads((NODE / "package.json").read_text())["dependencies"]
        found = installed.read_text() if installed.exists() else ""
        if not all(f'"node_modules/{name}"' in found for name in wanted):
            command = ["npm", "ci", "--no-audit", "--no-fund", "--prefix", str(NODE)]
            try:
                subprocess.run(command, check=True, timeout=45)
            except subprocess.TimeoutExpired:  # it takes 3 s, but may wait for a dead connection
                subprocess.run(command, check=True, timeout=45)
    return NODE / "node_modules"
