"""Paths as they are found: what is no file, what is one file twice, and names of every kind."""

from __future__ import annotations

import os
import shlex
import socket
import stat
import subprocess

import pytest

import jobs.commands.reconcile
import palm.commands.main
from jobs.report.parquet import read_parquet
from palm.settings import read_config
from tests.forkserver import COMMANDS
from tests.night import DAY, NEXT, write_pairs

RECONCILE = str(COMMANDS / "palm-reconcile")
ASCII = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
"""A locale that can encode nothing but ASCII, as GB18030 cannot encode what is not in it."""


def bind(path):
    # By the folder's descriptor: a socket's address has room for some hundred characters only.
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)


def status(path):
    """Return what ``lstat`` says, but for when it was last read: following a link is reading it."""
    return [field for at, field in enumerate(path.lstat()) if at != stat.ST_ATIME]


KINDS = [
    pytest.param(os.mkfifo, "a FIFO", id="fifo"),
    pytest.param(bind, "a socket", id="socket"),
    pytest.param(lambda path: path.symlink_to("/dev/zero"), "a device", id="device"),
    pytest.param(lambda path: path.symlink_to("/dev/null"), "a device", id="null"),
]


@pytest.fixture
def ran(folder):
    """Run a command in a process of its own; it must end with one line, whatever it meets."""

    def ran(*words, env=None, cwd=folder):
        done = subprocess.run(
            [os.fsencode(word) for word in words], cwd=cwd, env=env, stdin=subprocess.DEVNULL,
            capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        said = done.stderr.decode(errors="replace")
        assert "Traceback" not in said
        assert "Internal error" not in said
        return done.returncode, said

    return ran


@pytest.mark.parametrize(("make", "kind"), KINDS)
@pytest.mark.parametrize("name", ["report.parquet", "report.csv", "reports/"])
def test_an_output_that_is_no_file_ends_with_73_and_is_left_as_it_is(
    reconcile, gateway, folder, make, kind, name
):
    place = folder / name
    if name == "reports/":
        place = folder / "reports" / f"run_date={DAY}" / "report.parquet"
        place.parent.mkdir(parents=True)
    make(place)
    before = status(place)
    ended = reconcile(output=name)
    assert ended.code == 73
    assert f"is {kind}, not a file" in ended.only_line
    assert status(place) == before
    assert not gateway.stats.asked


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/dev/null"])
def test_a_device_as_output_names_what_writes_to_standard_output(reconcile, gateway, name):
    ended = reconcile(output=name)
    assert ended.code == 73
    assert "-o - --format" in ended.only_line
    assert not gateway.stats.asked


def test_a_day_that_is_no_folder_ends_with_73_before_the_first_request(reconcile, gateway, folder):
    (folder / "reports").mkdir()
    (folder / "reports" / f"run_date={DAY}").touch()
    ended = reconcile(output="reports/")
    assert ended.code == 73
    assert f"run_date={DAY} is not a folder" in ended.only_line
    assert not gateway.stats.asked


@pytest.mark.parametrize(("make", "kind"), KINDS)
def test_a_baseline_that_is_no_file_ends_with_65(reconcile, gateway, folder, make, kind):
    make(folder / "before.parquet")
    ended = reconcile("--baseline", "before.parquet")
    assert ended.code == 65
    assert f"before.parquet cannot be read: it is {kind}, not a file" in ended.only_line
    assert not gateway.stats.asked


def test_a_fifo_among_the_earlier_reports_of_a_folder_ends_with_65(reconcile, gateway, folder):
    day = folder / "reports" / f"run_date={DAY}"
    day.mkdir(parents=True)
    os.mkfifo(day / "report.parquet")
    ended = reconcile(output="reports/", run_date=NEXT)
    assert ended.code == 65
    assert "it is a FIFO, not a file" in ended.only_line
    assert not gateway.stats.asked


@pytest.mark.parametrize(("make", "kind"), KINDS)
def test_a_journal_that_is_no_file_ends_with_73(reconcile, gateway, folder, make, kind):
    make(folder / f".report.{DAY}.journal")
    ended = reconcile()
    assert ended.code == 73
    shown = "a symbolic link" if kind == "a device" else kind  # which is not followed
    assert f"it is {shown}, not a file" in ended.only_line
    assert not gateway.stats.asked


def test_a_journal_of_another_user_is_told_with_its_owner_and_what_to_do(
    reconcile, gateway, folder, bound_by_permissions
):
    journal = folder / f".report.{DAY}.journal"
    journal.touch(mode=0o600)
    os.chown(journal, 65534, 65534)
    ended = reconcile()
    assert ended.code == 73
    assert "it belongs to nobody (uid 65534)" in ended.only_line
    assert f"sudo rm .report.{DAY}.journal" in ended.only_line
    assert not gateway.stats.asked


@pytest.mark.parametrize(("make", "kind"), KINDS)
@pytest.mark.parametrize(
    "name", ["palm.toml", "merchant_key.pem", "wechatpay_pub.pem", "apiv3.key"]
)
def test_a_setting_that_is_no_file_ends_with_2(
    reconcile, gateway, folder, config, monkeypatch, make, kind, name
):
    place = config.with_name(name)
    if name == "apiv3.key":
        monkeypatch.setenv("PALM_APIV3_KEY_FILE", str(place))
    else:
        place.unlink()
    make(place)
    place.is_symlink() or place.chmod(0o600)
    if name != "palm.toml" and place.is_symlink():
        kind = None  # everybody may read the device, which is refused before
    ended = reconcile()
    assert ended.code == 2
    assert (f"it is {kind}, not a file" if kind else name) in ended.only_line
    assert not gateway.stats.asked


@pytest.mark.parametrize(("make", "kind"), KINDS)
def test_metrics_that_are_no_file_end_with_73_and_it_is_left_as_it_is(
    reconcile, gateway, folder, make, kind
):
    make(folder / "palm.prom")
    before = status(folder / "palm.prom")
    ended = reconcile("--metrics", "palm.prom")
    assert ended.code == 73
    assert f"is {kind}, not a file" in ended.only_line
    assert status(folder / "palm.prom") == before
    assert not gateway.stats.asked


def link(path, target):
    path.symlink_to(target.name)


def hard_link(path, target):
    path.hardlink_to(target)


@pytest.mark.parametrize("make", [link, hard_link])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["-o", "other.csv"], "would be overwritten, and is the input"),
        (["-o", "other.csv", "-o", "third.csv"], ("is named twice", "csv are one file")),
        (["--metrics", "other.csv"], "other.csv would be overwritten, and is read by this run"),
        (["--metrics", "third.csv", "-o", "other.csv"], "third.csv is also an --output"),
    ],
)
def test_what_is_one_file_by_a_link_is_refused_and_left_as_it_is(
    reconcile, gateway, folder, source, make, given, said
):
    target = source if "third.csv" not in given else folder / "fourth.csv"
    target.touch()
    for name in ("other.csv", "third.csv"):
        make(folder / name, target)
    before = source.read_bytes()
    ended = reconcile(*given)
    assert ended.code == 2
    if isinstance(said, tuple):
        said = said[make is hard_link]
    assert said in ended.only_line
    assert source.read_bytes() == before
    assert not (folder / "report.parquet").exists()
    assert not gateway.stats.asked


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["-o", "pairs.csv"], "pairs.csv would be overwritten, and is the input"),
        (["--metrics", "pairs.csv"], "is read by this run"),
        (["--metrics", "before.parquet", "--baseline", "before.parquet"], "is read by this run"),
        (["--metrics", "../{name}/report.parquet"], "is also an --output"),
        (["--metrics", "{config}"], "palm.toml would be overwritten, and is read by this run"),
        (["--metrics", "{key}"], "is read by this run"),
        (["--log-file", "{config}"], "palm.toml is a file of settings or keys; name another file"),
        (["--log-file", "{key}"], "is a file of settings or keys; name another file"),
        (["-o", "report.previous.parquet"], "the report before is kept there"),
    ],
)
def test_what_is_one_file_by_its_name_is_refused(reconcile, gateway, folder, config, given, said):
    key = read_config(config)["private_key"]
    before = config.read_bytes(), key.read_bytes()
    ended = reconcile(*(text.format(name=folder.name, config=config, key=key) for text in given))
    assert ended.code == 2
    assert said in ended.only_line
    assert (config.read_bytes(), key.read_bytes()) == before
    assert not (folder / "report.parquet").exists()
    assert not gateway.stats.asked


