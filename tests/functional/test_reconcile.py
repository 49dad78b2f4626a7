"""The command, end to end, against the sandbox: how it ends, what it says, what it leaves."""

from __future__ import annotations

import gc
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from jobs.commands.exit_codes import exit_code_of
from jobs.errors import RunError
from jobs.report.parquet import read_parquet
from jobs.run.config import Waits
from jobs.store.locations import previous_of
from jobs.sweep.rules import SweepRules
from palm import Retry
from palm.sandbox import Faults, SandboxKeys
from palm.settings import load_settings, read_config
from tests.night import DAY, NEXT, SCRIPTS, options, run_quietly, without_times, write_pairs

SCRIPT = SCRIPTS / "palm-reconcile"


def spoil_key(path):
    """Put another key into the place of one."""
    other = SandboxKeys.generate()
    if path.name == "wechatpay_pub.pem":
        path.write_text(other.public_key_pem())
        return
    other.write(path.parent / "other", "http://127.0.0.1:1")
    path.write_bytes((path.parent / "other" / path.name).read_bytes())
    path.chmod(0o600)


def test_a_good_night_ends_with_0_and_nothing_on_standard_output(reconcile, gateway):
    ended = reconcile()
    assert (ended.code, ended.out) == (0, "")
    rows = pd.read_parquet("report.parquet")
    population = gateway.population
    assert list(rows["state"]) == [
        population.state_on(openid, organization, DAY).state
        for openid, organization in zip(rows["openid"], rows["organization_id"], strict=True)
    ]
    assert set(rows["change"]) == {"FIRST_SEEN"}
    assert list(rows["class"][:2]) == ["class 0", "class 1"]


