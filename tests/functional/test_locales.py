"""Paths and messages in a locale whose text is not UTF-8: GB18030, as on Chinese servers."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from tests.night import SCRIPTS

CODEC = "gb18030"
SOURCES = Path("/usr/share/i18n/locales/zh_CN")

pytestmark = [
    pytest.mark.slow,  # to make a locale takes as long as to run the command ten times
    pytest.mark.skipif(
        shutil.which("localedef") is None or not SOURCES.exists(),
        reason="no locale can be made here: on Debian, install the package locales",
    ),
]


@pytest.fixture(scope="module")
def locale(tmp_path_factory):
    """Return the environment of a process in the locale zh_CN.GB18030."""
    folder = tmp_path_factory.mktemp("locale")
    made = ["localedef", "-i", "zh_CN", "-f", "GB18030", str(folder / "zh_CN.GB18030")]
    subprocess.run(made, check=True, capture_output=True)
    return {"LOCPATH": str(folder), "LC_ALL": "zh_CN.GB18030", "PATH": os.environ["PATH"]}


@pytest.fixture
def run(locale, tmp_path):
    """Return a function that runs a command there, in a folder with a Chinese name."""
    folder = os.fsencode(tmp_path) + b"/" + "报告".encode(CODEC)
    os.mkdir(folder)  # noqa: PTH102 - a path in bytes
    with open(folder + b"/" + "名单.csv".encode(CODEC), "wb") as file:  # noqa: PTH123
        file.write(f"openid,organization_id,姓名\no{7:027},0042,王芳\n".encode(CODEC))

    def run(name, *arguments):
        given = [argument.encode(CODEC) for argument in arguments]
        done = subprocess.run(
            [os.fsencode(SCRIPTS / name), *given], cwd=folder, env=locale, capture_output=True,
            check=False,
        )  # fmt: skip
        done.names = {entry.decode(CODEC) for entry in os.listdir(folder)}  # noqa: PTH208
        return done

    run.folder = folder
    return run


def test_chinese_paths_are_read_written_and_named_in_the_locale_s_own_bytes(run):
    given = ["名单.csv", "--sandbox", "-o", "报.parquet", "-o", "夜.html", "-o", "册.xlsx"]
    done = run("palm-reconcile", *given)
    said = done.stderr.decode(CODEC)
    assert done.returncode == 0, said
    assert "名单.csv" in said
    assert "报.parquet" in said
    assert {"报.parquet", "夜.html", "册.xlsx"} <= done.names
    with open(run.folder + b"/" + "报.parquet".encode(CODEC), "rb") as file:  # noqa: PTH123
        assert list(pd.read_parquet(file)["姓名"]) == ["王芳"]
    with open(run.folder + b"/" + "夜.html".encode(CODEC), "rb") as file:  # noqa: PTH123
        assert "名单.csv".encode() in file.read()

    again = run("palm-report", "报.parquet", "--lang", "zh")
    assert again.returncode == 0, again.stderr.decode(CODEC)
    assert "名单.csv" in again.stdout.decode(CODEC)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        pytest.param(["没有.csv", "-o", "报.parquet"], 65),
        (["名单.csv", "-o", "没有/报.parquet"], 73),
        pytest.param(["名单.csv", "-o", "名单.csv"], 2),
        pytest.param(
            ["名单.csv", "-o", "报.parquet", "--baseline", "没有.parquet"],
            65,
        ),
    ],
)
def test_a_refusal_is_one_line_that_names_the_chinese_path(run, given, code):
    done = run("palm-reconcile", *given, "--sandbox")
    (line,) = done.stderr.decode(CODEC).splitlines()
    assert done.returncode == code, line
    assert any(word.rpartition("/")[0] in line or word in line for word in given)
    assert {name for name in done.names if not name.endswith(".lock")} == {"名单.csv"}
