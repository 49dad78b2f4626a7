"""A format that fails takes neither the Parquet nor another format with it."""

from __future__ import annotations

import io
from functools import partial

import pytest

import jobs.render
from jobs.commands.exit_codes import exit_code_of
from jobs.errors import RunError
from jobs.render import FORMATS, write_report
from jobs.render import writer_of as real_writer_of
from jobs.render.language import Language, RenderOptions
from jobs.report.parquet import read_parquet
from jobs.store.outputs import Outputs
from jobs.store.publish import publish, write_all

OTHERS = [name for name in FORMATS if name != "parquet"]
FULL = OSError(28, "No space left on device")


@pytest.fixture
def report(report_of, nights):
    return report_of({"A/a": "ON", "A/b": "UNKNOWN"}, nights[0], run_id="new")


@pytest.fixture
def failing(monkeypatch):
    """Let the writers of these formats fail half-way."""

    def failing(error, *formats):
        def writer_of(name):
            def write(report, file, language):
                file.write(b"half a rep")
                raise error

            return write if name in formats else real_writer_of(name)

        monkeypatch.setattr(jobs.render, "writer_of", writer_of)

    return failing


@pytest.fixture
def put(report, tmp_path):
    """Publish to these formats; return what failed."""

    def put(*formats, **given):
        files = tuple(tmp_path / f"report.{name}" for name in formats)
        counts = tmp_path / "report.parquet" if "parquet" in formats else None
        outputs = Outputs(files, counts, stdout=given.pop("stdout_format", None))
        return publish(report, outputs, baseline=None, replaced=None, **given)

    return put


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("error", [FULL, ZeroDivisionError(), MemoryError()])
def test_a_format_that_fails_stops_no_other(put, failing, report, tmp_path, name, error):
    """The Parquet says what the night came to; that a format failed is none of its business."""
    failing(error, name)
    (failed,) = put(*FORMATS)
    assert (failed.path, failed.exit_code) == (str(tmp_path / f"report.{name}"), 73)
    said = failed.sentence()
    assert "cannot be written: " in said
    assert ("No space left" if error is FULL else type(error).__name__) in said
    assert f"Run: palm-report {tmp_path}/report.parquet -o {failed.path}" in said
    assert read_parquet(tmp_path / "report.parquet").about == report.about
    assert names(tmp_path) == sorted(f"report.{each}" for each in FORMATS if each != name)


def test_every_format_that_fails_is_told_of(put, failing, tmp_path):
    failing(FULL, *OTHERS)
    failed = put(*FORMATS)
    assert [each.path for each in failed] == [str(tmp_path / f"report.{name}") for name in OTHERS]
    assert names(tmp_path) == ["report.parquet"]


def test_the_file_before_of_a_format_that_failed_stays_and_the_line_says_so(put, failing, tmp_path):
    before = tmp_path / "report.html"
    before.write_text("of the night before")
    failing(FULL, "html")
    (failed,) = put("parquet", "html")
    assert "the earlier report.html is unchanged" in failed.sentence()
    assert before.read_text() == "of the night before"


def test_standard_output_that_fails_is_a_format_too(put, tmp_path):
    class Closed(io.BytesIO):
        def write(self, _):
            raise BrokenPipeError(32, "Broken pipe")

    (failed,) = put("parquet", stdout_format="csv", stdout=Closed())
    assert failed.sentence() == (
        "standard output cannot be written: Broken pipe. The new report stands at "
        f"{tmp_path}/report.parquet. Run: palm-report {tmp_path}/report.parquet -o - --format csv"
    )
    assert names(tmp_path) == ["report.parquet"]


def test_what_to_run_is_in_the_language_of_the_run(put, failing):
    failing(FULL, "html")
    (failed,) = put("parquet", "html", render=RenderOptions(language=Language.ZH))
    assert failed.sentence().endswith(" --lang zh")


def test_what_to_run_has_the_options_of_formats_for_people_and_only_for_these(put, failing):
    failing(FULL, "html", "csv")
    render = RenderOptions(by=("a b",), show=("c",), redact=True)
    page, table = put("parquet", "html", "csv", render=render)
    assert page.sentence().endswith(".html --by 'a b' --show c --redact")
    assert table.sentence().endswith(".csv")


def test_a_defect_in_what_people_see_costs_no_format_for_programs(put, tmp_path):
    def shown():
        raise ValueError("a defect")

    (failed,) = put("parquet", "html", "csv", shown=shown)
    assert "internal error" in failed.sentence()
    assert names(tmp_path) == ["report.csv", "report.parquet"]


def test_without_a_parquet_each_other_format_stands_alone(put, failing, tmp_path):
    failing(FULL, "html")
    (failed,) = put("csv", "html", "json")
    assert "The answers are kept: run the same command again" in failed.sentence()
    assert names(tmp_path) == ["report.csv", "report.json"]


def test_where_nothing_can_be_written_the_run_stops_with_73_and_names_all(put, failing, tmp_path):
    failing(FULL, "csv", "html")
    with pytest.raises(RunError) as stop:
        put("csv", "html")
    assert exit_code_of(stop.value) == 73
    for name in ("csv", "html"):
        assert f"{tmp_path}/report.{name} cannot be written: No space left" in str(stop.value)
    assert names(tmp_path) == []


def test_a_report_that_is_converted_is_written_in_the_formats_that_can_be(
    report, failing, tmp_path
):
    failing(FULL, "html")
    files = tuple(tmp_path / f"other.{name}" for name in ("html", "csv"))
    write = partial(write_report, report, Language.EN)
    (failed,) = write_all(write, report.run_id, Outputs(files, None), Language.EN, None)
    assert failed.sentence() == f"{files[0]} cannot be written: No space left on device"
    assert names(tmp_path) == ["other.csv"]
