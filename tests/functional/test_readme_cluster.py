"""A newcomer's way from the page to workers: what it shows is run as typed, in three shells."""

from __future__ import annotations

import os
import re
import signal
import socket
import ssl
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from jobs.report.parquet import read_parquet
from tests import readme
from tests.night import DAY, SCRIPTS, write_pairs

ROOT = Path(__file__).parents[2]

PATIENCE_S = 60.0
ADDRESS = "127.0.0.1:8786"


def block(language, text):
    """Return the code block of the page that holds a text."""
    blocks = re.findall(rf"```{language}\n(.*?)```", readme.text_of(readme.JOBS), re.DOTALL)
    (found,) = [each for each in blocks if text in each]
    return found


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture
def shell(folder):
    """Return a function that starts a command in a shell with the variables that the page sets."""
    made, variables = block("sh", "openssl req"), block("sh", "COMM__TLS__CA_FILE=")
    subprocess.run(["bash", "-ec", made], cwd=folder, check=True, capture_output=True)
    env = os.environ | {"PATH": f"{SCRIPTS}:{os.environ['PATH']}"}
    with ExitStack() as stack:

        def start(command):
            process = subprocess.Popen(
                ["bash", "-ec", f"{variables}\nexec {command}"], cwd=folder, env=env,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip
            stack.callback(_end, process)
            return process

        yield start


def _end(process):
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
    process.communicate()


def wait_for_port(port, process):
    """Wait until somebody listens."""
    until = time.monotonic() + PATIENCE_S
    while True:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < until, "it takes too long"
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return


@pytest.mark.slow
def test_the_first_lines_try_it_on_the_sample_data(folder):
    """They are typed in a clone; the tests' environment has the package and its extra already."""
    install, run = block("sh", "--cluster local:2 --sandbox").splitlines()
    assert install == ".venv/bin/pip install -q '.[dask]'"
    command = run.replace(".venv/bin/", f"{SCRIPTS}/").replace("sample_data", f"{ROOT}/sample_data")
    ended = subprocess.run(
        ["bash", "-ec", command], cwd=folder, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    report = read_parquet(folder / "try/run_date=2026-11-21")
    assert report.metadata.cluster.joined == 2
    assert report.summary.states == {"ON": 1_447, "OFF": 176, "NONE": 396, "UNKNOWN": 0}


@pytest.mark.slow
def test_certificates_scheduler_worker_and_run(folder, gateway, shell, port):
    gateway.keys.write(folder / "keys", gateway.base_url)
    text = (folder / "keys/palm.toml").read_text()
    (folder / "palm.toml").write_text(re.sub(r'"(\w+\.pem)"', r'"keys/\1"', text))
    write_pairs(folder / "pairs.csv", 300)
    lines = block("sh", "dask scheduler --protocol tls").replace(ADDRESS, f"127.0.0.1:{port}")
    scheduler, worker, run = lines.replace("--port 8786", f"--port {port}").splitlines()
    started = shell(scheduler)
    wait_for_port(port, started)
    workers = [shell(worker), shell(worker)]
    (folder / "reports").mkdir()
    checked = shell(f"palm check --cluster tls://127.0.0.1:{port} --work reports")
    said = checked.communicate(timeout=PATIENCE_S)[0]
    assert checked.returncode == 0, said
    ran = shell(f"{run} --run-date {DAY}")
    said = ran.communicate(timeout=PATIENCE_S)[0]
    assert ran.returncode == 0, said
    report = read_parquet(folder / f"reports/run_date={DAY}")
    assert report.summary.states["UNKNOWN"] == 0
    assert 1 <= report.metadata.cluster.joined <= 2
    assert [each.poll() for each in (started, *workers)] == [None, None, None]

    stranger = ssl.create_default_context(cafile=folder / "ca.pem")
    stranger.check_hostname = False
    with (
        pytest.raises(OSError, match="(?i)certificate required|reset|EOF"),
        socket.create_connection(("127.0.0.1", port)) as plain,
        stranger.wrap_socket(plain) as connected,
    ):
        connected.recv(1)


def test_the_workers_of_kubernetes_find_the_scheduler_by_tls():
    """The operator's own variable begins with tcp://; what is set here counts instead."""
    cluster = yaml.safe_load(block("yaml", "kind: DaskCluster"))
    name, spec = cluster["metadata"]["name"], cluster["spec"]
    (worker,), (scheduler,) = (spec[each]["spec"]["containers"] for each in ("worker", "scheduler"))
    variables = {each["name"]: each["value"] for each in worker["env"]}
    (port,) = spec["scheduler"]["service"]["ports"]
    assert variables["DASK_SCHEDULER_ADDRESS"] == f"tls://{name}-scheduler:{port['port']}"
    assert spec["scheduler"]["service"]["selector"]["dask.org/cluster-name"] == name
    assert port["targetPort"] in {each["name"] for each in scheduler["ports"]}
    for container, of in ((worker, spec["worker"]), (scheduler, spec["scheduler"])):
        volumes = {each["name"] for each in of["spec"]["volumes"]}
        assert {each["name"] for each in container["volumeMounts"]} == volumes
        assert container["args"][container["args"].index("--dashboard-address") + 1] == (
            "127.0.0.1:0"
        )
