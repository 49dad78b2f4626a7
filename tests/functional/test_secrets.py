"""What may be a secret is shown nowhere, whichever setting or option it was put into."""

from __future__ import annotations

import logging
import os
import secrets
import shlex
import string
from pathlib import Path

import click
import pytest

from jobs.commands import reconcile
from jobs.commands import report as show
from jobs.commands.exit_codes import exit_code_of
from jobs.commands.options.typed_options import typed_options
from jobs.errors import RunTerminatedError
from jobs.run.resumption.kept_answers import interrupted
from jobs.run.resumption.remedy import remedy
from jobs.run.resumption.typed_command import shown_command
from jobs.sweep.stats import RequestStats
from palm import Retry
from palm.commands import main as cli
from palm.commands.runner import run_command
from palm.errors import SettingsError
from palm.settings import Settings, load_settings, read_config
from tests.night import DAY, options

NOWHERE = "http://127.0.0.1:9"
RUN = 10
"""So many characters of a secret in a row are too many."""
FIELDS = [name for name in Settings.model_fields if name not in {"accept_unnamed", "require_echo"}]
COMMANDS = {
    "palm get": (cli.command, cli.exit_code_of, ["get", "o1", "--organization-id", "1004"]),
    "palm check": (cli.command, cli.exit_code_of, ["check"]),
    "palm-reconcile": (
        reconcile.command,
        exit_code_of,
        ["pairs.csv", "-o", "report.parquet", "--max-duration", "0s", "-v"],
    ),
    "palm-report": (show.command, exit_code_of, ["report.parquet"]),
}