@pytest.mark.slow
def test_the_script_ends_as_the_command_does(folder, source, config):
    """As cron runs it: no terminal, its own process."""
    done = subprocess.run(
        [SCRIPT, source, "-o", "r.parquet", "--run-date", str(DAY), "--config", config],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")
    assert "30 pairs" in done.stderr
    assert "\x1b" not in done.stderr
    assert len(pd.read_parquet("r.parquet")) == 30


def test_the_summary_tells_headline_net_change_and_controls(reconcile, gateway):
    reconcile()
    gateway.date = NEXT
    ended = reconcile("-v", run_date=NEXT)
    report = read_parquet(Path("report.parquet"))
    assert ended.code == 0
    headline = ended.err.splitlines()[0]
    states = report.summary.states
    assert headline.startswith(
        f"2025-03-04: of 30 pairs {states['ON']} are ON, {states['OFF']} OFF"
    )
    assert "since 2025-03-03" in " ".join(ended.err.split())
    assert "net change" in ended.err
    count = len(report.controls)
    assert f"{count} of {count} hold" in ended.err
    assert "30 lines = 30 pairs + 0 duplicates + 0 invalid" in ended.err
    assert ended.err.rstrip().endswith("Written: report.parquet")


def test_quiet_says_nothing_where_all_is_well(reconcile):
    ended = reconcile("--quiet")
    assert (ended.code, ended.out, ended.err) == (0, "", "")


@pytest.mark.slow
def test_verbose_names_every_line_that_holds_no_pair(reconcile, folder):
    source = write_pairs(folder / "some.csv", 500, *[",0042,x"] * 5)
    brief, long = reconcile(source=source), reconcile("--verbose", source=source)
    assert "506 (openid is empty)" in " ".join(long.err.split())
    assert "506 (openid is empty)" not in " ".join(brief.err.split())
    assert brief.code == long.code == 0


def test_more_unknown_than_allowed_ends_with_3_and_the_report_is_written(reconcile, folder):
    source = write_pairs(folder / "some.csv", 9, ",0042,x")
    ended = reconcile("--quiet", source=source)
    assert ended.code == 3
    assert ": 1 input line is invalid (10.0 %, limit 1 %) (exit 3)" in ended.only_line
    report = read_parquet(Path("report.parquet"))
    assert report.about["run"]["exit_code"] == 3
    assert report.about["input"]["invalid"] == 1


def test_the_unknown_share_counts_pairs_and_invalid_lines_alike(reconcile, folder):
    source = write_pairs(folder / "some.csv", 9, ",0042,x")
    assert reconcile("--quiet", "--max-unknown", "0.1", source=source).code == 0
    assert reconcile("--quiet", "--max-unknown", "0.0999", source=source).code == 3


def test_pairs_without_a_state_are_unknown_and_counted(reconcile, gateway):
    gateway.faults = Faults.parse("nostate=1")
    ended = reconcile()
    assert ended.code == 3
    rows = pd.read_parquet("report.parquet")
    assert set(rows["state"]) == {"UNKNOWN"}
    assert set(rows["unknown_reason"]) == {"NO_STATE"}
    assert "NO_STATE" in ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--run-date", "soon"], "not a date"),
        (["--timezone", "Mars"], "no time zone"),
        (["--rate", "nan"], "--rate"),
        (["--nonsense"], "No such option"),
        (["-o", "report.txt"], "suffix"),
        (["--baseline", "report.parquet"], "not earlier than the run date"),
    ],
)
def test_a_wrong_option_ends_with_2_and_leaves_the_report_alone(reconcile, arguments, said):
    assert reconcile("--quiet").code == 0
    before = Path("report.parquet").read_bytes()
    ended = reconcile(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.only_line
    assert Path("report.parquet").read_bytes() == before


def test_without_credentials_it_ends_with_2_and_names_the_variable(call, source):
    ended = call(source, "-o", "report.parquet")
    assert (ended.code, ended.out) == (2, "")
    assert "PALM_MCHID" in ended.only_line
    assert not Path("report.parquet").exists()


def test_a_private_key_that_everybody_can_read_ends_with_2_and_the_cure(reconcile, config):
    key = config.parent / "merchant_key.pem"
    key.chmod(0o644)
    ended = reconcile()
    assert ended.code == 2
    assert f"chmod 600 {key}" in ended.only_line


@pytest.mark.slow
def test_an_earlier_run_date_than_the_reports_ends_with_2(reconcile):
    assert reconcile("-q", run_date=NEXT).code == 0
    ended = reconcile(run_date=DAY)
    assert ended.code == 2
    assert "later than the run date" in ended.only_line


def test_an_input_of_other_pairs_on_the_same_date_needs_replace(reconcile, folder):
    assert reconcile("-q").code == 0
    other = folder / "other.csv"
    other.write_text("openid,organization_id\n" + "".join(f"x{i},9\n" for i in range(5)))
    refused = reconcile(source=other)
    assert refused.code == 2
    assert "--replace replaces it" in refused.only_line
    assert len(pd.read_parquet("report.parquet")) == 30
    assert reconcile("-q", "--replace", source=other).code == 0
    assert len(pd.read_parquet("report.parquet")) == 5


@pytest.mark.parametrize(
    "content",
    [b"", b"openid;name\na;b\n", b"openid,organization_id\n", b"PK\x03\x04zip", b"a\0b\n"],
)
def test_an_input_that_is_none_ends_with_65_and_nothing_is_asked(
    reconcile, folder, gateway, content
):
    (folder / "bad.csv").write_bytes(content)
    before = gateway.stats.requests
    ended = reconcile(source=folder / "bad.csv")
    assert (ended.code, ended.out) == (65, "")
    assert "bad.csv" in ended.only_line
    assert gateway.stats.requests == before
    assert not Path("report.parquet").exists()


def test_a_missing_input_ends_with_65(reconcile):
    ended = reconcile(source="none.csv")
    assert ended.code == 65
    assert "none.csv" in ended.only_line


@pytest.mark.parametrize("what", ["report.parquet", "baseline.parquet"])
def test_a_report_that_cannot_be_read_ends_with_65_and_stays(reconcile, what):
    Path(what).write_bytes(b"PAR1 and then nothing")
    ended = reconcile(*(["--baseline", what] if what == "baseline.parquet" else []))
    assert ended.code == 65
    assert what in ended.only_line
    assert Path(what).read_bytes() == b"PAR1 and then nothing"


@pytest.mark.parametrize("target", ["none/report.parquet", "pairs.csv/report.parquet", "keys"])
def test_a_target_that_cannot_be_written_ends_with_73_and_nothing_is_asked(
    reconcile, gateway, target
):
    before = gateway.stats.requests
    ended = reconcile("-o", target)
    assert (ended.code, ended.out) == (73, "")
    assert target.split("/")[0] in ended.only_line
    assert gateway.stats.requests == before


@pytest.mark.slow
def test_a_disk_that_is_full_ends_with_73_and_leaves_nothing(folder, source, config):
    """What is written outgrows what the process may: the journal first, or else the report."""
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024)); "
        "from jobs.commands.reconcile import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, source, "-o", "r.parquet", "--run-date", str(DAY),
         "--config", config, "-q"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (73, "")
    (line,) = done.stderr.splitlines()
    assert ".r.2025-03-03.journal cannot be written" in line
    seen = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    assert seen == {"keys", "pairs.csv"}


