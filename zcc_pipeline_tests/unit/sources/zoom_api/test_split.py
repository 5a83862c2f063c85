"""Pages to chunks: bytes as received, keys right, and no hostile record that takes others with it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zcc_pipeline.domain.datasets import DATASETS, ENGAGEMENT_LOG
from zcc_pipeline.domain.errors import RecordRejected
from zcc_pipeline.domain.records import RecordChunk
from zcc_pipeline.sources.zoom_api import RejectedRecord, split_page, split_record
from zcc_pipeline.transport import MalformedAnswer
from zcc_pipeline_tests.examples import of_all

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
ENGAGEMENTS = DATASETS["zoom/engagements"]

RECORD = (
    b'{ "engagement_id":"e1", "extra" : {"deep":[1,2.50,"\\u00e4"]},"start_time":"2026-03-01T10:00:00Z",'
    b'"notes":[ {"note_id":"n1", "note":"caf\xc3\xa9 \xf0\x9f\x99\x82"} ,{"note_id":"n2","note":""}],'
    b'"dispositions":[{"disposition_id":"d1","disposition_name":"Sold"}]}'
)
PLAIN = b'{"engagement_id":"e2","start_time":"2026-03-01T11:00:00Z","notes":null}'


def page_of(*records: bytes, key: str = "engagements") -> bytes:
    return b'{"next_page_token":"", "%s": [%s] }' % (key.encode(), b",\n".join(records))


def split(
    body: bytes, dataset: str = "zoom/engagements", **more: Any
) -> tuple[dict[str, RecordChunk], list[RejectedRecord]]:
    rejected: list[RejectedRecord] = []
    chunks = split_page(DATASETS[dataset], body, as_of=AS_OF, batch_id="b", reject=rejected.append, **more)
    return {chunk.dataset: chunk for chunk in chunks}, rejected


def test_a_page_gives_its_records_and_those_inside_them_with_bytes_as_received() -> None:
    chunks, rejected = split(page_of(RECORD, PLAIN))
    own, notes, dispositions = (chunks[f"zoom/{key}"] for key in ("engagements", "notes", "dispositions"))
    assert not rejected
    assert [bytes(payload) for payload in own.payloads] == [RECORD, PLAIN]
    assert own.record_ids == own.engagement_ids == ["e1", "e2"]
    assert own.occurred_at == ["2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z"]
    assert [bytes(payload) for payload in notes.payloads] == [
        b'{"note_id":"n1", "note":"caf\xc3\xa9 \xf0\x9f\x99\x82"}',
        b'{"note_id":"n2","note":""}',
    ]
    assert (notes.record_ids, notes.engagement_ids) == (["n1", "n2"], ["e1", "e1"])
    assert notes.occurred_at == ["2026-03-01T10:00:00Z"] * 2
    assert (dispositions.record_ids, dispositions.engagement_ids) == (["e1:d1"], ["e1"])
    for chunk in chunks.values():
        assert (chunk.as_of, chunk.batch_id, chunk.route, chunk.shape) == (AS_OF, "b", "poll", "list")
        assert len(chunk) == len(chunk.payloads) == len(chunk.engagement_ids) == len(chunk.occurred_at)


def test_an_empty_page_gives_empty_chunks() -> None:
    chunks, rejected = split(page_of())
    assert [len(chunk) for chunk in chunks.values()] == [0, 0, 0]
    assert not rejected


@pytest.mark.parametrize(
    "bad",
    [
        b"{}",
        b'{"engagement_id":null}',
        b'{"engagement_id":""}',
        b'{"engagement_id":7}',
        b'{"engagement_id":["e"]}',
        b'{"engagement_id":"e","start_time":5}',
        b'"a string"',
        b"null",
        b"[]",
        b"17",
        b'{"engagement_id":"e\xff"}',
        b'{"engagement_id":"e","note":"\xc3"}',
    ],
)
def test_a_record_that_does_not_say_what_it_is_is_set_aside_alone(bad: bytes) -> None:
    chunks, rejected = split(page_of(RECORD, bad, PLAIN))
    assert chunks["zoom/engagements"].record_ids == ["e1", "e2"]
    assert chunks["zoom/notes"].record_ids == ["n1", "n2"]
    assert [(r.payload, r.dataset) for r in rejected] == [(bad, "zoom/engagements")]
    assert rejected[0].reason
    with pytest.raises(RecordRejected):
        split_page(ENGAGEMENTS, page_of(bad), as_of=AS_OF, batch_id="b")


@pytest.mark.parametrize("array", [b"{}", b'"x"', b"5", b"true"])
def test_a_sound_record_with_a_broken_array_inside_is_kept_and_the_array_reported(array: bytes) -> None:
    odd = b'{"engagement_id":"e9","notes":%s}' % array
    chunks, rejected = split(page_of(RECORD, odd))
    assert chunks["zoom/engagements"].record_ids == ["e1", "e9"]
    assert chunks["zoom/notes"].record_ids == ["n1", "n2"]
    assert [(r.payload, r.dataset) for r in rejected] == [(odd, "zoom/notes")]


@pytest.mark.parametrize("note", [b"{}", b'{"note_id":null,"note":"secret"}', b'{"note_id":""}', b"null", b"[1]"])
def test_a_note_without_id_is_set_aside_alone(note: bytes) -> None:
    record = b'{"engagement_id":"e1","notes":[{"note_id":"n1"},%s,{"note_id":"n3"}]}' % note
    chunks, rejected = split(page_of(record, RECORD))
    assert chunks["zoom/notes"].record_ids == ["n1", "n3", "n1", "n2"]
    assert chunks["zoom/notes"].engagement_ids == ["e1"] * 4
    assert [bytes(payload) for payload in chunks["zoom/notes"].payloads][:2] == [
        b'{"note_id":"n1"}',
        b'{"note_id":"n3"}',
    ]
    assert [(r.payload, r.dataset) for r in rejected] == [(note, "zoom/notes")]
    assert "secret" not in rejected[0].reason


def test_a_recording_without_an_engagement_is_still_a_recording() -> None:
    body = page_of(
        b'{"recording_id":"r1"}',
        b'{"recording_id":"r2","engagement_id":"e","recording_start_time":"t"}',
        key="recordings",
    )
    chunks, rejected = split(body, "zoom/recordings")
    assert not rejected
    chunk = chunks["zoom/recordings"]
    assert (chunk.record_ids, chunk.engagement_ids, chunk.occurred_at) == (["r1", "r2"], [None, "e"], [None, "t"])


def test_catalogues_have_no_engagement_and_no_time() -> None:
    chunks, _ = split(page_of(b'{"cc_queue_id":"q"}', key="queues"), "zoom/queues")
    chunk = chunks["zoom/queues"]
    assert (chunk.record_ids, chunk.engagement_ids, chunk.occurred_at) == (["q"], [None], [None])


def test_an_email_message_is_known_by_engagement_time_and_content() -> None:
    message = b'{"sent_time":"2026-03-01T10:00:00.123Z","text":"hello"}'
    other = b'{"sent_time":"2026-03-01T10:00:00.123Z","text":"hello!"}'
    chunks, rejected = split(
        page_of(message, other, message, key="messages"), "zoom/email_messages", engagement_id="e1"
    )
    ids = chunks["zoom/email_messages"].record_ids
    assert not rejected
    assert ids[0] == ids[2] != ids[1]
    assert ids[0].startswith("e1:2026-03-01T10:00:00.123Z:")
    assert len(ids[0].rpartition(":")[2]) == 16
    assert chunks["zoom/email_messages"].engagement_ids == ["e1"] * 3


def test_a_single_answer_is_a_record_of_the_engagement_that_was_asked_for() -> None:
    body = b'{"events":[{"event_name":"x"}]}'
    (chunk,) = split_record(
        DATASETS["zoom/engagement_events"], body, shape="detail", as_of=AS_OF, batch_id="b", engagement_id="e1"
    )
    assert (chunk.record_ids, chunk.engagement_ids, chunk.shape) == (["e1"], ["e1"], "detail")
    assert bytes(chunk.payloads[0]) == body


def test_an_engagements_detail_brings_its_notes_and_dispositions() -> None:
    chunks = split_record(ENGAGEMENTS, RECORD, shape="detail", as_of=AS_OF, batch_id="b", engagement_id="e1")
    assert [(chunk.dataset, chunk.record_ids) for chunk in chunks] == [
        ("zoom/engagements", ["e1"]),
        ("zoom/notes", ["n1", "n2"]),
        ("zoom/dispositions", ["e1:d1"]),
    ]
    assert {chunk.shape for chunk in chunks} == {"detail"}


def test_an_answer_about_another_engagement_is_not_taken_for_this_one() -> None:
    with pytest.raises(RecordRejected, match="another engagement"):
        split_record(ENGAGEMENTS, RECORD, shape="detail", as_of=AS_OF, batch_id="b", engagement_id="e2")


def test_a_detail_outside_engagements_names_itself() -> None:
    inboxes = DATASETS["zoom/inboxes"]
    (chunk,) = split_record(
        inboxes, b'{"inbox_id":"i1"}', shape="detail", as_of=AS_OF, batch_id="b", engagement_id=None
    )
    assert (chunk.record_ids, chunk.engagement_ids) == (["i1"], [None])


def test_the_same_records_may_come_under_another_key() -> None:
    chunks, _ = split(page_of(RECORD, key="engagement_logs"), items_key=ENGAGEMENT_LOG.items)
    assert chunks["zoom/engagements"].record_ids == ["e1"]


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{}", b'{"engagements":{}}', b'{"engagements":[}', b'{"engagements":[{]}']
)
def test_what_is_no_page_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        split(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
ENGAGEMENT_LIKE = st.fixed_dictionaries(
    {},
    optional={
        "engagement_id": st.text(max_size=12) | JSON,
        "start_time": st.text(max_size=12) | JSON,
        "notes": st.lists(
            st.fixed_dictionaries({}, optional={"note_id": st.text(max_size=5) | JSON, "note": JSON}), max_size=3
        )
        | JSON,
        "dispositions": JSON,
        "more": JSON,
    },
)


@settings(max_examples=of_all(120), deadline=None)
@given(records=st.lists(ENGAGEMENT_LIKE | JSON, max_size=6), indent=st.sampled_from([None, 1]))
def test_every_record_of_any_page_is_either_landed_as_received_or_set_aside(
    records: list[Any], indent: int | None
) -> None:
    body = json.dumps({"engagements": records, "next_page_token": ""}, indent=indent).encode()
    chunks, rejected = split(body)
    own = chunks["zoom/engagements"]
    landed = [json.loads(bytes(payload)) for payload in own.payloads]
    aside = [json.loads(r.payload) for r in rejected if r.dataset == "zoom/engagements"]
    sound = [
        r
        for r in records
        if isinstance(r, dict)
        and isinstance(r.get("engagement_id"), str)
        and r["engagement_id"]
        and isinstance(r.get("start_time"), str | None)
    ]
    assert landed == sound
    assert len(landed) + len(aside) == len(records)
    assert [r["engagement_id"] for r in landed] == own.record_ids
    noted = [n for r in sound if isinstance(r.get("notes"), list) for n in r["notes"]]
    good = [n for n in noted if isinstance(n, dict) and isinstance(n.get("note_id"), str) and n["note_id"]]
    assert [json.loads(bytes(p)) for p in chunks["zoom/notes"].payloads] == good
    for chunk in chunks.values():
        assert len(chunk.record_ids) == len(chunk.payloads) == len(chunk.engagement_ids) == len(chunk.occurred_at)


@settings(max_examples=of_all(120), deadline=None)
@given(body=st.binary(max_size=200))
def test_bytes_that_are_no_page_raise_nothing_but_malformed(body: bytes) -> None:
    for hostile in (body, b'{"engagements":[' + body + b"]}", b'{"engagements":[{"engagement_id":"' + body + b'"}]}'):
        try:
            chunks, _ = split(hostile)
        except MalformedAnswer:
            continue
        for payload in chunks["zoom/engagements"].payloads:
            bytes(payload).decode()
            msgspec.json.decode(payload)
