"""Estimates without Zoom: from days already read, or honestly not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from zcc_pipeline.domain.completeness import ArtefactKind
from zcc_pipeline.domain.datasets import Label
from zcc_pipeline.domain.errors import PermanentError
from zcc_pipeline.domain.ports import StoredFile
from zcc_pipeline.pipeline.plan import Plan, plan
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline_tests.unit.pipeline.homes import NOW, TODAY, UNREACHABLE, days_ago, list_day, open_home, want


def read_two_days(runtime: Runtime, *, engagements: int = 1000, calls: int = 600, recordings: int = 300) -> None:
    for count in (1, 2):
        for dataset, rows in (
            ("zoom/engagements", engagements),
            ("zoom/voice_calls", calls),
            ("zoom/recordings", recordings),
            ("zoom/voicemails", 10),
        ):
            list_day(runtime, dataset, days_ago(count), rows=rows)


def planned(home: Path, days: int = 10, **settings: Any) -> Plan:
    with open_home(home, **settings) as runtime:
        read_two_days(runtime)
        return plan(runtime, days_ago(days), days_ago(1))


def test_with_nothing_to_go_by_it_says_so(tmp_path: Path) -> None:
    with (
        open_home(tmp_path) as runtime,
        pytest.raises(PermanentError, match=r"no day has been read yet.*no credentials.*zcc doctor"),
    ):
        plan(runtime, days_ago(2), TODAY)


def test_days_already_read_stand_for_the_others(tmp_path: Path) -> None:
    found = planned(tmp_path)
    assert found.days == 10
    assert found.basis == "the mean of 2 days already read"
    assert found.records["zoom/engagements"] == 10_000
    assert found.records["zoom/recordings"] == 3_000
    assert found.cost.calls_by_dataset["zoom/engagements"] == 100
    assert found.cost.calls_by_dataset["zoom/engagement_events"] == 10_000
    assert found.cost.calls_by_dataset["zoom/voice_calls"] == 60
    assert found.cost.calls_by_dataset["zoom/engagement_log"] == 100
    assert found.cost.calls_by_label[Label.HEAVY] == 160
    assert found.cost.heavy_share_of_day == pytest.approx(160 / 15_000)


def test_what_closed_late_is_looked_for_no_further_back_than_the_deep_look_back(tmp_path: Path) -> None:
    found = planned(tmp_path / "some", days=90, deep_lookback_days=30)
    assert found.records["zoom/engagement_log"] == 30_000
    assert found.cost.calls_by_dataset["zoom/engagement_log"] == 300
    with open_home(tmp_path / "none") as runtime:
        read_two_days(runtime)
        long_ago = plan(runtime, days_ago(900), days_ago(800))
    assert "zoom/engagement_log" not in long_ago.records


def test_reference_lists_cost_what_they_held_when_last_read(tmp_path: Path) -> None:
    with open_home(tmp_path) as runtime:
        read_two_days(runtime)
        list_day(runtime, "zoom/inboxes", days_ago(3), rows=7)
        list_day(runtime, "zoom/inboxes", TODAY, rows=400)
        list_day(runtime, "zoom/queues", TODAY, rows=900)
        calls = plan(runtime, days_ago(10), days_ago(1)).cost.calls_by_dataset
    assert calls["zoom/inboxes"] == 2 + 400, "two pages, then the settings of each inbox"
    assert calls["zoom/queues"] == 3


def test_the_time_is_at_least_what_the_limits_ask_for(tmp_path: Path) -> None:
    found = planned(tmp_path)
    light = found.cost.calls_by_label[Label.LIGHT]
    assert found.seconds >= light / (20 * 0.8)


def test_a_plan_without_limits_takes_no_time_of_its_own(tmp_path: Path) -> None:
    found = planned(tmp_path, zoom_plan="unlimited")
    assert found.cost.heavy_share_of_day is None
    assert found.seconds == 0


def test_a_zoom_that_cannot_be_reached_is_said_and_the_ledger_used(tmp_path: Path) -> None:
    found = planned(tmp_path, **UNREACHABLE)
    assert found.basis.startswith("the mean of 2 days already read; Zoom could not be asked: ")
    assert found.records["zoom/engagements"] == 10_000


def test_what_nothing_announces_is_an_assumption_that_is_stated(tmp_path: Path) -> None:
    with open_home(tmp_path) as runtime:
        list_day(runtime, "zoom/engagements", days_ago(1), rows=100)
        list_day(runtime, "zoom/voice_calls", days_ago(1), rows=50)
        found = plan(runtime, days_ago(1), days_ago(1))
    assert any("one recording for each voice call" in words for words in found.assumptions)
    assert found.records["zoom/recordings"] == 50


def test_media_is_estimated_from_the_files_already_fetched(tmp_path: Path) -> None:
    with open_home(tmp_path) as runtime:
        read_two_days(runtime)
        want(runtime, ArtefactKind.RECORDING, "r", day=days_ago(1))
        stored = StoredFile("recordings/r.mp3", 1_000_000, "0" * 64, "0" * 128, "audio/mpeg", "mp3")
        runtime.state.artefacts.mark_stored(ArtefactKind.RECORDING, {"r": stored}, now=NOW)
        found = plan(runtime, days_ago(10), days_ago(1))
    assert found.file_bytes == 3_000 * 1_000_000


def test_planning_does_not_fix_the_time_zone(tmp_path: Path) -> None:
    planned(tmp_path, **UNREACHABLE)
    with open_home(tmp_path, timezone="Europe/Berlin") as runtime:
        assert runtime.state.settings.timezone() is None
