"""The comparison with the truth can fail: whatever is lost, doubled or invented shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from zcc_pipeline.cli.demo_truth import Agreement, _compare, _compare_statuses, _without_flow_transcripts
from zcc_pipeline.domain.completeness import ArtefactKind, Reason, Status
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline_tests.unit.pipeline.homes import days_ago, land_proof, open_home


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    with open_home(tmp_path) as opened:
        yield opened


def truth(status: str, reason: str | None = None) -> list[dict[str, Any]]:
    return [{"engagement_id": "e", "artefacts": {"recording": {"status": status, "reason": reason}}}]


def compared(runtime: Runtime, expected: list[dict[str, Any]]) -> Agreement:
    agreement = Agreement()
    _compare_statuses(agreement, expected, runtime)
    return agreement


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
    [(Status.WAITING, truth("stored")), (Status.STORED, truth("deleted_at_source", "listed_then_gone"))],
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


def test_rows_lost_added_and_altered_differ() -> None:
    agreement = Agreement()
    wanted: dict[tuple[str, ...], object] = {("e", "kept"): 1, ("e", "lost"): 1, ("e", "altered"): 1, ("e", "late"): 1}
    found: dict[tuple[str, ...], object] = {("e", "kept"): 1, ("e", "altered"): 2, ("e", "added"): 1}
    _compare(agreement, "notes", wanted, found, {"late"})
    assert agreement.differences == [
        "notes e/added: not in truth",
        "notes e/altered: another value than in truth",
        "notes e/lost: missing",
    ]
    assert agreement.undecided == {"notes": 1}
    assert agreement.compared == {"notes": 4}


def test_a_transcript_that_only_a_flow_script_brought_is_told_and_one_that_was_fetched_is_compared() -> None:
    agreement = Agreement()
    found: dict[tuple[str, ...], object] = {("e", "fetched"): 4, ("e", "pushed"): 2}
    assert _without_flow_transcripts(agreement, {}, found, {"fetched"}) == {("e", "fetched"): 4}
    assert agreement.from_flows == 1
