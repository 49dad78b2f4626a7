"""A defect ends the command on one line, which is true of what is written and what is kept."""

from __future__ import annotations

import pytest

import jobs.commands.result_lines
import jobs.observe.notifier
import jobs.run.pipeline
import jobs.store.staging.row_source


def fail(*_, **__):
    raise ZeroDivisionError


def last_line(ended):
    return ended.err.splitlines()[-1]


@pytest.mark.parametrize(
    ("module", "name"),
    [(jobs.run.pipeline, "tidy_up"),
     (jobs.observe.notifier, "write_metrics"),
     (jobs.commands.result_lines, "say_result")],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_defect_after_the_report_was_published_says_that_it_is_written(
    reconcile, folder, monkeypatch, module, name
):
    monkeypatch.setattr(module, name, fail)
    ended = reconcile("--metrics", "palm.prom")
    assert ended.code == 1
    assert (folder / "report.parquet").exists()
    assert last_line(ended).startswith("palm-reconcile: Internal error (please report it): ")
    assert last_line(ended).endswith("; the report is written")


def test_a_defect_before_the_report_is_written_says_that_the_answers_are_kept(
    reconcile, folder, monkeypatch
):
    monkeypatch.setattr(jobs.store.staging.row_source, "classify", fail)
    ended = reconcile()
    assert ended.code == 1
    assert not (folder / "report.parquet").exists()
    assert list(folder.glob(".*journal*"))
    assert last_line(ended).endswith(
        "; no report is written; the answers so far are kept in the journal"
    )


def test_a_defect_before_anything_is_asked_says_that_nothing_is_written(
    reconcile, folder, monkeypatch
):
    monkeypatch.setattr(jobs.run.pipeline, "read_input", fail)
    ended = reconcile()
    assert ended.code == 1
    assert not (folder / "report.parquet").exists()
    assert last_line(ended).endswith("; nothing is written")


def test_a_defect_while_outputs_take_their_places_claims_neither(reconcile, folder, monkeypatch):
    monkeypatch.setattr("jobs.store.publish._place_primary", fail)
    ended = reconcile("-o", "report.csv")
    assert ended.code == 1
    assert (folder / "report.csv").exists()
    assert last_line(ended).endswith(
        "; some outputs may be written; the answers so far are kept in the journal"
    )