@pytest.fixture(autouse=True)
def _alone(monkeypatch, tmp_path):
    for name in list(os.environ):
        if name.startswith("PALM_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("palm.client.Retry", lambda: Retry(attempts=1, patience_s=0.0))
    (tmp_path / "pairs.csv").write_text("openid,organization_id\no1,1004\n")


@pytest.fixture(scope="module")
def folder(keys, tmp_path_factory):
    """Settings in which nothing is wrong."""
    folder = tmp_path_factory.mktemp("sound") / "keys"
    keys.write(folder, NOWHERE)
    return folder


def token():
    """Return what an APIv3 key looks like; made anew, for the repository holds none."""
    letters = string.ascii_letters + string.digits
    return "a1" + "".join(secrets.choice(letters) for _ in range(30))


def pem(folder):
    return (folder / "merchant_key.pem").read_text()


WRONG = {
    "private key": pem,
    "APIv3 key": lambda _: token(),
    "longer token": lambda _: f"sk-{token()}{token()}",
    "URL with a password": lambda _: f"https://{token()}:{token()}@gateway.example/",
    "URL with a path": lambda _: f"https://gateway.example/{token()}/",
    "proxy with a hash in its password": lambda _: f"http://u:{token()}#{token()}@127.0.0.1:9",
    "proxy with a password": lambda _: f"http://u:{token()}@127.0.0.1:9",
}


def parts_of(canary):
    """Return the runs of a secret that must not be shown; a URL's host and labels are none."""
    words = "".join(c if c.isalnum() else " " for c in canary).split()
    return {word[i : i + RUN] for word in words if len(word) > 20 for i in range(len(word) - RUN)}


def told(canary, text):
    """Return what stands in a text of a secret."""
    return [part for part in parts_of(canary) if part in text]


@pytest.fixture
def run(monkeypatch, capfd, caplog):
    """Run a command; return all that it says and logs."""

    def run(name, *more, arguments=None):
        command, exit_code, usual = COMMANDS[name]
        words = [*(usual if arguments is None else arguments), *more]
        monkeypatch.setattr("sys.argv", [name, *words])
        handlers = logging.getLogger().handlers[:]
        try:
            with caplog.at_level(logging.DEBUG, logger="palm"), pytest.raises(SystemExit) as ended:
                run_command(command, name, exit_code, words)
        finally:
            logging.getLogger().handlers[:] = handlers
        out, err = capfd.readouterr()
        said = f"{out}\n{err}\n{caplog.text}"
        assert "Traceback" not in said
        assert ended.value.code != 1, said
        return said

    return run


def chained(error):
    """Return the texts of an error and of all that hangs on it."""
    texts = []
    while error is not None:
        texts += [str(error), repr(error), repr(vars(error))]
        error = error.__cause__ or error.__context__
    return "\n".join(texts)


def put(folder, monkeypatch, name, canary):
    """Set all variables, one of them to a secret."""
    sound = load_settings(read_config(folder / "palm.toml")).as_environment()
    for variable, value in (sound | {f"PALM_{name.upper()}": canary}).items():
        monkeypatch.setenv(variable, value)


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("name", FIELDS)
def test_a_secret_in_a_setting_is_in_no_error_and_no_repr(folder, monkeypatch, name, wrong):
    canary = WRONG[wrong](folder)
    put(folder, monkeypatch, name, canary)
    said = ""
    try:
        settings = load_settings()
        said = f"{settings!r} {settings}"
        said += repr(settings.merchant()) if name != "merchant_serial" else ""
        said += repr(settings.verifying_keys())
    except SettingsError as error:
        said += chained(error)
    assert said
    assert told(canary, said) == []


MOST_TELLING = ("private key", "APIv3 key", "URL with a path", "proxy with a hash in its password")


@pytest.mark.parametrize("wrong", MOST_TELLING)
@pytest.mark.parametrize("name", FIELDS)
def test_a_secret_in_a_setting_is_in_nothing_that_a_command_says(
    folder, monkeypatch, run, name, wrong
):
    canary = WRONG[wrong](folder)
    put(folder, monkeypatch, name, canary)
    commands = ["palm get", "palm check", "palm-reconcile"]
    for command in commands if wrong == "private key" else commands[:2]:
        assert told(canary, run(command)) == []


@pytest.mark.parametrize("name", FIELDS)
def test_a_secret_in_palm_toml_is_in_nothing_that_a_command_says(folder, tmp_path, run, name):
    sound = read_config(folder / "palm.toml")
    for wrong in MOST_TELLING:
        canary = WRONG[wrong](folder)
        values = {key: [*map(str, v)] if isinstance(v, tuple | list) else str(v)
                  for key, v in sound.items() if key != name}  # fmt: skip
        lines = [f"{key} = {value!r}" for key, value in values.items()]
        lines.append(f"{name} = '''{canary}'''")
        (tmp_path / "palm.toml").write_text("\n".join(lines))
        assert told(canary, run("palm check")) == []


OPTIONS = {
    name: [option.opts[-1] for option in command.params
           if isinstance(option, click.Option) and not option.is_flag]
    for name, command in {
        "palm get": cli.command.commands["get"],
        "palm check": cli.command.commands["check"],
        "palm-reconcile": reconcile.command,
        "palm-report": show.command,
    }.items()
}  # fmt: skip


@pytest.mark.parametrize(
    ("command", "option"),
    [(command, option) for command, options in OPTIONS.items() for option in options],
)
def test_a_private_key_in_an_option_is_in_nothing_that_a_command_says(
    folder, monkeypatch, run, command, option
):
    put(folder, monkeypatch, "proxy", "")
    assert told(pem(folder), run(command, option, pem(folder))) == []


TEXTS = ["--run-date", "--timezone", "--rate", "--deadline", "--max-duration", "--patience",
         "--max-unknown", "--fail-on", "--encoding", "--lang", "--base-url", "--proxy",
         "--ping-url", "--format", "--keep", "--concurrency", "--config"]  # fmt: skip


@pytest.mark.parametrize("option", TEXTS)
def test_a_token_in_an_option_is_in_nothing_that_a_command_says(folder, monkeypatch, run, option):
    put(folder, monkeypatch, "proxy", "")
    for wrong in MOST_TELLING[1:]:
        canary = WRONG[wrong](folder)
        assert told(canary, run("palm-reconcile", option, canary)) == []


@pytest.mark.parametrize("place", ["key", "table", "value"])
def test_a_token_anywhere_in_palm_toml_is_in_no_error(tmp_path, run, place):
    canary = token()
    text = {
        "key": f"{canary} = 1",
        "table": f"[reconcile]\n{canary} = 1",
        "value": f'[reconcile]\nrate = "{canary}"',
    }[place]
    (tmp_path / "palm.toml").write_text(text)
    assert told(canary, run("palm-reconcile")) == []


def test_a_private_key_that_stands_where_an_argument_does_is_not_shown(folder, run):
    for command in ("palm get", "palm-reconcile", "palm-report"):
        words = pem(folder).split()
        before = ["get"] if command == "palm get" else []
        assert told(pem(folder), run(command, arguments=[*before, *words])) == []
        assert told(pem(folder), run(command, arguments=[*before, "--", pem(folder)])) == []


# --- the command to go on


PING = "https://ping.example/aB3xY9aB3xY9aB3xY9"


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--ping-url", PING),
        ("--proxy", "http://user:aB3xY9aB3xY9aB3xY9@proxy.example"),
        ("--base-url", "https://user:aB3xY9@gateway.example"),
        ("--base-url", "https://gateway.example/aB3xY9aB3xY9aB3xY9"),
        ("--base-url", "https://[aB3xY9aB3xY9aB3xY9"),
    ],
)
@pytest.mark.parametrize("joined", [False, True])
def test_a_command_that_is_shown_holds_no_secret(option, value, joined):
    given = [f"{option}={value}"] if joined else [option, value]
    command = shown_command(
        tuple(typed_options(["a b.csv", *given, "--fresh", "-o", "r.csv"])), without=["--fresh"]
    )
    assert command == f"palm-reconcile 'a b.csv' -o r.csv (and {option}, not shown here)"


def test_a_command_without_a_secret_can_be_pasted_as_it_is():
    words = ["a.csv", "--base-url", "https://h.example/", "--rate=5", "-o", "r.csv"]
    assert shlex.split(shown_command(tuple(typed_options(words)))) == ["palm-reconcile", *words]


@pytest.mark.parametrize("words", [["--ping-url", PING], [f"--ping-url={PING}"]])
def test_an_interrupted_run_says_how_to_go_on_without_the_secret(words):
    typed = ("a.csv", *words, "-o", "r.csv", "--fresh")
    chosen = options(Path("a.csv"), Path("r.csv"), DAY, typed=tuple(typed_options(typed)))
    said = str(
        interrupted(
            RunTerminatedError,
            lambda: remedy(chosen.command, chosen.run, "to go on"),
            RequestStats(pairs=3),
            None,
        )
    )
    assert said.endswith(
        f"to go on: palm-reconcile a.csv -o r.csv --run-date {DAY} (and --ping-url, not shown here)"
    )
    assert "ping.example" not in said
