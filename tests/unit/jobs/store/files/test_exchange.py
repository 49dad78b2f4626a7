"""Two folders change places in one step, or nothing is done and the reason is given."""

from __future__ import annotations

import ctypes
import errno

import pytest

from jobs.store.files.exchange import exchange


@pytest.fixture
def folders(tmp_path):
    made = [tmp_path / "one", tmp_path / "an “other” 报告"]
    for folder in made:
        folder.mkdir()
        (folder / folder.name).touch()
    return made


def names(folders):
    return [[path.name for path in folder.iterdir()] for folder in folders]


def test_each_has_the_path_of_the_other(folders):
    before = names(folders)
    exchange(*folders)
    assert names(folders) == before[::-1]


def test_where_one_is_missing_nothing_is_done(folders, tmp_path):
    before = names(folders)
    with pytest.raises(FileNotFoundError) as stop:
        exchange(folders[0], tmp_path / "missing")
    assert stop.value.filename == str(folders[0])
    assert names(folders) == before


def test_where_the_c_library_has_no_such_call_it_is_not_offered(folders, monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: object())
    with pytest.raises(OSError, match="not implemented") as stop:
        exchange(*folders)
    assert stop.value.errno == errno.ENOSYS
