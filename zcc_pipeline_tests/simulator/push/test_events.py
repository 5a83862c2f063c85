"""Events made from the account: by Zoom's schemas, at the moment things really happened."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from zcc_pipeline.simulator.zoom.account import Account, AccountSpec
from zcc_pipeline.simulator.zoom.account.views import engagement_item, inbox_message, recording
from zcc_pipeline.simulator.zoom.push.event import PushedEvent
from zcc_pipeline.simulator.zoom.push.events import events_between, events_of_days
from zcc_pipeline_tests.simulator.push.event_schemas import problems_of

BASE = "http://127.0.0.1:8888/v2"
NOTHING: frozenset[str] = frozenset()


@pytest.fixture(scope="session")
def events(month: Account) -> list[PushedEvent]:
    return events_between(
        month, BASE, datetime(2026, 1, 1, tzinfo=UTC), month.now(), without_script={"After-hours line"}
    )


def body_of(event: PushedEvent) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(event.body)
    return body


def named(events: list[PushedEvent], name: str) -> list[PushedEvent]:
    return [event for event in events if event.name == f"contact_center.{name}"]


def test_every_event_keeps_to_its_published_schema(events: list[PushedEvent]) -> None:
    problems = Counter(
        f"{event.name}: {problem}"
        for event in events
        if not event.is_of_flow
        for problem in problems_of(body_of(event))
    )
    assert problems == {}


def test_a_field_that_zoom_never_sends_would_be_found(events: list[PushedEvent]) -> None:
    body = body_of(named(events, "recording_completed")[0])
    body["payload"]["object"]["download_url"] = "https://example.com"
    body["payload"]["object"]["users"][0]["mail"] = "x"
    assert problems_of(body) == [
        "object.download_url is no field of this event",
        "object.users.mail is no field of this event",
    ]
    assert problems_of({"event": "contact_center.nonsense", "payload": {}}) != []


def test_all_kinds_that_concern_engagement_data_come(events: list[PushedEvent]) -> None:
    names = {event.name.removeprefix("contact_center.") for event in events}
    assert names == {
        "cx_engagement_end_data_ready", "engagement_disposition_added", "engagement_email_transcript_completed",
        "engagement_ended", "engagement_messaging_transcript_completed", "engagement_note_added",
        "engagement_started", "engagement_survey_status", "engagement_user_answered", "engagement_wrap_up_ended",
        "engagement_wrap_up_started", "flow.disposition_saved", "flow.engagement_closed", "inbox_message_deleted",
        "inbox_message_received", "queue_agent_assigned", "queue_agent_unassigned", "recording_completed",
        "recording_deleted", "recording_permanently_deleted", "recording_started", "recording_transcript_completed",
        "user_login", "user_logout", "user_status_changed", "voicemail_transcript_completed",
    }  # fmt: skip


def test_every_event_is_one_of_its_kind_and_in_order(events: list[PushedEvent]) -> None:
    assert len({event.key for event in events}) == len(events)
    assert len({event.identity for event in events}) == len(events)
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert all(event.at <= datetime(2026, 12, 28, 12, 0, 1, tzinfo=UTC) for event in events)


def test_the_envelope_tells_account_and_milliseconds(month: Account, events: list[PushedEvent]) -> None:
    for event in events:
        if event.is_of_flow:
            continue
        body = body_of(event)
        assert set(body) == {"event", "event_ts", "payload"}
        assert body["payload"]["account_id"] == month.population.account_id
        told = datetime.fromtimestamp(body["event_ts"] / 1000, UTC)
        assert abs(told - event.at) < timedelta(milliseconds=1)
        at_ms = body["payload"]["object"].get("date_time_ms")
        assert at_ms is None or datetime.fromisoformat(at_ms) == event.at


def test_the_same_seed_makes_the_same_bytes() -> None:
    spec = AccountSpec(last_day=date(2026, 11, 20), days=1, engagements_per_day=30)
    first, second = (
        events_of_days(Account.generate(spec), BASE, spec.all_days(), without_script=NOTHING) for _ in range(2)
    )
    assert [event.body for event in first] == [event.body for event in second]
    other = AccountSpec(last_day=date(2026, 11, 20), days=1, engagements_per_day=30, seed=8)
    third = events_of_days(Account.generate(other), BASE, other.all_days(), without_script=NOTHING)
    assert not {event.body for event in first} & {event.body for event in third}


def test_what_an_event_announces_can_be_read_at_that_moment(month: Account, events: list[PushedEvent]) -> None:
    for event in named(events, "recording_completed"):
        item = month.recording(str(event.subject_id))
        assert item is not None
        assert item.is_listed(event.at)
    for event in named(events, "recording_transcript_completed"):
        item = month.recording(str(event.subject_id))
        assert item is not None
        shown = recording(item, event.at, BASE)["transcript_url"]
        assert shown == body_of(event)["payload"]["object"]["transcript_url"] != ""
    for event in named(events, "engagement_messaging_transcript_completed"):
        engagement = month.engagement(str(event.engagement_id))
        assert engagement is not None
        shown = engagement_item(engagement, event.at, BASE)["transcript_url"]
        assert shown == body_of(event)["payload"]["object"]["transcript_url"] != ""
    for event in named(events, "inbox_message_received"):
        voicemail = month.voicemail(str(event.subject_id))
        assert voicemail is not None
        assert voicemail.is_listed(event.at)
    for event in named(events, "inbox_message_deleted"):
        voicemail = month.voicemail(str(event.subject_id))
        assert voicemail is not None
        assert inbox_message(voicemail, event.at, BASE)["status"] == "deleted"


def test_what_a_reader_finds_was_announced(month: Account, events: list[PushedEvent]) -> None:
    at = month.now()
    ended = {event.engagement_id for event in named(events, "engagement_ended")}
    assert ended == {each.engagement_id for each in month.engagements if each.is_closed(at)}
    notes = {event.subject_id for event in named(events, "engagement_note_added")}
    assert notes == {note.note_id for _, note in month.notes_at(at)}
    chosen = {(event.engagement_id, event.subject_id) for event in named(events, "engagement_disposition_added")}
    assert chosen == {
        (each.engagement_id, disposition.disposition_id)
        for each in month.engagements
        for disposition in each.dispositions
    }
    completed = {event.subject_id for event in named(events, "recording_completed")}
    assert completed == {each.recording_id for each in month.recordings}
    received = {event.subject_id for event in named(events, "inbox_message_received")}
    assert received == {each.message_id for each in month.voicemails}


def test_a_recording_is_announced_started_completed_transcribed_and_deleted_in_this_order(
    month: Account, events: list[PushedEvent]
) -> None:
    stories: dict[str, list[str]] = defaultdict(list)
    for event in events:
        if event.name.startswith("contact_center.recording_"):
            stories[str(event.subject_id)].append(event.name.removeprefix("contact_center.recording_"))
    order = ["started", "completed", "transcript_completed", "deleted", "permanently_deleted"]
    assert all(story == sorted(story, key=order.index) for story in stories.values())
    gone = {key for key, story in stories.items() if "deleted" in story}
    assert gone == {each.recording_id for each in month.recordings if each.deleted_at is not None} != set()


def test_a_note_is_pushed_once_with_its_first_text_although_it_changes_later(
    month: Account, events: list[PushedEvent]
) -> None:
    texts = {
        event.subject_id: body_of(event)["payload"]["object"]["note"]
        for event in named(events, "engagement_note_added")
    }
    edited = [note for _, note in month.notes_at(month.now()) if len(note.versions) > 1]
    assert edited
    assert all(texts[note.note_id] == note.versions[0].text for note in edited)


def test_a_recording_event_has_no_address_of_its_media(events: list[PushedEvent]) -> None:
    for name in ("recording_completed", "recording_transcript_completed"):
        assert not any("download_url" in body_of(event)["payload"]["object"] for event in named(events, name))


def test_a_span_takes_what_happened_in_it_and_days_take_whole_engagements() -> None:
    spec = AccountSpec(last_day=date(2026, 11, 20), days=3, engagements_per_day=60)
    account = Account.generate(spec)
    middle = date(2026, 11, 19)
    start, end = spec.day_start(middle), spec.day_start(date(2026, 11, 20)) - timedelta(seconds=1)
    span = events_between(account, BASE, start, end, without_script=NOTHING)
    assert all(start <= event.at < end + timedelta(seconds=1) for event in span)
    whole = events_of_days(account, BASE, {middle}, without_script=NOTHING)
    started = {event.engagement_id for event in whole if event.name.endswith("engagement_started")}
    assert {event.engagement_id for event in whole if event.engagement_id} == started
    assert max(event.at for event in whole) > end
    everything = events_between(account, BASE, datetime(2026, 1, 1, tzinfo=UTC), account.now(), without_script=NOTHING)
    assert {event.key for event in span} < {event.key for event in everything}


def test_nothing_is_pushed_that_has_not_happened_yet() -> None:
    spec = AccountSpec(last_day=date(2026, 11, 20), days=1, engagements_per_day=60)
    noon = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    account = Account.generate(spec, clock=lambda: noon)
    found = events_of_days(account, BASE, spec.all_days(), without_script=NOTHING)
    assert found
    assert all(event.at.replace(microsecond=0) <= noon for event in found)


def test_flow_scripts_post_for_inbound_engagements_of_their_flows_only(
    month: Account, events: list[PushedEvent]
) -> None:
    posts = [body_of(event) for event in events if event.is_of_flow]
    assert {post["flow_name"] for post in posts} == {
        "Main line", "Website video", "Website chat", "Text us", "WhatsApp",
    }  # fmt: skip
    closed = {post["engagement_id"] for post in posts if post["type"] == "engagement_closed"}
    assert closed == {
        each.engagement_id
        for each in month.engagements
        if each.flow is not None
        and each.flow.name not in {"After-hours line", "Care mailbox"}
        and each.is_closed(month.now())
    }
    for post in posts:
        assert post["schema"] == 1
        assert post["direction"] == "inbound"
        assert datetime.fromisoformat(post["occurred_at"]).tzinfo is not None
        assert 1 <= len(post["idempotency_key"]) <= 200
    assert len({post["idempotency_key"] for post in posts}) == len(posts)


def test_a_messaging_flow_sends_transcript_and_disposition_in_one_post(events: list[PushedEvent]) -> None:
    posts = [body_of(event) for event in events if event.name == "flow.engagement_closed"]
    chats = [post for post in posts if post["channel"] == "messaging"]
    assert all(post["transcript"] for post in chats)
    assert any("disposition" in post for post in chats)
    assert {type(post["transcript"]) for post in chats} >= {str, list}
    assert not any("transcript" in post for post in posts if post["channel"] != "messaging")
