"""What came of reading single engagements."""

from __future__ import annotations

from datetime import timedelta

import pytest

from zcc_pipeline.domain.ports import ReadRow
from zcc_pipeline.state import StateStore
from zcc_pipeline_tests.integration.state.conftest import DAY, NOW

pytestmark = pytest.mark.integration

SURVEYS = "zoom/surveys"
LATER = NOW + timedelta(hours=1)


def test_the_newest_read_counts_whatever_the_order_of_arrival(store: StateStore) -> None:
    store.reads.record("e1", SURVEYS, "no_answer", "http_status=444", DAY, NOW, LATER)
    store.reads.record("e1", SURVEYS, "not_found", "http_status=404", DAY, NOW, NOW)
    assert store.reads.get(SURVEYS, ["e1"])["e1"].outcome == "no_answer"

    store.reads.record("e1", SURVEYS, "found", "", DAY, NOW, LATER)
    assert store.reads.get(SURVEYS, ["e1", "e2"]) == {"e1": ReadRow("e1", SURVEYS, "found", "", DAY, NOW, LATER)}


def test_an_end_once_known_is_kept(store: StateStore) -> None:
    store.reads.record("e1", SURVEYS, "failed", "", DAY, NOW, NOW)
    store.reads.record("e1", SURVEYS, "found", "", DAY, None, LATER)

    assert store.reads.get(SURVEYS, ["e1"])["e1"].ended_at == NOW


def test_what_ended_lately_is_found_whenever_it_began(store: StateStore) -> None:
    weeks_ago = DAY - timedelta(days=60)
    store.reads.record("long", SURVEYS, "found", "", weeks_ago, NOW, LATER)
    store.reads.record("over", SURVEYS, "found", "", weeks_ago, NOW - timedelta(days=50), LATER)
    store.reads.record("short", SURVEYS, "found", "", DAY, NOW, LATER)
    store.reads.record("other", "zoom/email_messages", "found", "", weeks_ago, NOW, LATER)
    found = store.reads.ended_since(SURVEYS, NOW - timedelta(days=1), before=DAY)
    assert [row.engagement_id for row in found] == ["long"]


def test_many_reads_are_written_at_once_and_found_by_day(store: StateStore) -> None:
    following = DAY + timedelta(days=1)
    rows = [ReadRow(f"e{each}", SURVEYS, "found", "", DAY, NOW, NOW) for each in range(6_000)]
    store.reads.record_all([*rows, ReadRow("x", "zoom/email_messages", "found", "", following, NOW, NOW)])
    store.reads.record_all([])

    assert len(store.reads.get(SURVEYS, (f"e{each}" for each in range(6_000)))) == 6_000
    assert {each.engagement_id for each in store.reads.on_days(following, following)} == {"x"}
    assert not store.reads.on_days(following, following, dataset=SURVEYS)
