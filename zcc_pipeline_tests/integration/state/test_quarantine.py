"""Records that could not be processed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from zcc_pipeline.domain.errors import PermanentError
from zcc_pipeline.domain.ports import RefusedRecord
from zcc_pipeline.state import StateStore
from zcc_pipeline_tests.integration.state.conftest import NOW

pytestmark = pytest.mark.integration

PAYLOAD = b'{"note":"\xe2\x82\xac\\u0000"}\x00\xff'
LATER = NOW + timedelta(days=1)


def hold(store: StateStore, *, payload: bytes = PAYLOAD, reason: str = "no id", later: bool = False) -> str:
    return store.quarantine.add("polling", "zoom/notes", None, reason, "page 3", payload, now=LATER if later else NOW)


def test_a_record_is_held_byte_for_byte(store: StateStore) -> None:
    item = store.quarantine.get(hold(store))

    assert item is not None
    assert item.payload == PAYLOAD
    assert (item.room, item.dataset, item.record_id, item.reason, item.detail) == (
        "polling",
        "zoom/notes",
        None,
        "no id",
        "page 3",
    )
    assert (item.state, item.first_seen_at, item.last_seen_at, item.times_seen) == ("held", NOW, NOW, 1)
    assert store.quarantine.get("unknown") is None


def test_the_same_record_refused_every_night_is_one_item(store: StateStore) -> None:
    assert hold(store) == hold(store, later=True)
    hold(store, payload=b"other")
    hold(store, reason="other")

    items = list(store.quarantine.list())
    assert len(items) == 3
    assert max((item.times_seen, item.last_seen_at) for item in items) == (2, LATER)


def test_a_dropped_item_stays_dropped_and_a_replayed_one_that_fails_again_is_held(store: StateStore) -> None:
    dropped, replayed = hold(store), hold(store, payload=b"other")
    store.quarantine.mark(dropped, "dropped")
    store.quarantine.mark(replayed, "replayed")
    assert not store.quarantine.list()

    hold(store, later=True)
    hold(store, payload=b"other", later=True)

    assert [item.item_id for item in store.quarantine.list()] == [replayed]
    assert [item.item_id for item in store.quarantine.list("dropped")] == [dropped]
    assert len(store.quarantine.list(None)) == 2


def test_marking_what_is_not_there_is_an_error(store: StateStore) -> None:
    with pytest.raises(PermanentError, match="unknown"):
        store.quarantine.mark("unknown", "dropped")


def test_no_payload_shows_in_a_representation_or_an_error(store: StateStore) -> None:
    item = store.quarantine.get(hold(store, payload=b"a personal secret"))
    assert "personal" not in repr(item)

    with pytest.raises(IntegrityError) as caught:
        store.quarantine.add("polling", "zoom/notes", None, "reason", None, b"personal", now=NOW)  # type: ignore[arg-type]
    assert "personal" not in str(caught.value)


def test_many_are_held_in_one_transaction_and_one_by_one_is_the_same(store: StateStore) -> None:
    alone = store.quarantine.add("events", "zoom/events", "a", "another account", "seq=1", b"{}", now=NOW)
    many = [RefusedRecord("events", "zoom/events", name, "another account", "seq=1", b"{}") for name in ("a", "b", "c")]
    store.quarantine.add_all(many, LATER)
    held = {item.record_id: item for item in store.quarantine.list()}
    assert {name: item.times_seen for name, item in held.items()} == {"a": 2, "b": 1, "c": 1}
    assert held["a"].item_id == alone


def test_what_was_held_of_a_record_that_has_been_taken_after_all_is_held_no_longer(store: StateStore) -> None:
    def hold(room: str, dataset: str, record_id: str) -> str:
        return store.quarantine.add(room, dataset, record_id, "refused", "", record_id.encode(), NOW)

    first, second = hold("exports", "exports/zendesk", "e1"), hold("exports", "exports/hubspot", "e1")
    third, dropped = hold("exports", "exports/zendesk", "e2"), hold("exports", "exports/zendesk", "e3")
    store.quarantine.mark(dropped, "dropped")

    assert store.quarantine.release("exports", "exports/zendesk", ["e1", "e3", "e4"]) == 1

    assert {item.item_id for item in store.quarantine.list("held")} == {second, third}
    assert [item.item_id for item in store.quarantine.list("replayed")] == [first]
    assert [item.item_id for item in store.quarantine.list("dropped")] == [dropped]
