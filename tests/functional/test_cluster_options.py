"""What --cluster, --cluster-plain and --work refuse, and what --plan says of workers."""

from __future__ import annotations

import pytest

REMOTE = "tls://scheduler.example:8786"


@pytest.mark.parametrize(
    ("output", "arguments", "said"),
    [
        (
            "report.parquet",
            ["--cluster", "local:2"],
            "palm-reconcile: --cluster goes with an output folder: -o reports/ --cluster local:8",
        ),
        (
            "reports/",
            ["--cluster", "somewhere"],
            (
                "palm-reconcile: --cluster 'somewhere': not local, local:8, tls://host:8786 or "
                "tcp://127.0.0.1:8786"
            ),
        ),
        (
            "reports/",
            ["--cluster-plain"],
            "palm-reconcile: --cluster-plain goes with --cluster tcp://host:port",
        ),
    ],
)
def test_what_does_not_go_together_is_one_line_and_exit_code_2(
    reconcile, gateway, folder, output, arguments, said
):
    ended = reconcile(*arguments, output=output)
    assert (ended.code, ended.only_line) == (2, said)
    assert not gateway.stats.asked
    assert not (folder / output).exists()


def test_beyond_this_machine_without_tls_is_refused_unless_it_is_said(reconcile):
    ended = reconcile("--cluster", "tcp://10.0.0.1:8786", "--plan", output="reports/")
    assert ended.code == 2
    assert "add --cluster-plain" in ended.only_line
    ended = reconcile(
        "--cluster", "tcp://10.0.0.1:8786", "--cluster-plain", "--plan", output="reports/"
    )
    assert ended.code == 0


def test_the_plan_names_parts_and_workers_and_contacts_nobody(reconcile, gateway):
    ended = reconcile("--cluster", "local:3", "--plan", output="reports/")
    assert ended.code == 0
    assert "workers     3, started on this machine\n" in ended.out
    alone = reconcile("--plan", output="reports/").out
    others = set(alone.splitlines()) - set(ended.out.splitlines())
    assert [line[:5] for line in others] == ["time "]
    ended = reconcile("--cluster", REMOTE, "--partitions", "16", "--plan", output="reports/")
    assert ended.code == 0
    assert "parts       16\n" in ended.out
    assert f"workers     those of {REMOTE}, as many as have joined when the" in ended.out
    assert not gateway.stats.asked


def test_workers_may_stand_in_the_settings(reconcile, config, monkeypatch):
    with config.open("a") as settings:
        settings.write('[reconcile]\ncluster = "local:3"\n')
    assert "workers     3, " in reconcile("--plan", output="reports/").out
    monkeypatch.setenv("PALM_CLUSTER", "local:4")
    assert "workers     4, " in reconcile("--plan", output="reports/").out
    assert "workers     5, " in reconcile("--cluster", "local:5", "--plan", output="reports/").out


def test_the_folder_of_a_run_in_progress_must_be_there(reconcile, gateway):
    ended = reconcile("--work", "nowhere")
    assert ended.code == 73
    assert ended.only_line == (
        "palm-reconcile: --work: the folder nowhere does not exist; make it first"
    )
    assert not gateway.stats.asked


@pytest.mark.slow
def test_without_dasks_settings_of_tls_nothing_is_asked_and_nothing_left(
    reconcile, gateway, folder
):
    ended = reconcile("--cluster", REMOTE, output="reports/")
    assert ended.code == 2
    assert ended.err.splitlines()[-1] == (
        f"palm-reconcile: --cluster {REMOTE} needs Dask's TLS settings: set "
        "DASK_DISTRIBUTED__COMM__TLS__CA_FILE"
    )
    assert not [path for path in folder.rglob("*") if "work" in path.name or "part" in path.name]