def test_metrics_in_place_of_a_days_report_are_refused(reconcile, folder):
    metrics = folder / "reports" / f"run_date={DAY}" / "report.parquet"
    metrics.parent.mkdir(parents=True)
    ended = reconcile("--metrics", metrics, output="reports/")
    assert ended.code == 2
    assert "is also an --output" in ended.only_line


def test_an_output_that_is_the_file_in_standard_input_is_refused(ran, source):
    before = source.read_bytes()
    line = f"{RECONCILE} - -o pairs.csv --sandbox < pairs.csv"
    code, said = ran("bash", "-c", line)
    assert code == 2
    assert "is standard input" in said
    assert source.read_bytes() == before


RAW = b"\xb1\xa8\xb8\xe6\xff"
"""Bytes that are no UTF-8."""


@pytest.mark.slow
def test_names_that_are_no_utf_8_work_everywhere(ran, folder):
    write_pairs(folder / os.fsdecode(RAW + b".csv"), 5)
    words = [RECONCILE, RAW + b".csv", "-o", RAW + b".parquet", "-o", RAW + b".html", "--sandbox",
             "--metrics", RAW + b".prom"]  # fmt: skip
    assert ran(*words, "--run-date", str(DAY))[0] == 0
    assert ran(*words, "--run-date", str(NEXT))[0] == 0
    report = folder / os.fsdecode(RAW + b".parquet")
    assert read_parquet(report).about["baseline"]["run_date"] == str(DAY)
    assert ran(COMMANDS / "palm-report", RAW + b".parquet")[0] == 0
    baseline = ["--baseline", RAW + b".previous.parquet", "--run-date", str(NEXT)]
    assert ran(*words[:2], "-o", RAW + b"/", "--sandbox", *baseline)[0] == 0
    assert (folder / os.fsdecode(RAW) / f"run_date={NEXT}" / "report.parquet").exists()


