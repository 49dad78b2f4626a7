"""The pytest plugin: the fixture ``palm_sandbox``. pytest finds it where the package is installed.

It imports the sandbox only when a test asks for the fixture. ``-p no:palm.testing.pytest_plugin``
switches it off.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from palm.sandbox import SandboxKeys
    from palm.testing import PalmSandbox

__all__ = ["palm_sandbox", "palm_sandbox_keys"]


@pytest.fixture(scope="session")
def palm_sandbox_keys() -> SandboxKeys:
    """Return the keys of both sides, made once a session because that takes half a second."""
    from palm.sandbox import SandboxKeys  # noqa: PLC0415 - only where a test uses it

    return SandboxKeys.generate()


@pytest.fixture
def palm_sandbox(palm_sandbox_keys: SandboxKeys) -> Iterator[PalmSandbox]:
    """Return a running gateway without faults; it ends with the test."""
    from palm.testing import PalmSandbox  # noqa: PLC0415 - only where a test uses it

    with PalmSandbox(palm_sandbox_keys) as sandbox:
        yield sandbox
