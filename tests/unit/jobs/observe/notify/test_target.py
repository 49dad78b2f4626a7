"""Where messages go is read as other secrets are: never shown, and not from a public file."""

from __future__ import annotations

import logging

import pytest

import jobs.observe.notify.target
from jobs.observe.notify.target import Target, checked_target
from palm import SettingsError

URL = "wecombot://0c1a8e5b-secret"


def refused(text):
    with pytest.raises(SettingsError) as error:
        checked_target(str(text))
    assert "0c1a8e5b" not in str(error.value)
    assert error.value.__context__ is None or "0c1a8e5b" not in repr(error.value.__context__)
    return str(error.value)


@pytest.fixture
def file(tmp_path):
    """Return a private file with one address."""
    path = tmp_path / "notify.conf"
    path.write_text(f"# 告警\n{URL}\n", encoding="utf-8")
    path.chmod(0o600)
    return path


def test_what_holds_a_scheme_is_taken_as_urls():
    assert checked_target(f"{URL}, mailto://h") == Target(urls=f"{URL}, mailto://h")


def test_all_else_is_a_file(file, monkeypatch):
    assert checked_target(str(file)) == Target(file=file)
    monkeypatch.chdir(file.parent)
    assert checked_target(file.name) == Target(file=file)


@pytest.mark.parametrize("start", ["\ufeff", ""])
def test_a_byte_order_mark_is_no_harm(file, start):
    file.write_text(f"{start}{URL}\n", encoding="utf-8")
    assert checked_target(str(file)).file == file


def test_a_file_that_everybody_can_read_is_refused_and_one_of_the_group_warned_of(file, caplog):
    file.chmod(0o644)
    assert f"everybody on this machine can read {file}; run: chmod 600" in refused(file)
    file.chmod(0o640)
    with caplog.at_level(logging.WARNING, "palm"):
        assert checked_target(str(file)).file == file
    assert "the group of" in caplog.text


@pytest.mark.parametrize("content", ["", "\n \n", "# only\n; comments\n"])
def test_an_empty_file_is_refused(file, content):
    file.write_text(content)
    assert refused(file) == f"PALM_NOTIFY ({file}) holds no address"


def test_another_encoding_is_refused_with_its_place(file):
    file.write_bytes("# 告警\nmailto://0c1a8e5b\n".encode("gb18030"))
    assert refused(file) == f"PALM_NOTIFY ({file}) is not UTF-8 (byte 3): save it as UTF-8"


def test_a_missing_file_a_folder_and_a_secret_are_refused(tmp_path):
    assert refused("0c1a8e5b-missing").startswith("PALM_NOTIFY: the file with the addresses")
    assert "cannot be read" in refused(tmp_path)
    assert "cannot be read" in refused("0c1a8e5b\0")
    assert "cannot be read" in refused("0c1a8e5b" * 4000)


def test_without_apprise_the_command_that_installs_it_is_shown(monkeypatch):
    monkeypatch.setattr(jobs.observe.notify.target, "find_spec", lambda _: None)
    assert refused(URL) == (
        "PALM_NOTIFY needs Apprise, which is not installed; "
        "run: pip install 'palm-reconcile[notify]'"
    )