@pytest.mark.slow
def test_names_that_the_locale_cannot_encode_work_where_the_command_line_has_them(ran, folder):
    write_pairs(folder / "名单.csv", 5)
    words = [RECONCILE, "名单.csv", "-o", "报告.parquet", "-o", "报告/r.html", "--sandbox"]
    (folder / "报告").mkdir()
    for day in (DAY, NEXT):
        code, said = ran(*words, "--run-date", str(day), env=ASCII)
        assert code == 0, said
    assert read_parquet(folder / "报告.parquet").about["baseline"]["run_date"] == str(DAY)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "code"),
    [
        ("output", 73),
        pytest.param("baseline", 65, marks=pytest.mark.slow),
        pytest.param("metrics", 73, marks=pytest.mark.slow),
        pytest.param("private_key", 2, marks=pytest.mark.slow),
    ],
)
def test_names_in_palm_toml_that_the_locale_cannot_encode_are_one_line(ran, folder, option, code):
    write_pairs(folder / "pairs.csv", 5)
    value = "报告.parquet"
    table = f'mchid = "1"\nmerchant_serial = "{"A" * 40}"\n'
    table += f'{option} = "{value}"\n' if code == 2 else f'[reconcile]\n{option} = "{value}"\n'
    (folder / "palm.toml").write_text(table, encoding="utf-8")
    given = [] if option == "output" else ["-o", "r.parquet"]
    sandbox = [] if code == 2 else ["--sandbox"]
    ended, said = ran(RECONCILE, "pairs.csv", "-q", *given, *sandbox, env=ASCII)
    assert (ended, len(said.splitlines())) == (code, 1), said
    assert "LC_ALL=C.UTF-8" in said