def test_a_gateway_out_of_reach_ends_with_75(folder, source, config):
    """As the command does, but with less patience than 30 s."""
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        settings = load_settings(read_config(config), base_url=f"http://127.0.0.1:{port}")
        waits = Waits(
            retry=Retry(attempts=2, base_s=0.01, cap_s=0.01),
            sweep=SweepRules(reach_s=0.1, reach_every_s=0.02),
        )
        chosen = options(source, folder / "r.parquet", DAY, settings=settings, waits=waits)
        with pytest.raises(RunError, match="could not be reached") as stop:
            run_quietly(chosen)
    assert exit_code_of(stop.value) == 75
    assert not (folder / "r.parquet").exists()


def test_another_merchant_key_ends_with_77_and_the_diagnosis(reconcile, config, gateway):
    spoil_key(config.parent / "merchant_key.pem")
    config.write_text(
        config.read_text().replace('merchant_certificate = "merchant_cert.pem"\n', "")
    )
    before = gateway.stats.requests
    ended = reconcile()
    assert (ended.code, ended.out) == (77, "")
    assert "HTTP 401" in ended.only_line
    assert "private_key does not belong to merchant_serial" in ended.only_line
    assert gateway.stats.requests - before <= 5
    assert not Path("report.parquet").exists()


def test_an_unknown_merchant_serial_ends_with_77_and_the_diagnosis(reconcile, config, keys):
    text = config.read_text().replace(keys.merchant_serial, "A" * 40)
    config.write_text(text.replace('merchant_certificate = "merchant_cert.pem"\n', ""))
    ended = reconcile()
    assert ended.code == 77
    assert "merchant_serial" in ended.only_line


@pytest.mark.slow
def test_another_public_key_ends_with_77_and_the_diagnosis(reconcile, config):
    spoil_key(config.parent / "wechatpay_pub.pem")
    ended = reconcile()
    assert (ended.code, ended.out) == (77, "")
    assert "download it again" in ended.only_line
    assert not Path("report.parquet").exists()


@pytest.mark.slow
def test_a_key_that_we_do_not_hold_ends_with_77(reconcile, gateway):
    """The platform signs with its certificate; we have the public key alone."""
    gateway.mode = "certificate"
    ended = reconcile()
    assert ended.code == 77
    assert "no key is held for that id" in ended.only_line


def test_too_many_answers_that_are_not_believed_end_with_4(folder, source, config, gateway):
    gateway.faults = Faults.parse("altered=0.8")
    settings, waits = load_settings(read_config(config)), Waits(retry=Retry(attempts=1))
    chosen = options(source, folder / "r.parquet", DAY, settings=settings, rate=1000, waits=waits)
    with pytest.raises(RunError, match="of 30 pairs could not be verified") as stop:
        run_quietly(chosen)
    assert exit_code_of(stop.value) == 4
    assert not (folder / "r.parquet").exists()


@pytest.mark.slow
def test_a_stopped_run_leaves_the_report_before_untouched(reconcile, gateway, folder):
    assert reconcile("-q").code == 0
    before = Path("report.parquet").read_bytes()
    gateway.mode = "certificate"
    assert reconcile(run_date=NEXT).code == 77
    assert Path("report.parquet").read_bytes() == before
    assert not previous_of(folder / "report.parquet").exists()


