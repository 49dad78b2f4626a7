"""What the job says while it runs, and that it names nobody."""

from __future__ import annotations

import io
import json
import logging

import pytest
import structlog

from jobs.observe.log.messages import log_error, log_summary
from jobs.observe.log.setup import set_up_logging
from jobs.person import Person
from tests.night import CLUSTER, with_members


@pytest.fixture(autouse=True)
def _as_before():
    root, palm = logging.getLogger(), logging.getLogger("palm")
    before = root.handlers[:], root.level, palm.level
    yield
    root.handlers[:], root.level, palm.level = before[0], before[1], before[2]
    structlog.reset_defaults()


class Terminal(io.StringIO):
    def isatty(self):
        return True


def said(log_format, stream=None, level=logging.INFO):
    """Return the lines of one event of each library and level."""
    stream = stream or io.StringIO()
    as_json = set_up_logging(log_format, level=level, stream=stream)
    structlog.get_logger("palm.run").info("going on", answers=3)
    structlog.get_logger("palm.pair").debug("no answer", person="0f")
    logging.getLogger("palm").warning("requests are now sent to %s", "https://h")
    logging.getLogger("aiohttp").info("not ours")
    return as_json, stream.getvalue().splitlines()


def test_json_is_one_object_a_line_whoever_says_it():
    as_json, lines = said("json")
    assert as_json
    events = [json.loads(line) for line in lines]
    assert [(event["event"], event["level"]) for event in events] == [
        ("going on", "info"),
        ("requests are now sent to https://h", "warning"),
    ]
    assert events[0]["answers"] == 3
    assert all(event["timestamp"].endswith("Z") for event in events)


def test_auto_is_json_where_nobody_looks():
    assert said("auto")[0]


def test_auto_is_text_on_a_terminal(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    as_json, lines = said("auto", Terminal())
    assert not as_json
    assert "\x1b[" in lines[0]


def test_no_color_is_kept(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    _, lines = said("text", Terminal())
    assert "going on" in lines[0]
    assert "answers=3" in lines[0]
    assert "\x1b" not in "".join(lines)


def test_verbose_tells_of_single_pairs():
    _, lines = said("json", level=logging.DEBUG)
    assert any(json.loads(line)["event"] == "no answer" for line in lines)


def test_quiet_tells_of_errors_alone():
    assert said("json", level=logging.ERROR)[1] == []


def test_standard_error_is_found_anew_for_every_event(capsys):
    """A progress bar takes its place for a while."""
    set_up_logging("json", level=logging.INFO)
    structlog.get_logger("palm.run").info("first")
    assert "first" in capsys.readouterr().err
    structlog.get_logger("palm.run").info("second")
    assert "second" in capsys.readouterr().err


def test_a_line_break_in_an_event_makes_no_second_line():
    stream = io.StringIO()
    set_up_logging("json", level=logging.INFO, stream=stream)
    structlog.get_logger("palm.run").info("a\nb", what="c\nd")
    assert len(stream.getvalue().splitlines()) == 1


def test_why_the_command_ends_is_an_event():
    stream = io.StringIO()
    set_up_logging("json", level=logging.INFO, stream=stream)
    log_error("nobody there", exit_code=75)
    event = json.loads(stream.getvalue())
    assert (event["event"], event["level"], event["exit_code"]) == ("nobody there", "error", 75)


def test_the_summary_is_an_event_with_its_counts(report_of, nights):
    stream = io.StringIO()
    set_up_logging("json", level=logging.INFO, stream=stream)
    log_summary(report_of({"A/a": "ON", "A/b": "UNKNOWN"}, nights[0]), "people")
    event = json.loads(stream.getvalue().splitlines()[-1])
    assert (event["report"], event["run_date"]) == ("people", "2025-03-03")
    assert event["states"] == {"ON": 1, "OFF": 0, "NONE": 0, "UNKNOWN": 1}
    assert event["unknown_reasons"] == {"TIMEOUT": 1}
    assert event["controls_hold"] is True
    assert event["exit_code"] == 0
    assert "cluster" not in event


def test_the_summary_says_how_many_workers_there_were(report_of, nights):
    stream = io.StringIO()
    set_up_logging("json", level=logging.INFO, stream=stream)
    log_summary(with_members(report_of({"A/a": "ON"}, nights[0]), {"cluster": CLUSTER}), "people")
    assert json.loads(stream.getvalue().splitlines()[-1])["cluster"] == CLUSTER


def test_a_person_is_16_hexadecimal_digits_that_depend_on_the_key():
    one, two = Person("one"), Person("two")
    assert one.of("o1") == Person("one").of("o1")
    assert (
        len({one.of("o1"), one.of("o2"), two.of("o1"), Person().of("o1"), Person().of("o1")}) == 5
    )
    assert len(one.of("o1")) == 16
    assert int(one.of("微信"), 16) >= 0


def test_the_key_comes_from_the_environment_and_may_be_of_any_length(monkeypatch):
    monkeypatch.setenv("PALM_LOG_KEY", "k" * 1000)
    assert Person.from_env().of("o1") == Person("k" * 1000).of("o1")
    monkeypatch.delenv("PALM_LOG_KEY")
    assert Person.from_env().of("o1") != Person.from_env().of("o1")
