"""A gateway on this machine that behaves as WeChat Pay's APIv3 does, with faults on demand.

WeChat Pay has no test environment for APIv3, so there is nothing to compare with but its
documentation: each rule names the page that it comes from, and what no page says is called a
decision where it is taken.
"""

from palm.sandbox.counts import Statistics
from palm.sandbox.credentials.keyring import SANDBOX_MCHID, KeyMode, SandboxKeys
from palm.sandbox.faults import Fault, Faults
from palm.sandbox.gateway import Gateway
from palm.sandbox.people.population import Event, EventKind, Population, Standing, State
from palm.sandbox.requests.limiter import SlidingWindow

__all__ = [
    "SANDBOX_MCHID",
    "Event",
    "EventKind",
    "Fault",
    "Faults",
    "Gateway",
    "KeyMode",
    "Population",
    "SandboxKeys",
    "SlidingWindow",
    "Standing",
    "State",
    "Statistics",
]
