"""Keys for the sandbox that the tests share: making new ones takes a fifth of a second."""

from __future__ import annotations

import functools
from collections.abc import Callable

import jobs.run.sandbox_endpoint
from jobs.run.sandbox_endpoint import SandboxEndpoint
from palm.sandbox import SandboxKeys

__all__ = ["shared_keys", "use_shared_keys"]


@functools.cache
def shared_keys() -> SandboxKeys:
    """Return the keys of both sides, made once per process."""
    return SandboxKeys.generate()


def use_shared_keys(set_attribute: Callable[[object, str, object], None]) -> None:
    """Let each ``palm-reconcile --sandbox`` in this process take the shared keys.

    Args:
        set_attribute: Sets an attribute of an object, for example ``setattr``.
    """
    with_keys = functools.partial(SandboxEndpoint, shared_keys())
    set_attribute(jobs.run.sandbox_endpoint, "SandboxEndpoint", with_keys)
