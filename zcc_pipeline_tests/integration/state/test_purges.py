"""A purge that is under way is known until it is done, and takes out of the ledgers what is of its engagements."""

from __future__ import annotations

from pathlib import Path

import pytest

from zcc_pipeline.domain.completeness import ArtefactKind
from zcc_pipeline.domain.export_ledger import ExportPlan
from zcc_pipeline.domain.ports import WantedArtefact, WantedRefresh
from zcc_pipeline.domain.purging import PendingPurge, Traces
from zcc_pipeline.state import StateStore
from zcc_pipeline_tests.integration.state.conftest import DAY, NOW

pytestmark = pytest.mark.integration

SECRET = b'{"note": "nobody may read this any more"}'


def pending(engagement_id: str, **more: object) -> PendingPurge:
    return PendingPurge(engagement_id, f"urn:{engagement_id}", DAY, "run-1", "legal", None, NOW, **more)  # type: ignore[arg-type]


def fill(store: StateStore, engagement_id: str) -> None:
    """A row of it in every table that has any."""
    store.artefacts.want(
        [WantedArtefact(ArtefactKind.RECORDING, f"r-{engagement_id}", engagement_id, DAY, NOW)], now=NOW
    )
    store.reads.record(engagement_id, "zoom/surveys", "found", "200", DAY, NOW, NOW)
    store.absences.mark("zoom/recordings", [f"r-{engagement_id}"], DAY, NOW)
    store.events.want([WantedRefresh(engagement_id, NOW, DAY, "ended")])
    store.exports.begin("hubspot", [ExportPlan(engagement_id, DAY, "a", "m", "c")], now=NOW)
    store.exports.begun("hubspot", [(engagement_id, "n1")], now=NOW)
    store.quarantine.add("polling", "zoom/notes", f"n-{engagement_id}", "no id", "", SECRET, NOW)


def rows(store: StateStore) -> list[object]:
    return [
        *store.artefacts.on_days(DAY, DAY),
        *store.reads.on_days(DAY, DAY),
        *store.absences.pending("zoom/recordings", DAY),
        *store.events.waiting(),
        *store.exports.on_day("hubspot", DAY),
        *(item.record_id for item in store.quarantine.list(None)),
    ]


def test_what_has_begun_is_pending_until_it_is_finished_and_beginning_again_changes_nothing(store: StateStore) -> None:
    assert store.purges.is_empty()
    store.purges.begin([pending("e1"), pending("e2")])
    store.purges.mark_logged(["e1"])
    store.purges.begin([pending("e1")])
    assert [(each.engagement_id, each.is_logged) for each in store.purges.pending()] == [("e1", True), ("e2", False)]
    store.purges.mark_out_of_inbox(["e1"])
    assert [each.is_out_of_inbox for each in store.purges.pending()] == [True, False]
    store.purges.abandon(["e2"])
    store.purges.finish(["e1"])
    assert store.purges.is_empty()


def test_traces_are_kept_until_it_is_finished(store: StateStore) -> None:
    store.purges.begin([pending("e1")])
    found = {"e1": Traces({"zoom/notes": frozenset({"n1", "n2"})}, frozenset({DAY}))}
    store.purges.add_traces(found)
    store.purges.add_traces(found)
    assert store.purges.traces() == found["e1"]
    store.purges.finish(["e1"])
    assert store.purges.traces() == Traces()


def test_everything_of_an_engagement_goes_and_others_keep_theirs(store: StateStore) -> None:
    fill(store, "e1")
    before = rows(store)
    fill(store, "e2")
    quarantined = store.purges.find_quarantined(lambda _dataset, record_id, _payload: record_id == "n-e2")
    counts = store.purges.erase(["e2"], {"zoom/recordings": frozenset({"r-e2"})}, quarantined)
    assert rows(store) == before
    assert sum(counts.values()) == 7
    assert store.purges.erase(["e2"], {"zoom/recordings": frozenset({"r-e2"})}, quarantined) == {}
    store.purges.scrub()
    assert rows(store) == before


def test_no_byte_of_what_was_quarantined_is_left_in_the_file_or_its_log(tmp_path: Path) -> None:
    with StateStore.open(f"sqlite:///{tmp_path}/state.sqlite") as store:
        fill(store, "e1")
        item = store.purges.find_quarantined(lambda *_: True)
        assert any(b"nobody may read" in path.read_bytes() for path in tmp_path.glob("state.sqlite*"))
        store.purges.erase(["e1"], {}, item)
        store.purges.scrub()
        assert not any(b"nobody may read" in path.read_bytes() for path in tmp_path.glob("state.sqlite*"))
