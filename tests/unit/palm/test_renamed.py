"""Public names that changed still work for one release, with a warning that says the new one."""

from __future__ import annotations

import pytest

import palm
import palm.sandbox


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        (palm, "BeliefError", "VerificationError"),
        (palm, "DownloadedKeys", "CertificateStore"),
        (palm, "NewStateError", "UnrecognizedStateError"),
        (palm, "Response", "Answer"),
        (palm.sandbox, "Gateway", "SandboxGateway"),
        (palm.sandbox, "Standing", "PairStatus"),
        (palm.sandbox, "State", "PairState"),
    ],
)
def test_an_old_name_is_the_new_one_and_says_so(module, old, new):
    with pytest.warns(DeprecationWarning, match=f"{module.__name__}.{old} is now .*{new}"):
        assert getattr(module, old) is getattr(module, new)
    assert old not in module.__all__
