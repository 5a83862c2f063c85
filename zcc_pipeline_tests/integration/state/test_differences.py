"""Differences between push and poll are kept once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from zcc_pipeline.domain.ports import DifferenceRow
from zcc_pipeline.state import StateStore
from zcc_pipeline_tests.integration.state.conftest import DAY, NOW

pytestmark = pytest.mark.integration

LOST = DifferenceRow(
    "contact_center.engagement_note_added", "n1", "only_polled", "e1", DAY, "failed", "not stored", NOW, NOW
)


def test_a_difference_is_new_once_and_keeps_the_time_it_was_detected(store: StateStore) -> None:
    later = replace(LOST, outcome="recovered", evidence="stored", detected_at=NOW + timedelta(days=1))
    assert store.differences.record_all([LOST]) == 1
    assert store.differences.record_all([later]) == 0
    (kept,) = store.differences.on_days(DAY, DAY)
    assert (kept.outcome, kept.evidence, kept.detected_at) == ("recovered", "stored", NOW)


def test_the_two_directions_of_a_subject_are_apart(store: StateStore) -> None:
    assert store.differences.record_all([LOST, replace(LOST, direction="only_pushed")]) == 2
    assert store.differences.record_all([]) == 0
    assert len(store.differences.on_days(DAY, DAY)) == 2


def test_days_outside_are_left_out(store: StateStore) -> None:
    many = [replace(LOST, subject_id=f"n{number}", day=DAY + timedelta(days=number % 2)) for number in range(2_500)]
    assert store.differences.record_all(many) == 2_500
    assert len(store.differences.on_days(DAY, DAY)) == 1_250
    assert store.differences.on_days(DAY - timedelta(days=9), DAY - timedelta(days=1)) == []
