"""What was erased is not waited for, kept as refused, exported or reported as missing."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from zcc_pipeline.cli.pull import show
from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.domain.ports import WantedRefresh
from zcc_pipeline.pipeline.doctor import Finding, Verdict, examine_machine
from zcc_pipeline.pipeline.event_refresh import refresh_from_events
from zcc_pipeline.pipeline.export_health import export_health
from zcc_pipeline.pipeline.rejects import quarantine_into
from zcc_pipeline.pipeline.reports import DatasetReport, DayReport, PullReport
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.sources.zoom_api import RejectedRecord
from zcc_pipeline_tests.integration.exports.engagements import engagement
from zcc_pipeline_tests.published_activities import publish
from zcc_pipeline_tests.unit.pipeline.homes import NOW, TODAY, open_home


def erase(runtime: Runtime, *ids: str) -> None:
    runtime.state.suppression.add(ids, now=NOW)


def test_an_engagement_erased_while_it_waits_to_be_read_is_not_waited_for_any_more(tmp_path: Path) -> None:
    with open_home(tmp_path) as runtime:
        runtime.state.events.want([WantedRefresh("eng-1", NOW, TODAY, "ended")])
        erase(runtime, "eng-1")

        report = refresh_from_events(runtime)

        assert (report.refreshed.suppressed, report.problems) == (1, [])
        assert runtime.state.events.waiting() == []


def test_a_record_that_cannot_be_read_is_held_unless_it_is_of_an_erased_engagement(tmp_path: Path) -> None:
    with open_home(tmp_path) as runtime:
        erase(runtime, "eng-1")
        reject = quarantine_into(runtime, DATASETS["zoom/notes"])
        for engagement_id in ("eng-1", "eng-2"):
            reject(RejectedRecord("no note_id", b'{"engagement_id":"%s","note":"x' % engagement_id.encode()))

        (held,) = runtime.state.quarantine.list()

    assert b"eng-2" in held.payload


def test_an_erased_engagement_that_the_published_copy_still_has_is_not_due_in_any_crm(tmp_path: Path) -> None:
    one, other = engagement(1), engagement(2)
    publish(tmp_path / "analytics.duckdb", [one, other])
    with open_home(tmp_path) as runtime:
        erase(runtime, one.engagement_id)

        health = export_health(runtime, "salesforce")

    assert (health.engagements, health.due.total(), health.strays) == (1, 1, 0)


def test_a_pull_tells_of_erased_records_only_where_there_are_any(capsys: pytest.CaptureFixture[str]) -> None:
    day = DayReport(date(2026, 11, 20), received=3, new=2, suppressed=1)
    show(PullReport([DatasetReport("zoom/notes", [day])]))
    assert "erased" in capsys.readouterr().out
    day.suppressed = 0
    show(PullReport([DatasetReport("zoom/notes", [day])]))
    assert "erased" not in capsys.readouterr().out


def test_the_doctor_says_how_much_is_kept_away_and_that_the_key_is_lost(tmp_path: Path) -> None:
    def found() -> Finding | None:
        with open_home(tmp_path) as runtime:
            return next((each for each in examine_machine(runtime) if each.topic == "erased"), None)

    assert found() is None
    with open_home(tmp_path) as runtime:
        erase(runtime, "eng-1", "rec-1")
    assert found() == Finding("erased", Verdict.OK, "2 ids are kept from coming back")
    (tmp_path / "keys" / "suppression.key").unlink()
    lost = found()
    assert lost is not None
    assert (lost.verdict, "suppression.key: is missing" in lost.text) == (Verdict.PROBLEM, True)
