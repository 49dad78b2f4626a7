"""A gateway on this machine that behaves as WeChat Pay's APIv3 does, with faults on demand.

WeChat Pay has no test environment for APIv3, so there is nothing to compare with but its
documentation. Each rule names the page that it comes from; a rule that no page states is called a
decision where it is implemented.

The modules behind the names are imported when a name is first used: the server is not needed to
recognize a sandbox.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from palm.sandbox.counts import Statistics
    from palm.sandbox.credentials.keyring import KeyMode, SandboxKeys
    from palm.sandbox.faults import Fault, Faults
    from palm.sandbox.gateway import SandboxGateway
    from palm.sandbox.identity import SANDBOX_MCHID
    from palm.sandbox.notifications import make_notification
    from palm.sandbox.people.population import Event, EventKind, PairState, PairStatus, Population
    from palm.sandbox.requests.limiter import SlidingWindow

__all__ = [
    "SANDBOX_MCHID",
    "Event",
    "EventKind",
    "Fault",
    "Faults",
    "KeyMode",
    "PairState",
    "PairStatus",
    "Population",
    "SandboxGateway",
    "SandboxKeys",
    "SlidingWindow",
    "Statistics",
    "make_notification",
]

_MODULES: Final = {
    "SANDBOX_MCHID": "identity",
    "Event": "people.population",
    "EventKind": "people.population",
    "Fault": "faults",
    "Faults": "faults",
    "KeyMode": "credentials.keyring",
    "Population": "people.population",
    "SandboxGateway": "gateway",
    "SandboxKeys": "credentials.keyring",
    "SlidingWindow": "requests.limiter",
    "PairState": "people.population",
    "PairStatus": "people.population",
    "Statistics": "counts",
    "make_notification": "notifications",
}

_RENAMED: Final = {
    "Gateway": "SandboxGateway",
    "Standing": "PairStatus",
    "State": "PairState",
}
"""Names of version 0.1, which still work in this one, with a warning."""


def __getattr__(name: str) -> object:
    if new := _RENAMED.get(name):
        warnings.warn(
            f"palm.sandbox.{name} is now palm.sandbox.{new}", DeprecationWarning, stacklevel=2
        )
        return getattr(import_module(__name__), new)
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"palm.sandbox.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
