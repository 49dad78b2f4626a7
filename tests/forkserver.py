"""The commands without the half second or more that each new interpreter spends on imports.

``COMMANDS`` is a folder with ``palm``, ``palm-reconcile`` and ``palm-report``. Each is a small
program that sends how it was started (arguments, environment, working folder, standard streams,
umask, limits, ignored signals) to a server that has imported everything already. The server forks,
and the fork runs the command as a process of its own, up to the end of its interpreter. Signals are
passed on, and the small program ends as the command does.

What an interpreter decides before it imports anything (locale, ``PYTHON...``, time zone) cannot
be changed in a fork: where it differs from the server's, the installed script is run instead. Tests
of the start itself use the installed scripts, ``tests.night.SCRIPTS``, and so do those that kill.
"""

from __future__ import annotations

import array
import gc
import importlib
import io
import marshal
import os
import pkgutil
import resource
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from tests.sandbox_keys import use_shared_keys

__all__ = ["COMMANDS", "running"]

COMMANDS: Final = Path(tempfile.gettempdir()) / f"palm-commands-{os.getpid()}"
"""Where the commands of this process are while ``running`` lasts."""
_INSTALLED: Final = Path(sys.executable).parent
_ENTRIES: Final = {
    "palm": "palm.commands.main",
    "palm-reconcile": "jobs.commands.reconcile",
    "palm-report": "jobs.commands.report",
}
_IMPORTED_LATE: Final = (
    "aiohttp", "cryptography.x509", "jinja2", "pandas", "pyarrow.compute", "pyarrow.csv",
    "pyarrow.dataset", "pyarrow.parquet", "rich.progress", "rich.table", "structlog", "tenacity",
    "xlsxwriter",
)  # fmt: skip
"""What the commands import only where they need it."""
_DECIDED_AT_START: Final = (
    "PYTHON",
    "LC_",
    "LANG",
    "LOCPATH",
    "TZ",
    "LD_",
    "MALLOC_",
    "ARROW_",
    "SSL_",
)
_STREAMS: Final = ("stdin", "stdout", "stderr")
_LIMITS: Final = (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_AS)

_CLIENT: Final = """\
import array, marshal, os, resource, signal, socket, sys

def fixed(environment):
    return {{name: value for name, value in environment.items() if name.startswith({decided!r})}}

def install(*_):
    os.execv(script, [os.fsencode(word) for word in [script, *sys.argv[1:]]])

name = os.path.basename(sys.argv[0])
script = os.path.join({scripts!r}, name)
streams = []
for number in range(3):
    try:
        os.fstat(number)
        streams.append(number)
    except OSError:
        pass
while os.open(os.devnull, os.O_RDWR) < 3:  # what is opened now is no standard stream
    pass
if fixed(os.environb) != {fixed!r} or any("/dev/fd/" in word for word in sys.argv):
    install()
server = socket.socket(socket.AF_UNIX)
try:
    folder = os.open(".", os.O_RDONLY)
    server.connect({address!r})
except OSError:
    install()
umask = os.umask(0)
os.umask(umask)
request = marshal.dumps((
    name, script, [os.fsencode(word) for word in sys.argv[1:]], dict(os.environb), streams, umask,
    [(kind, resource.getrlimit(kind)) for kind in {limits!r}],
    [number for number in (1, 2, 3, 15) if signal.getsignal(number) == signal.SIG_IGN],
))
early = []
pid = 0

def pass_on(number, _):
    os.kill(pid, number) if pid else early.append(number)

for number in (1, 2, 3, 10, 12, 15):
    if signal.getsignal(number) != signal.SIG_IGN:
        signal.signal(number, pass_on)
given = array.array("i", [folder, *streams])
sent = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, given)]
try:
    server.sendmsg([len(request).to_bytes(8, "big")], sent)
    server.sendall(request)
    pid = int.from_bytes(server.recv(8, socket.MSG_WAITALL), "big")
except OSError:
    pid = 0
if not pid:  # the server has ended before it began
    install()
for number in early:
    os.kill(pid, number)
if not (ended := server.recv(8, socket.MSG_WAITALL)):
    sys.exit("the server of the tests has ended")
code = int.from_bytes(ended, "big", signed=True)
if code < 0:
    signal.signal(-code, signal.SIG_DFL) if -code != 9 else None
    os.kill(os.getpid(), -code)
os._exit(code)
"""


@contextmanager
def running() -> Iterator[None]:
    """Have the server while the block runs; where it cannot work, the installed scripts."""
    shutil.rmtree(
        COMMANDS, ignore_errors=True
    )  # of a run that was killed, with the same process id
    COMMANDS.mkdir(mode=0o700)
    try:
        if not hasattr(os, "pidfd_open") or len(str(COMMANDS)) > 90:  # an address has 107 bytes
            for name in _ENTRIES:
                (COMMANDS / name).symlink_to(_INSTALLED / name)
            yield
            return
        address = str(COMMANDS / "server")
        fixed = {n: v for n, v in os.environb.items() if n.decode().startswith(_DECIDED_AT_START)}
        client = _CLIENT.format(
            decided=tuple(name.encode() for name in _DECIDED_AT_START), fixed=fixed,
            scripts=str(_INSTALLED), address=address, limits=_LIMITS,
        )  # fmt: skip
        for name in _ENTRIES:
            (COMMANDS / name).write_text(f"#!{sys.executable} -IS\n{client}", encoding="utf-8")
            (COMMANDS / name).chmod(0o700)
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(address)
            listening.listen()  # before the server has imported anything: who comes early waits
            with subprocess.Popen(
                [sys.executable, "-m", "tests.forkserver", str(listening.fileno())],
                cwd=Path(__file__).parents[1], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                pass_fds=[listening.fileno()], start_new_session=True,
            ) as process:  # fmt: skip
                listening.close()  # should the server end early, clients see it
                try:
                    yield
                finally:
                    assert process.stdin is not None
                    process.stdin.close()
    finally:
        shutil.rmtree(COMMANDS)


