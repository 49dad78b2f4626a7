"""What a command says when it ends by a defect or an interruption."""

from __future__ import annotations

import click
import pytest

from palm.commands.runner import DEFECT, Consequence, TerminatedError, run_command


def ended_by(error: BaseException) -> tuple[str, int]:
    """Return the line and the exit code of a command that raises an error."""
    lines = []

    @click.command()
    def command() -> None:
        raise error

    with pytest.raises(SystemExit) as ended:
        run_command(command, "any", lambda _: DEFECT, [], lambda line, _: lines.append(line))
    (line,) = lines
    return line, ended.value.code


def test_a_defect_is_described_by_its_place_and_claims_nothing_of_files():
    line, code = ended_by(ZeroDivisionError("oSecret"))
    assert code == DEFECT
    assert line.startswith("Internal error (please report it): ZeroDivisionError in test_runner.py")
    assert line.endswith("(command)")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), TerminatedError(), click.Abort()])
def test_an_interruption_claims_nothing_of_files(error):
    assert ended_by(error)[0] == "interrupted"


@pytest.mark.parametrize(
    ("error", "beginning"),
    [(ZeroDivisionError(), "Internal error (please report it): "),
     (ExceptionGroup("tasks", [ZeroDivisionError()]), "Internal error (please report it): "),
     (KeyboardInterrupt(), "interrupted")],
)  # fmt: skip
def test_what_the_command_notes_on_the_error_ends_the_line(error, beginning):
    error.add_note(Consequence("the report is written"))
    line, _ = ended_by(error)
    assert line.startswith(beginning)
    assert line.endswith("; the report is written")


def test_notes_of_libraries_are_not_shown():
    error = ZeroDivisionError()
    error.add_note("oSecret")
    assert "oSecret" not in ended_by(error)[0]


@pytest.mark.parametrize(
    ("words", "environment", "table", "said"),
    [
        (["--rate", "x"], {}, {}, "'--rate': 'x' is not a valid float; see any --help"),
        ([], {"PALM_RATE": "x"}, {}, "'--rate': 'x' is not a valid float; PALM_RATE sets it; see"),
        ([], {}, {"rate": "x"}, "'--rate': 'x' is not a valid float; the settings file sets it"),
    ],
    ids=["typed", "a variable", "a settings file"],
)
def test_a_wrong_value_is_told_with_what_sets_it(monkeypatch, words, environment, table, said):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = {"auto_envvar_prefix": "PALM", "default_map": table}
    command = click.Command("any", settings, params=[click.Option(["--rate"], type=float)])
    lines = []
    with pytest.raises(SystemExit):
        run_command(command, "any", lambda _: 2, words, lambda line, _: lines.append(line))
    (line,) = lines
    assert line.startswith(f"Invalid value for {said}")
