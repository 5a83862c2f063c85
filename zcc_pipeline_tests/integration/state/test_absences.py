"""Records that a complete listing no longer shows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from zcc_pipeline.state import StateStore
from zcc_pipeline_tests.integration.state.conftest import DAY, NOW

pytestmark = pytest.mark.integration

RECORDINGS = "zoom/recordings"
LATER = NOW + timedelta(hours=25)


def test_the_first_absence_is_remembered(store: StateStore) -> None:
    assert store.absences.mark(RECORDINGS, ["r1"], DAY, NOW) == {"r1": NOW}
    assert store.absences.mark(RECORDINGS, ["r1", "r2", "r2"], DAY, LATER) == {"r1": NOW, "r2": LATER}
    assert store.absences.pending(RECORDINGS, DAY) == {"r1": NOW, "r2": LATER}
    assert store.absences.mark(RECORDINGS, [], DAY, LATER) == {}


def test_a_record_seen_again_is_forgotten_and_its_next_absence_starts_afresh(store: StateStore) -> None:
    store.absences.mark(RECORDINGS, ["r1"], DAY, NOW)
    store.absences.clear(RECORDINGS, ["r1", "unknown"])

    assert store.absences.pending(RECORDINGS, DAY) == {}
    assert store.absences.mark(RECORDINGS, ["r1"], DAY, LATER) == {"r1": LATER}


def test_datasets_and_days_are_apart(store: StateStore) -> None:
    store.absences.mark(RECORDINGS, ["same"], DAY, NOW)
    store.absences.mark("zoom/voicemails", ["same"], DAY, LATER)
    store.absences.clear("zoom/voicemails", ["same"])

    assert store.absences.pending(RECORDINGS, DAY) == {"same": NOW}
    assert store.absences.pending(RECORDINGS, DAY + timedelta(days=1)) == {}