def _import_everything() -> None:
    for name in _IMPORTED_LATE:
        importlib.import_module(name)
    for package in (importlib.import_module("palm"), importlib.import_module("jobs")):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            with suppress(ImportError):  # of what is optional, and not installed
                importlib.import_module(module.name)
    use_shared_keys(setattr)
    gc.collect()
    gc.freeze()


class _Server:
    """Forks for each client, and tells it how its command ended."""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening
        self._selector = selectors.DefaultSelector()
        self._running: dict[int, tuple[int, socket.socket]] = {}  # by descriptor of the process

    def serve(self) -> tuple[tuple[Any, ...], list[int]] | None:
        """Return what a client sent within its fork; None when standard input ends."""
        with self._selector:
            self._selector.register(0, selectors.EVENT_READ, "end")
            self._selector.register(self._listening, selectors.EVENT_READ, "client")
            while True:
                for key, _ in self._selector.select():
                    if key.data == "end":
                        return None
                    if key.data == "client":
                        if (received := self._fork()) is not None:
                            return received
                    elif key.data == "process":
                        self._ended(key.fd)
                    elif key.data in self._running:  # the client was killed: so is the command
                        self._selector.unregister(key.fd)
                        os.kill(self._running[key.data][0], signal.SIGKILL)

    def _fork(self) -> tuple[tuple[Any, ...], list[int]] | None:
        """Take the next client; return what it sent within the fork, None in the server."""
        client = self._listening.accept()[0]
        request, descriptors = _received(client)
        if not (pid := os.fork()):
            for process, (_, other) in self._running.items():
                os.close(process)
                other.close()
            client.close()
            return request, descriptors
        for descriptor in descriptors:
            os.close(descriptor)
        client.sendall(pid.to_bytes(8, "big"))
        process = os.pidfd_open(pid)
        self._running[process] = pid, client
        self._selector.register(process, selectors.EVENT_READ, "process")
        self._selector.register(client, selectors.EVENT_READ, process)
        return None

    def _ended(self, process: int) -> None:
        pid, client = self._running.pop(process)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        with suppress(OSError):  # the client was killed
            client.sendall(code.to_bytes(8, "big", signed=True))
        self._selector.unregister(process)
        with suppress(KeyError):
            self._selector.unregister(client)
        os.close(process)
        client.close()


def _received(client: socket.socket) -> tuple[tuple[Any, ...], list[int]]:
    """Return what a client sends: how it was started, and its folder and standard streams."""
    size, ancillary, _, _ = client.recvmsg(8, socket.CMSG_SPACE(4 * 4))
    descriptors = array.array("i", b"".join(data for *_, data in ancillary))
    request = client.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL)
    return marshal.loads(request), list(descriptors)  # noqa: S302 - our own client sent it


def _prepared(request: tuple[Any, ...], descriptors: list[int]) -> Callable[[], Any]:
    """Make this process what the client is; return the command."""
    name, script, words, environment, streams, umask, limits, ignored = request
    folder, *given = descriptors
    os.fchdir(folder)
    for descriptor, number in zip(given, streams, strict=True):
        os.dup2(descriptor, number)
    for number in {0, 1, 2}.difference(streams):
        os.close(number)
    for descriptor in descriptors:
        os.close(descriptor)
    for number, stream in enumerate(_STREAMS):
        reopened = _stream(number, getattr(sys, stream)) if number in streams else None
        setattr(sys, stream, reopened)
        setattr(sys, f"__{stream}__", reopened)
    os.umask(umask)
    for kind, limit in limits:
        resource.setrlimit(kind, limit)
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)
    for variable in set(os.environb) - set(environment):
        del os.environb[variable]
    os.environb.update(environment)
    sys.argv = [script, *map(os.fsdecode, words)]
    main: Callable[[], Any] = importlib.import_module(_ENTRIES[name]).main
    return main


def _stream(number: int, like: Any) -> io.TextIOWrapper:
    """Return a standard stream as an interpreter opens it, with the encoding of ours."""
    raw = io.FileIO(number, "wb" if number else "rb", closefd=False)
    if not number:
        return io.TextIOWrapper(io.BufferedReader(raw), like.encoding, like.errors)
    direct = like.write_through
    return io.TextIOWrapper(
        raw if direct else io.BufferedWriter(raw),  # type: ignore[arg-type]
        like.encoding,
        like.errors,
        newline="\n",
        line_buffering=number == 2 or raw.isatty(),
        write_through=direct,
    )


if __name__ == "__main__":
    _import_everything()
    with socket.socket(fileno=int(sys.argv[1])) as listening:
        client = _Server(listening).serve()
    if client is not None:
        sys.exit(_prepared(*client)())
