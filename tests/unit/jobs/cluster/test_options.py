"""What --cluster may say."""

from __future__ import annotations

import importlib.util

import pytest

from jobs.cluster.options import ClusterOptions
from jobs.errors import UsageError


def of(target, **given):
    return ClusterOptions.of(target, cores=6, **given)


@pytest.mark.parametrize(
    ("target", "workers", "address"),
    [
        (None, 0, None),
        ("local", 6, None),
        ("local:12", 12, None),
        ("tls://scheduler.example:8786", 0, "tls://scheduler.example:8786"),
        ("tcp://127.0.0.1:8786", 0, "tcp://127.0.0.1:8786"),
        ("tcp://[::1]:8786", 0, "tcp://[::1]:8786"),
        ("tcp://localhost:8786", 0, "tcp://localhost:8786"),
    ],
)
def test_workers_of_this_machine_or_a_scheduler(target, workers, address):
    found = of(target)
    assert (found.target, found.workers, found.address) == (target, workers, address)


@pytest.mark.parametrize(
    "target",
    ["", "local:0", "local:-1", "local:x", "remote", "tls://host", "tls://host:0", "http://h:1",
     "tls://host:65536", "tls://:8786", "tls://ho st:8786", "tls://user@host:8786"],
)  # fmt: skip
def test_anything_else_is_refused_with_examples(target):
    with pytest.raises(UsageError, match=r"not local, local:8, tls://host:8786"):
        of(target)


@pytest.mark.parametrize("target", ["tcp://10.0.0.1:8786", "tcp://scheduler:8786"])
def test_beyond_this_machine_only_tls(target):
    with pytest.raises(UsageError, match="use tls:// .* or, .* add --cluster-plain"):
        of(target)
    assert of(target, plain=True).address == target


def test_plain_without_a_cluster_is_refused():
    with pytest.raises(UsageError, match="--cluster-plain goes with --cluster"):
        of(None, plain=True)


def test_without_the_package_the_command_that_installs_it_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"pip install 'palm-reconcile\[dask\]'"):
        of("local:2")
    assert of(None).target is None
