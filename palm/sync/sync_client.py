"""The client for code that is not asynchronous."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import partial
from os import PathLike
from types import TracebackType
from typing import TYPE_CHECKING, Self, Unpack

from palm.chain import Node
from palm.client import AsyncPalm
from palm.forks import BoundToProcess, shallow_copy
from palm.http.answer import Answer
from palm.notifications.parsing import SyncNotifications
from palm.options.client_options import ClientOptions, CopyOptions, SettingsOptions
from palm.sync.authorizations import SyncAuthorizations
from palm.sync.loop_thread import LoopThread

if TYPE_CHECKING:
    from palm.settings import Settings

__all__ = ["Palm"]


class Palm(BoundToProcess):
    """A client of WeChat Pay's palm service that returns only what it has verified.

    It takes the arguments of :class:`palm.AsyncPalm`. It works in scripts, from several threads at
    once, and where an event loop is already running (a notebook): it has a thread with an event
    loop, from the first request until it is closed, or until the program ends. A process that was
    forked may use it, too (gunicorn with ``preload_app``): there it makes its own thread and
    connections.

    Raises:
        SettingsError: As :class:`palm.AsyncPalm`.
    """

    def __init__(self, **options: Unpack[ClientOptions]) -> None:
        self._open(AsyncPalm(**options))

    @classmethod
    def from_env(
        cls, config: str | PathLike[str] | None = None, **options: Unpack[SettingsOptions]
    ) -> Self:
        """Return a client with the settings in ``PALM_*`` variables, then in ``palm.toml``.

        Args:
            config: Path of ``palm.toml``; default: the one in the current folder, if there is one.
            options: Arguments of the class, which replace settings.

        Raises:
            SettingsError: A setting or an option is missing, unknown or wrong.
        """
        palm = cls.__new__(cls)
        palm._open(AsyncPalm.from_env(config, **options))  # noqa: SLF001 - ourselves
        return palm

    @classmethod
    def from_settings(cls, settings: Settings, **options: Unpack[SettingsOptions]) -> Self:
        """Return a client with ``settings``.

        Args:
            settings: As :func:`palm.settings.load_settings` returns them.
            options: Arguments of the class, which replace settings.

        Raises:
            SettingsError: A setting or an option is missing, unknown or wrong.
        """
        palm = cls.__new__(cls)
        palm._open(AsyncPalm.from_settings(settings, **options))  # noqa: SLF001 - ourselves
        return palm

    def _open(self, palm: AsyncPalm) -> None:
        self._palm = palm
        self._thread = LoopThread(palm)
        self._original: weakref.ref[Palm] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Cancel all requests, close all connections and end the thread, permanently.

        Of a copy with other options: only if its original is gone.
        """
        if self._original is None or self._original() is None:
            self._thread.close()

    def with_options(self, **options: Unpack[CopyOptions]) -> Self:
        """Return a client with other options that shares this one's connections, pacer and keys.

        Args:
            timeout: Seconds for a whole attempt, or all timeouts; None: as in this client.
            retry: When a GET is sent again; None: as in this client.

        Raises:
            SettingsError: An option is unknown or wrong.
        """
        other = shallow_copy(self)
        other._original = self._original or weakref.ref(self)  # noqa: SLF001 - ourselves
        other._palm = self._palm.with_options(**options)  # noqa: SLF001
        return other

    __copy__ = with_options

    @property
    def authorizations(self) -> SyncAuthorizations:
        """The palm service's interfaces, typed."""
        return SyncAuthorizations(self._palm, self._thread)

    @property
    def notifications(self) -> SyncNotifications:
        """Verifies, decrypts and reads what WeChat Pay sends to the merchant's own URL."""
        return SyncNotifications(self._palm.notifications, self._thread.call)

    @property
    def v3(self) -> Node[Answer]:
        """The first node of a chain: ``palm.v3.palmservice.…``."""
        return self.chain("v3")

    def chain(self, path: str) -> Node[Answer]:
        """Return the node at ``path``, taken literally: ``palm.chain("v3/…/{openid}")``."""
        send: Callable[..., Answer] = partial(self._thread.call, self._palm.send)
        return Node("", send).chain(path)

    __getitem__ = chain
    __iter__ = None  # a client is not a sequence, though it takes keys