@pytest.mark.slow
def test_an_interrupted_run_ends_with_130_and_leaves_all_but_its_journal_as_it_was(
    reconcile, folder, source, config, gateway
):
    assert reconcile("-q").code == 0
    before, left = Path("report.parquet").read_bytes(), sorted(folder.iterdir())
    asked = gateway.stats.requests
    command = [SCRIPT, source, "-o", "report.parquet", "--rate", "5", "--config", config]
    with subprocess.Popen(
        [*command, "--run-date", str(NEXT)], stderr=subprocess.PIPE, text=True
    ) as process:
        while gateway.stats.requests == asked:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)
    assert process.returncode == 130
    (line,) = without_times(err).strip().splitlines()
    assert "interrupted" in line
    goes_on = shlex.join(map(str, ["palm-reconcile", *command[1:], "--run-date", NEXT]))
    assert line.endswith(f"to go on: {goes_on}")
    assert Path("report.parquet").read_bytes() == before
    kept = [path for path in sorted(folder.iterdir()) if ".report.2025-03-04.journal" in path.name]
    assert kept
    assert sorted(folder.iterdir()) == sorted([*left, *kept])


@pytest.mark.slow
def test_a_reader_of_the_summary_who_leaves_does_not_change_the_end(folder, source, config):
    """Such as ``| head -1``: the report is published all the same, and 0 means so."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [SCRIPT, source, "-o", "r.parquet", "--run-date", str(DAY), "--config", config],
        stderr=write, check=False,
    )  # fmt: skip
    os.close(write)
    assert done.returncode == 0
    assert len(pd.read_parquet("r.parquet")) == 30


@pytest.mark.slow
def test_the_input_may_come_from_standard_input(folder, config, source):
    done = subprocess.run(
        [SCRIPT, "-", "-o", "r.parquet", "--run-date", str(DAY), "--config", config, "-q"],
        input=source.read_bytes(), capture_output=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert read_parquet(Path("r.parquet")).about["input"]["name"] == "standard input"


def test_the_sandbox_needs_no_credentials_at_all(call, source):
    ended = call(source, "-o", "report.parquet", "--sandbox", "--run-date", DAY, "-q")
    assert (ended.code, ended.err) == (0, "")
    assert read_parquet(Path("report.parquet")).gateway.kind == "sandbox"


def rate():
    return read_parquet(Path("report.parquet")).about["asking"]["rate"]


def test_options_win_over_variables_and_those_over_the_config(call, source, config, monkeypatch):
    given = [source, "-o", "report.parquet", "--run-date", DAY, "--config", config, "-q"]
    config.write_text(config.read_text() + "\n[reconcile]\nrate = 701\n")
    assert call(*given).code == 0
    assert rate() == 701
    monkeypatch.setenv("PALM_RATE", "702")
    assert call(*given).code == 0
    assert rate() == 702
    assert call(*given, "--rate", "703").code == 0
    assert rate() == 703


def test_the_config_may_hold_every_option(call, folder, source, config):
    """Named as on the command line, with its own types."""
    table = """
    [reconcile]
    output = "from-config.parquet"
    run-date = 2025-03-03
    max-unknown = 0.5
    quiet = true
    timezone = "UTC"
    """
    config.write_text(config.read_text() + table.replace("    ", ""))
    ended = call(source, "--config", config)
    assert (ended.code, ended.err) == (0, "")
    about = read_parquet(folder / "from-config.parquet").about
    assert (about["run"]["date"], about["run"]["timezone"]) == ("2025-03-03", "UTC")


def test_a_palm_toml_in_the_current_folder_is_read(call, folder, source, config):
    text = config.read_text().replace(' = "merchant_', ' = "keys/merchant_')
    text = text.replace('"wechatpay_pub', '"keys/wechatpay_pub')
    (folder / "palm.toml").write_text(text)
    assert call(source, "-o", "report.parquet", "--run-date", DAY, "-q").code == 0


def test_credentials_may_come_from_variables(call, source, config, monkeypatch):
    for name, value in load_settings(read_config(config)).as_environment().items():
        monkeypatch.setenv(name, value)
    assert call(source, "-o", "report.parquet", "--run-date", DAY, "-q").code == 0


def test_the_base_url_given_wins_over_the_configs(reconcile, config, gateway):
    config.write_text(config.read_text().replace(gateway.base_url, "https://192.0.2.1"))
    assert reconcile("-q", "--base-url", gateway.base_url).code == 0


def test_http_to_another_machine_ends_with_2(reconcile):
    ended = reconcile("--base-url", "http://192.0.2.1")
    assert ended.code == 2
    assert "https://" in ended.only_line


def test_a_report_of_the_sandbox_is_not_replaced_by_another_gateways(reconcile, config, gateway):
    """Another merchant number makes it another gateway."""
    assert reconcile("-q").code == 0
    before = Path("report.parquet").read_bytes()
    config.write_text(config.read_text().replace('"0000000000"', '"1900000001"'))
    config.write_text(
        config.read_text().replace('merchant_certificate = "merchant_cert.pem"\n', "")
    )
    asked = gateway.stats.requests
    ended = reconcile(run_date=NEXT)
    assert ended.code == 2
    assert "merchant 0000000000 at sandbox" in ended.only_line
    assert gateway.stats.requests == asked
    assert Path("report.parquet").read_bytes() == before


HOSTILE = ["[bold]x[/]", "<script>alert(1)</script>", "=1+1", "a%2F..%2Fb", "微信用户", "[/]"]


def test_a_hostile_openid_is_asked_as_it_is_and_never_printed_as_markup(reconcile, folder, gateway):
    source = folder / "hostile.csv"
    lines = [f'"{openid}","[red]{i}"' for i, openid in enumerate(HOSTILE)]
    source.write_text("openid,organization_id\n" + "\n".join(lines) + "\n", encoding="utf-8")
    ended = reconcile("--verbose", source=source)
    assert ended.code == 0
    assert list(pd.read_parquet("report.parquet")["openid"]) == HOSTILE
    assert all(openid not in ended.err for openid in HOSTILE)
    assert {pair[1] for pair in gateway.stats.asked} >= set(HOSTILE)


def test_neither_keys_nor_openids_stand_in_the_metadata(reconcile, config):
    assert reconcile("-q").code == 0
    about = str(read_parquet(Path("report.parquet")).about)
    secret = (config.parent / "merchant_key.pem").read_text().splitlines()[1]
    assert secret not in about
    assert (config.parent / "apiv3_key.txt").read_text() not in about
    assert f"o{7:027}" not in about


def test_answers_that_name_nobody_stop_the_run_unless_they_are_accepted(
    folder, source, config, gateway
):
    gateway.echo = 0.0
    try:
        settings, waits = load_settings(read_config(config)), Waits(retry=Retry(attempts=1))
        chosen = options(
            source, folder / "r.parquet", DAY, settings=settings, rate=1000, waits=waits
        )
        with pytest.raises(RunError, match="--accept-unnamed accepts them") as caught:
            run_quietly(chosen)
        assert exit_code_of(caught.value) == 4
        report = run_quietly(replace(chosen, sweep=replace(chosen.sweep, accept_unnamed=True)))
        assert report.about["asking"]["answers_without_echo"] == 30
    finally:
        gateway.echo = 1.0


def test_each_pair_is_asked_exactly_once_where_all_goes_well(reconcile, folder, gateway):
    gateway.stats.asked.clear()
    source = write_pairs(folder / "some.csv", 100, f"o{5:027},1002,again")
    assert reconcile("-q", source=source).code == 0
    assert len(gateway.stats.asked) == 100
    assert set(gateway.stats.asked.values()) == {1}
    rows = pd.read_parquet("report.parquet")
    assert rows.loc[5, "input_duplicates"] == 1


def test_the_garbage_collector_is_left_as_it_was(reconcile):
    before = gc.get_threshold()
    assert reconcile("-q").code == 0
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