EACH_COMMAND = [
    [RECONCILE, "pairs.csv", "-o", "r.parquet", "--sandbox"],
    [RECONCILE, "pairs.csv", "-o", "reports/", "--sandbox", "--metrics", "palm.prom"],
    [RECONCILE, "pairs.csv", "-o", "r.parquet"],
    [str(COMMANDS / "palm-report"), "r.parquet"],
    [str(COMMANDS / "palm"), "get", "o1", "--organization-id", "1"],
    [str(COMMANDS / "palm"), "check"],
]


@pytest.mark.parametrize(
    "command", EACH_COMMAND, ids=lambda words: shlex.join(words[-3:]).removeprefix(f"{COMMANDS}/")
)
def test_a_working_folder_that_is_gone_is_one_line(ran, folder, command):
    code, said = ran(
        "bash", "-c", f"mkdir gone && cd gone && rmdir ../gone && {shlex.join(command)}"
    )
    assert code in {2, 65, 73, 77}, said
    assert len(said.splitlines()) <= 1
    if RECONCILE in command:
        assert (code, "working folder no longer exists" in said) == (73, True)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (["-o", "locked/r.parquet"], 73),
        (["-o", "locked/reports/"], 73),
        (["-o", "r.parquet", "--metrics", "locked/palm.prom"], 73),
        (["-o", "r.parquet", "--baseline", "locked/before.parquet"], 65),
        (["-o", "r.parquet", "--config", "locked/palm.toml"], 2),
        (["-o", "loop/r.parquet"], 73),
        (["-o", "loop"], 73),
        (["-o", "r.parquet", "--metrics", "loop"], 73),
        (["-o", "r.parquet", "--baseline", "loop"], 65),
        (["-o", "r.parquet", "--config", "loop"], 2),
    ],
)
def test_a_folder_that_cannot_be_searched_and_a_loop_of_links_are_one_line(
    call, folder, source, bound_by_permissions, given, code
):
    (folder / "locked").mkdir(mode=0)
    (folder / "loop").symlink_to("loop")
    ended = call(source, "--sandbox", "-q", *given)
    assert ended.code == code
    assert "Internal error" not in ended.only_line


@pytest.mark.parametrize("main", [jobs.commands.reconcile.main, palm.commands.main.main])
def test_a_working_folder_that_cannot_be_searched_is_one_line(
    call_main, folder, source, bound_by_permissions, main
):
    words = [source, "-o", "r.parquet", "--sandbox", "-q"]
    if main is palm.commands.main.main:
        words = ["get", "o1", "--organization-id", "1"]
    folder.chmod(0)
    ended = call_main(main, *words)
    folder.chmod(0o700)
    assert ended.code == 2
    assert "palm.toml" in ended.only_line or "--config" in ended.only_line
    assert "Permission denied" in ended.only_line


def test_a_day_that_cannot_be_written_to_ends_with_73_before_the_first_request(
    reconcile, gateway, folder, bound_by_permissions
):
    (folder / "reports").mkdir()
    (folder / "reports" / f"run_date={DAY}").mkdir(mode=0o500)
    ended = reconcile(output="reports/")
    assert ended.code == 73
    assert f"run_date={DAY} cannot be written to: Permission denied" in ended.only_line
    assert not gateway.stats.asked


def test_an_input_in_a_folder_that_cannot_be_searched_ends_with_65(
    call, folder, bound_by_permissions
):
    (folder / "locked").mkdir(mode=0)
    ended = call("locked/pairs.csv", "-o", "r.parquet", "--sandbox", "-q")
    assert ended.code == 65
    assert "Permission denied" in ended.only_line


def test_an_earlier_report_in_a_folder_that_cannot_be_searched_ends_with_65(
    call, folder, source, bound_by_permissions
):
    (folder / "reports").mkdir()
    (folder / "reports" / "run_date=2020-01-01").mkdir(mode=0)
    ended = call(source, "-o", "reports/", "--sandbox", "-q")
    assert ended.code == 65
    assert "cannot be read: Permission denied; let this user read it" in ended.only_line


def test_an_earlier_report_that_this_user_may_not_read_is_not_to_be_moved_away(
    reconcile, folder, bound_by_permissions
):
    assert reconcile(output="r.parquet").code == 0
    (folder / "r.parquet").chmod(0)
    ended = reconcile(output="r.parquet")
    assert ended.code == 65
    assert ended.only_line.endswith("Permission denied; let this user read it")


