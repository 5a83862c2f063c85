"""Which events are known, however their names are written."""

from __future__ import annotations

import pytest

from zcc_pipeline.domain.completeness import ArtefactKind
from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.domain.event_catalogue import CATALOGUE, PREFIX, RACE, canonical_name, kind_of
from zcc_pipeline_tests.published_events import published_events

NOTE_ADDED = "contact_center.engagement_note_added"


def test_every_event_that_zoom_has_published_is_known() -> None:
    published = published_events()
    assert len(published) == 124
    assert set(published) <= set(CATALOGUE)


@pytest.mark.parametrize(
    "written",
    [
        NOTE_ADDED,
        f"  {NOTE_ADDED} ",
        f"{NOTE_ADDED}\n",
        "engagement_note_added",
        "Contact_Center.Engagement_Note_Added",
        "ENGAGEMENT_NOTE_ADDED",
        "contact_center.engagement-note-added",
        "contact_center.engagement note added",
    ],
)
def test_a_name_written_otherwise_is_the_same_event(written: str) -> None:
    assert canonical_name(written) == NOTE_ADDED
    kind = kind_of(written)
    assert kind is not None
    assert kind.fact == "zoom/notes"


def test_an_unknown_name_is_no_kind_and_keeps_its_own_name() -> None:
    assert kind_of("contact_center.engagement_cloned ") is None
    assert canonical_name("contact_center.engagement_cloned ") == "contact_center.engagement_cloned"
    assert canonical_name("meeting.started") == "meeting.started"


def test_events_of_flow_scripts_refresh_their_engagement_whatever_they_are_called() -> None:
    kind = kind_of("flow.engagement_closed")
    assert kind is not None
    assert kind.refreshes
    assert kind_of("flow.something_of_our_own") is not None


def test_what_events_lead_to_exists() -> None:
    for kind in CATALOGUE.values():
        assert kind.name.startswith(PREFIX)
        assert {kind.fact, kind.tombstone} - {None} <= set(DATASETS)
        assert not (kind.fact and not kind.refreshes), "a fact without a read would never be confirmed"


def test_every_kind_of_artefact_is_announced_by_exactly_one_event() -> None:
    announced = [kind.announces for kind in CATALOGUE.values() if kind.announces]
    assert sorted(announced) == sorted(ArtefactKind)


def test_reads_after_a_note_or_a_disposition_wait_because_they_may_miss_it() -> None:
    delayed = {name for name, kind in CATALOGUE.items() if kind.delay}
    assert delayed == {NOTE_ADDED, "contact_center.engagement_disposition_added"}
    assert CATALOGUE[NOTE_ADDED].delay == RACE
