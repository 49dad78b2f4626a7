"""Which host is asked: the main one, and the backup only while that cannot be reached."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palm.resilience.failover import HostRules, Hosts

MAIN, BACKUP, THIRD = "https://main", "https://backup", "https://third"
RULES = HostRules(failures=3, within_s=60.0, try_main_s=30.0)


@pytest.fixture
def hosts():
    return Hosts([MAIN, BACKUP], RULES)


def switch(hosts, now=0.0):
    """Make the main host fail until the backup is asked."""
    for _ in range(RULES.failures):
        hosts.failed(hosts.current, now)


def test_the_main_host_is_asked_first(hosts):
    assert (hosts.choose(0), hosts.current, hosts.switches) == (MAIN, MAIN, 0)


def test_so_many_failures_in_a_row_switch_to_the_backup(hosts):
    hosts.failed(MAIN, 0)
    hosts.failed(MAIN, 1)
    assert hosts.choose(1) == MAIN
    hosts.failed(MAIN, 2)
    assert (hosts.choose(2), hosts.switches) == (BACKUP, 1)


def test_an_answer_in_between_starts_the_count_anew(hosts):
    hosts.failed(MAIN, 0)
    hosts.failed(MAIN, 1)
    hosts.answered(MAIN)
    hosts.failed(MAIN, 2)
    hosts.failed(MAIN, 3)
    assert hosts.choose(3) == MAIN


@pytest.mark.parametrize(("last", "asked"), [(59.9, BACKUP), (60.0, MAIN), (1000.0, MAIN)])
def test_failures_that_lie_too_far_apart_do_not_count_together(hosts, last, asked):
    hosts.failed(MAIN, 0)
    hosts.failed(MAIN, 30)
    hosts.failed(MAIN, last)
    assert hosts.choose(last) == asked


def test_on_the_backup_the_main_host_is_tried_by_one_request_now_and_then(hosts):
    switch(hosts)
    asked = [hosts.choose(second / 10) for second in range(1000)]
    assert [i / 10 for i, host in enumerate(asked) if host == MAIN] == [30.0, 60.0, 90.0]


def test_a_trial_that_fails_changes_nothing(hosts):
    switch(hosts)
    assert hosts.choose(30) == MAIN
    for at in range(30, 40):
        hosts.failed(MAIN, at)
    assert (hosts.choose(40), hosts.current, hosts.switches) == (BACKUP, BACKUP, 1)


def test_the_first_answer_of_the_main_host_switches_back(hosts):
    switch(hosts)
    assert hosts.choose(30) == MAIN
    hosts.answered(MAIN)
    assert (hosts.choose(31), hosts.switches) == (MAIN, 2)


def test_after_the_way_back_failures_are_counted_anew(hosts):
    switch(hosts)
    hosts.answered(MAIN)
    hosts.failed(MAIN, 31)
    hosts.failed(MAIN, 32)
    assert hosts.choose(32) == MAIN


def test_answers_of_the_backup_keep_it(hosts):
    switch(hosts)
    for second in range(29):
        hosts.answered(BACKUP)
        assert hosts.choose(second) == BACKUP


def test_where_the_backup_fails_too_the_main_host_is_asked_again(hosts):
    switch(hosts)
    switch(hosts, now=1.0)
    assert (hosts.choose(1.0), hosts.switches) == (MAIN, 2)


def test_failures_of_the_main_host_that_come_late_do_not_count_against_the_backup(hosts):
    """Requests that were under way when the host was switched fail afterwards."""
    switch(hosts)
    for at in range(10):
        hosts.failed(MAIN, at)
    assert hosts.choose(10) == BACKUP


def test_several_backups_are_taken_in_turn():
    hosts = Hosts([MAIN, BACKUP, THIRD], RULES)
    asked = []
    for _ in range(4):
        asked.append(hosts.current)
        switch(hosts)
    assert asked == [MAIN, BACKUP, THIRD, MAIN]


def test_a_single_host_is_asked_whatever_happens():
    hosts = Hosts([MAIN], RULES)
    for at in range(100):
        hosts.failed(MAIN, at)
    assert (hosts.choose(100), hosts.switches) == (MAIN, 0)


def test_the_rules_are_those_of_the_documentation_of_this_package():
    assert HostRules() == HostRules(failures=3, within_s=60.0, try_main_s=30.0)


@given(st.lists(st.tuples(st.floats(0, 40), st.booleans(), st.booleans())))
def test_however_hosts_behave_the_main_one_is_asked_within_the_time_of_a_trial(steps):
    """Nobody is left on the backup for good, and nobody is sent to a host that is not there."""
    hosts, now, on_backup_since = Hosts([MAIN, BACKUP], RULES), 0.0, None
    for wait, main_answers, backup_answers in steps:
        now += wait
        host = hosts.choose(now)
        assert host in {MAIN, BACKUP}
        if host == MAIN:
            on_backup_since = None
        else:
            on_backup_since = now if on_backup_since is None else on_backup_since
            assert now - on_backup_since < RULES.try_main_s
        if main_answers if host == MAIN else backup_answers:
            hosts.answered(host)
        else:
            hosts.failed(host, now)


def test_certificates_are_refused_everywhere_once_each_host_showed_one_last(hosts):
    hosts.failed(MAIN, 0.0, refused=True)
    assert not hosts.refused_everywhere
    hosts.failed(BACKUP, 0.0, refused=True)
    assert hosts.refused_everywhere
    hosts.failed(MAIN, 0.0)
    assert not hosts.refused_everywhere
    hosts.failed(MAIN, 0.0, refused=True)
    hosts.answered(BACKUP)
    assert not hosts.refused_everywhere


def test_a_single_host_whose_certificate_is_refused_is_everywhere():
    hosts = Hosts([MAIN], RULES)
    hosts.failed(MAIN, 0.0, refused=True)
    assert hosts.refused_everywhere
