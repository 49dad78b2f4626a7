"""A gateway on this machine that behaves as WeChat Pay's APIv3 does, with faults on demand.

WeChat Pay has no test environment for APIv3, so there is nothing to compare with but its
documentation: each rule names the page that it comes from, and what no page says is called a
decision where it is taken.
"""

import warnings

from palm.sandbox.counts import Statistics
from palm.sandbox.credentials.keyring import SANDBOX_MCHID, KeyMode, SandboxKeys
from palm.sandbox.faults import Fault, Faults
from palm.sandbox.gateway import SandboxGateway
from palm.sandbox.people.population import Event, EventKind, Population, Standing, State
from palm.sandbox.requests.limiter import SlidingWindow

__all__ = [
    "SANDBOX_MCHID",
    "Event",
    "EventKind",
    "Fault",
    "Faults",
    "KeyMode",
    "Population",
    "SandboxGateway",
    "SandboxKeys",
    "SlidingWindow",
    "Standing",
    "State",
    "Statistics",
]


def __getattr__(name: str) -> object:
    if name == "Gateway":
        warnings.warn(
            "palm.sandbox.Gateway is now palm.sandbox.SandboxGateway",
            DeprecationWarning,
            stacklevel=2,
        )
        return SandboxGateway
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
