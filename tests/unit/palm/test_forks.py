"""What belongs to one process says so when it is pickled, and has copies of its own kind."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from palm import AsyncPalm, Palm
from palm.forks import BoundToProcess, shallow_copy


@pytest.fixture(params=[AsyncPalm, Palm])
def client(request, keys):
    return request.param(merchant=keys.merchant(), keys=keys.platform_keys())


@pytest.mark.parametrize("copied", [pickle.dumps, copy.deepcopy])
def test_a_client_that_is_pickled_says_what_to_do_instead(client, copied):
    name = type(client).__name__
    wanted = f"{name} cannot be pickled or deep-copied, .* as {name}.from_env\\(\\) does"
    with pytest.raises(TypeError, match=wanted):
        copied(client)


def test_so_do_its_interfaces(client):
    with pytest.raises(TypeError, match="cannot be pickled or deep-copied"):
        pickle.dumps(client.authorizations)


def test_a_pool_of_processes_passes_that_on(keys):
    client = Palm(merchant=keys.merchant(), keys=keys.platform_keys())
    with (
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
        pytest.raises(TypeError, match="make one in each process"),
    ):
        pool.submit(client.authorizations.get, "o1", "1").result()


def test_a_copy_has_the_same_attributes_and_its_own_place_for_them():
    class Kind(BoundToProcess):
        pass

    original = Kind()
    original.one = 1
    other = shallow_copy(original)
    other.one, other.two = 2, 2
    assert (type(other), vars(original), vars(other)) == (Kind, {"one": 1}, {"one": 2, "two": 2})


def test_closing_a_copy_leaves_the_original_open(keys):
    original = Palm(merchant=keys.merchant(), keys=keys.platform_keys())
    copy.copy(original).close()
    assert original._thread._close.alive
    original.close()
    assert not original._thread._close.alive