def test_metrics_that_cannot_be_written_are_told_also_when_quiet(
    reconcile, folder, bound_by_permissions
):
    (folder / "kept").mkdir(mode=0o500)
    ended = reconcile("--metrics", "kept/palm.prom", "-q", output="r.parquet")
    assert ended.code == 0
    assert "palm.prom cannot be written: Permission denied" in ended.only_line


def modes(folder):
    return {
        path.relative_to(folder).as_posix(): oct(path.lstat().st_mode & 0o7777)
        for path in folder.rglob("*")
        if path.name != "pairs.csv"
    }


RUN = f"{RECONCILE} pairs.csv --sandbox -q --run-date {DAY}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("umask", "file", "made", "metrics"),
    [
        pytest.param("000", "0o640", "0o750", "0o644", marks=pytest.mark.manual),
        ("022", "0o640", "0o750", "0o644"),
        pytest.param("027", "0o640", "0o750", "0o640", marks=pytest.mark.manual),
        ("077", "0o600", "0o700", "0o600"),
    ],
)
def test_what_is_made_has_the_documented_mode_less_the_umask(
    ran, folder, source, umask, file, made, metrics
):
    line = f"umask {umask}; {RUN} -o reports/ -o r.csv -o r.html --metrics palm.prom"
    assert ran("bash", "-c", line) == (0, "")
    day = f"reports/run_date={DAY}"
    assert modes(folder) == {
        "reports": made,
        day: made,
        f"{day}/report.parquet": file,
        "reports/.report.lock": "0o600",
        "r.csv": file,
        "r.html": file,
        "palm.prom": metrics,
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    "mode",
    [
        pytest.param(0o600, marks=pytest.mark.manual),
        pytest.param(0o644, marks=pytest.mark.manual),
        0o660,
    ],
)
def test_what_is_replaced_keeps_its_mode(ran, folder, source, mode):
    names = ["r.parquet", "r.csv", "palm.prom"]
    line = f"umask 022; {RUN} -o r.parquet -o r.csv --metrics palm.prom"
    assert ran("bash", "-c", line) == (0, "")
    for name in names:
        (folder / name).chmod(mode)
    assert ran("bash", "-c", f"umask 077; {line.partition('; ')[2]}") == (0, "")
    assert {name: modes(folder)[name] for name in names} == dict.fromkeys(names, oct(mode))


def test_metrics_by_a_link_replace_what_it_points_to(call, folder, source):
    (folder / "there").mkdir()
    (folder / "palm.prom").symlink_to("there/palm.prom")
    assert call(source, "-o", "r.parquet", "--sandbox", "-q", "--metrics", "palm.prom").code == 0
    assert (folder / "palm.prom").is_symlink()
    assert "palm_reconcile_exit_code{" in (folder / "there" / "palm.prom").read_text()
    assert [path.name for path in (folder / "there").iterdir()] == ["palm.prom"]


@pytest.mark.slow
def test_what_a_killed_run_of_the_same_process_id_left_keeps_no_metrics_from_being_written(
    call, folder, source
):
    (folder / f".palm.prom.{os.getpid()}.tmp").write_text("torn")
    name = "名" * 80 + ".prom"
    for path in ("palm.prom", name):
        assert call(source, "-o", "r.html", "--sandbox", "-q", "--metrics", path).err == ""
        assert "palm_reconcile_exit_code{" in (folder / path).read_text()
    assert not list(folder.glob("*.tmp"))
    assert not list(folder.glob(".*.tmp"))


@pytest.mark.parametrize("option", ["--metrics", "--log-file"])
def test_a_sandboxs_run_writes_no_metrics_or_log_over_palm_toml(call, folder, source, option):
    settings = folder / "palm.toml"
    settings.write_text('mchid = "1900000001"\n')
    ended = call(source, "-o", "r.parquet", "--sandbox", option, "palm.toml")
    assert ended.code == 2
    assert settings.read_text() == 'mchid = "1900000001"\n'
    assert not (folder / "r.parquet").exists()
