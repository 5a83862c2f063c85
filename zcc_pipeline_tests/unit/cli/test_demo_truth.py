"""The comparison with the truth can fail: whatever is lost, doubled or invented shows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from zcc_pipeline.cli.demo_truth import (
    Agreement,
    Late,
    _compare,
    _compare_statuses,
    _without_flow_transcripts,
    compare_with_truth,
)
from zcc_pipeline.domain.completeness import ArtefactKind, Reason, Status
from zcc_pipeline.domain.ports import WantedArtefact
from zcc_pipeline.domain.window import format_time
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline_tests.unit.pipeline.homes import NOW, days_ago, land_proof, open_home

LONG_AGO, LATELY = timedelta(days=2), timedelta(hours=20)


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    with open_home(tmp_path) as opened:
        yield opened


def truth(status: str, reason: str | None = None, *, ended: timedelta = LONG_AGO) -> list[dict[str, Any]]:
    return [
        {
            "engagement_id": "e",
            "end_time": format_time(NOW - ended),
            "artefacts": {"recording": {"status": status, "reason": reason}},
        }
    ]


def late(runtime: Runtime, expected: list[dict[str, Any]]) -> Late:
    return Late.at(NOW, expected, runtime.state.artefacts.on_days(days_ago(30), days_ago(0)))


def compared(runtime: Runtime, expected: list[dict[str, Any]]) -> Agreement:
    agreement = Agreement()
    _compare_statuses(agreement, expected, runtime, late(runtime, expected))
    return agreement


def want_recording(runtime: Runtime) -> None:
    wanted = WantedArtefact(ArtefactKind.RECORDING, "r", "e", days_ago(2), NOW - LONG_AGO)
    runtime.state.artefacts.want([wanted], now=NOW - LONG_AGO)


def not_found(runtime: Runtime, at: datetime, *, next_try_at: datetime) -> None:
    want_recording(runtime)
    runtime.state.artefacts.mark_failed(
        ArtefactKind.RECORDING,
        "r",
        reason=Reason.NOT_READY,
        evidence="http_status=404",
        next_try_at=next_try_at,
        now=at,
    )


@pytest.mark.parametrize(
    ("said", "reason", "true"),
    [
        (Status.STORED, None, truth("stored")),
        (Status.UNEXPLAINED, None, truth("unexplained")),
        (Status.NOT_EXPECTED, Reason.CALL_NOT_RECORDED, truth("not_expected", "call_not_recorded")),
        (Status.WAITING, Reason.SETTLING, truth("waiting", "not_ready")),
    ],
)
def test_the_same_status_and_reason_agree(
    runtime: Runtime, said: Status, reason: Reason | None, true: list[dict[str, Any]]
) -> None:
    land_proof(runtime, "e", said, day=days_ago(2), reason=reason)
    agreement = compared(runtime, true)
    assert agreement.is_full
    assert agreement.undecided.total() == 0


@pytest.mark.parametrize(
    ("said", "true"),
    [
        (Status.WAITING, truth("stored", ended=LATELY)),
        (Status.WAITING, truth("unexplained", ended=LATELY)),
        (Status.STORED, truth("deleted_at_source", "listed_then_gone")),
    ],
)
def test_what_the_rules_cannot_know_yet_is_undecided(
    runtime: Runtime, said: Status, true: list[dict[str, Any]]
) -> None:
    land_proof(runtime, "e", said, day=days_ago(1))
    agreement = compared(runtime, true)
    assert agreement.is_full
    assert agreement.undecided == {"statuses": 1}


@pytest.mark.parametrize(
    ("said", "reason", "true"),
    [
        (Status.STORED, None, truth("unexplained")),
        (Status.UNEXPLAINED, None, truth("stored")),
        (Status.NOT_EXPECTED, Reason.NOT_ANSWERED, truth("not_expected", "call_not_recorded")),
        (Status.NOT_EXPECTED, Reason.CALL_NOT_RECORDED, truth("unexplained")),
        (Status.FAILED, Reason.DOWNLOAD_FAILED, truth("stored")),
        (Status.WAITING, Reason.NOT_READY, truth("stored")),
        (Status.WAITING, Reason.SETTLING, truth("none_recorded")),
    ],
)
def test_another_status_or_an_invented_reason_differs(
    runtime: Runtime, said: Status, reason: Reason | None, true: list[dict[str, Any]]
) -> None:
    land_proof(runtime, "e", said, day=days_ago(2), reason=reason)
    (difference,) = compared(runtime, true).differences
    assert "recording of e" in difference
    assert "in truth" in difference


def test_an_engagement_that_was_lost_or_never_was_differs(runtime: Runtime) -> None:
    land_proof(runtime, "never-was", Status.STORED, day=days_ago(2), kind=ArtefactKind.NOTES)
    assert compared(runtime, truth("stored")).differences == [
        "recording of e: no status, stored in truth",
        "notes of never-was: not in truth",
    ]


def test_a_file_that_was_never_asked_for_is_not_waited_for(runtime: Runtime) -> None:
    want_recording(runtime)
    land_proof(runtime, "e", Status.WAITING, day=days_ago(2), reason=Reason.NOT_READY)
    assert not compared(runtime, truth("stored")).is_full
    assert late(runtime, truth("stored")).files == set()


def test_a_file_that_the_source_did_not_find_today_is_undecided(runtime: Runtime) -> None:
    not_found(runtime, NOW, next_try_at=NOW + timedelta(minutes=2))
    land_proof(runtime, "e", Status.WAITING, day=days_ago(2), reason=Reason.NOT_READY)
    agreement = compared(runtime, truth("stored"))
    assert agreement.is_full
    assert agreement.undecided == {"statuses": 1}
    assert late(runtime, truth("stored")).files == {("recording", "r")}


@pytest.mark.parametrize(
    ("answered", "next_try"),
    [(timedelta(days=4), timedelta(days=1)), (timedelta(days=1), timedelta(hours=-2))],
    ids=["not found for days", "overdue"],
)
def test_a_file_that_waits_for_ever_differs(runtime: Runtime, answered: timedelta, next_try: timedelta) -> None:
    not_found(runtime, NOW - answered, next_try_at=NOW + next_try)
    land_proof(runtime, "e", Status.WAITING, day=days_ago(2), reason=Reason.NOT_READY)
    assert compared(runtime, truth("stored")).differences == [
        "recording of e: waiting (not_ready), in truth stored",
    ]
    assert late(runtime, truth("stored")).files == set()


def test_rows_lost_doubled_added_and_altered_differ() -> None:
    agreement = Agreement()
    once = Counter({"text": 1})
    wanted: dict[tuple[str, ...], Counter[object]] = {
        ("e", each): Counter(once) for each in ("kept", "lost", "altered", "late", "doubled")
    }
    found: dict[tuple[str, ...], Counter[object]] = {
        ("e", "kept"): Counter(once),
        ("e", "altered"): Counter({"another text": 1}),
        ("e", "added"): Counter(once),
        ("e", "doubled"): Counter({"text": 2}),
    }
    _compare(agreement, "notes", wanted, found, {("e", "late")})
    assert agreement.differences == [
        "notes e/added: not in truth",
        "notes e/altered: another value than in truth",
        "notes e/doubled: 2 times, in truth 1",
        "notes e/lost: missing",
    ]
    assert agreement.undecided == {"notes": 1}
    assert agreement.compared == {"notes": 5}


MARTS = """
create table engagements as select 'e' as engagement_id from range({copies});
create table engagement_notes as select 'e' as engagement_id, 'n' as note_id, 'text' as note from range({copies});
create table engagement_dispositions as select 'e' as engagement_id, 'd' as disposition_id from range({copies});
create table engagement_recordings as select 'e' as engagement_id, 'r' as recording_id from range({copies});
create table engagement_voicemails as select 'e' as engagement_id, 'v' as message_id from range({copies});
create table transcript_turns as select 'e' as engagement_id, 'e' as source_id from range({copies});
"""
IN_MARTS = {
    "engagement_id": "e",
    "end_time": format_time(NOW - LONG_AGO),
    "is_closed": True,
    "artefacts": {},
    "notes": [{"note_id": "n", "note": "text"}],
    "dispositions": ["d"],
    "recordings": [{"recording_id": "r", "is_observable": True, "media_sha256": None, "transcript_sha256": None}],
    "voicemails": [{"message_id": "v", "is_observable": True, "media_sha256": None, "transcript_sha256": None}],
    "messaging_transcript_sha256": None,
    "turns": {"e": 1},
}


@pytest.mark.parametrize("copies", [1, 2, 3])
def test_rows_that_are_doubled_in_the_marts_differ(runtime: Runtime, tmp_path: Path, copies: int) -> None:
    with duckdb.connect(str(runtime.config.warehouse.analytics_path)) as connection:
        connection.execute(MARTS.format(copies=copies))
    path = tmp_path / "truth.json"
    path.write_text(json.dumps({"engagements": [IN_MARTS]}))
    agreement = compare_with_truth(runtime, path)
    assert agreement.is_full == (copies == 1)
    assert len(agreement.differences) == (0 if copies == 1 else 6)


def test_a_transcript_that_only_a_flow_script_brought_is_told_and_one_that_was_fetched_is_compared() -> None:
    agreement = Agreement()
    fetched: dict[tuple[str, ...], Counter[object]] = {("e", "fetched"): Counter({4: 1})}
    found = fetched | {("e", "pushed"): Counter({2: 1})}
    assert _without_flow_transcripts(agreement, {}, found, {"fetched"}) == fetched
    assert agreement.from_flows == 1
