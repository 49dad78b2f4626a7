"""What an editor shows of the client says which arguments, which errors, and the source."""

from __future__ import annotations

import inspect

import pytest

from palm import ArgumentError, Authorizations, Palm, SyncAuthorizations


@pytest.mark.parametrize("kind", [SyncAuthorizations, Authorizations])
@pytest.mark.parametrize("name", ["get", "get_many", "preauthorize"])
def test_a_method_names_its_arguments_errors_and_source(kind, name):
    method = getattr(kind, name)
    text = inspect.getdoc(method)
    assert {"Args:", "Raises:"} <= {*text.splitlines()}
    assert "Source: https://pay.weixin.qq.com/doc/v3/partner/401448" in text
    for argument in [*inspect.signature(method).parameters][1:]:
        assert f"\n    {argument}: " in text


def test_both_clients_have_the_same_interfaces():
    for name in ("get", "get_many", "preauthorize"):
        of_both = [
            inspect.signature(getattr(kind, name)).parameters
            for kind in (SyncAuthorizations, Authorizations)
        ]
        assert [*of_both[0]] == [*of_both[1]]


@pytest.mark.parametrize("concurrency", [0, -1, True, "3", 1.5, None])
def test_concurrency_is_a_whole_number_above_0(keys, concurrency):
    client = Palm(merchant=keys.merchant(), keys=keys.platform_keys())
    with pytest.raises(ArgumentError, match="concurrency must be at least 1, not "):
        next(client.authorizations.get_many([], concurrency=concurrency))
