"""The sandbox for tests of programs that use the client, with pytest or without.

The modules behind the names are imported when a name is first used: pytest loads its plugin in
every run, also where no test needs the sandbox.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from palm.testing.palm_sandbox import PalmSandbox, serving

__all__ = ["PalmSandbox", "serving"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from palm.testing import palm_sandbox  # noqa: PLC0415 - it imports the server

    return getattr(palm_sandbox, name)
