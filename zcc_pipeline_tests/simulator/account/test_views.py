from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from zcc_pipeline.simulator.zoom.account import Account, views
from zcc_pipeline.simulator.zoom.account.engagement import Engagement
from zcc_pipeline_tests.definition import Definition, own_definition, zoom_definition

BASE = "https://api.zoom.us/v2"
CC = "/contact_center"
ENGAGEMENT = f"{CC}/engagements/{{engagementId}}"


def listed(month: Account, at: datetime) -> list[Engagement]:
    return [item for item in month.engagements if item.is_closed(at)]


def of_engagements(month: Account, at: datetime) -> Iterator[tuple[str, Any]]:
    for item in listed(month, at)[::3]:
        yield f"{CC}/engagements#engagements", views.engagement_item(item, at, BASE)
        yield ENGAGEMENT, views.engagement_detail(item, at, BASE)
        yield f"{CC}/analytics/log/historical/engagement#engagement_logs", views.engagement_log_row(item, at)
        if item.has_channel("voice", "video"):
            yield f"{ENGAGEMENT}/events", views.engagement_events(item)
        if (answers := views.survey(item, at)) is not None:
            yield f"{ENGAGEMENT}/survey", answers
        if (call := views.voice_call(item)) is not None:
            yield f"{CC}/voice_calls#voice_calls", call
        for note in item.notes:
            if (view := views.note(item, note, at)) is not None:
                is_email = item.has_channel("email")
                yield f"{CC}/engagements/notes#notes", view
                yield f"{ENGAGEMENT}/notes#notes", view
                if is_email:
                    yield f"{ENGAGEMENT}/notes/{{noteId}}", view
        if item.has_channel("email"):
            yield from ((f"{CC}/email/messages#messages", mail) for mail in views.email_messages(item, at))
        if item.has_channel("messaging"):
            yield from ((f"{CC}/messaging/messages#messages", each) for each in views.messaging_messages(item, at))


def of_files(month: Account, at: datetime) -> Iterator[tuple[str, Any]]:
    begin, end = month.opened_at - timedelta(days=100), month.opened_at + timedelta(days=100)
    for recording in month.recordings_between(begin, end, at):
        view = views.recording(recording, at, BASE)
        yield f"{CC}/recordings#recordings", view
        yield f"{ENGAGEMENT}/recordings#recordings", view
        yield f"{CC}/queues/{{queueId}}/recordings#recordings", view
    for message in month.messages_between(begin, end, at):
        yield f"{CC}/inboxes/messages#messages", views.inbox_message(message, at, BASE)
        yield f"{CC}/inboxes/{{inboxId}}/messages#messages", views.inbox_message(message, at, BASE, by_inbox=True)


def of_catalogue(month: Account) -> Iterator[tuple[str, Any]]:
    people = month.population
    for queue in people.queues:
        yield f"{CC}/queues#queues", views.queue(queue)
        yield f"{CC}/queues/{{queueId}}", views.queue_detail(queue, people)
    for user in people.users:
        yield f"{CC}/users#users", views.user(user)
        yield f"{CC}/users/{{userId}}", views.user_detail(user)
    for flow in people.flows:
        yield f"{CC}/flows#flows", views.flow(flow)
        yield f"{CC}/flows/{{flowId}}", views.flow(flow)
    for inbox in people.inboxes:
        yield f"{CC}/inboxes#inboxes", views.inbox(inbox)
        yield f"{CC}/inboxes/{{inboxId}}", views.inbox_detail(inbox)
    for team in people.teams:
        yield f"{CC}/teams#teams", views.team(team)
        yield f"{CC}/teams/{{teamId}}", views.team(team)
    for disposition in people.dispositions:
        yield f"{CC}/dispositions#dispositions", views.disposition(disposition, people)
        yield f"{CC}/dispositions/{{dispositionId}}", views.disposition_detail(disposition, people)
    for group in people.disposition_sets:
        yield f"{CC}/dispositions/sets#disposition_sets", views.disposition_set(group, people)
        yield f"{CC}/dispositions/sets/{{dispositionSetId}}", views.disposition_set_detail(group, people)


def every_view(month: Account, at: datetime) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for source in (of_engagements(month, at), of_files(month, at), of_catalogue(month)):
        for where, body in source:
            found.setdefault(where, []).append(body)
    return found


def as_answers(found: dict[str, list[Any]]) -> Iterator[tuple[str, bytes]]:
    """Path and body of answers made of these views: lists as one answer, single objects one by one."""
    for where, bodies in found.items():
        path, _, key = where.partition("#")
        sample = bodies[:: max(1, len(bodies) // 60)]
        head = {"has_more": False} if path.endswith("/messaging/messages") else {}
        for body in [head | {key: sample}] if key else sample:
            yield path, json.dumps(body).encode()


def problems(definition: Definition, found: dict[str, list[Any]]) -> list[str]:
    return [problem for path, body in as_answers(found) for problem in definition.check_answer(path, 200, body)]


@pytest.mark.parametrize("when", [0, 1, 2], ids=["mid-month", "opened", "five weeks later"])
def test_every_view_obeys_the_definition_of_2026(month, moments, when):
    found = every_view(month, moments[when])
    assert len(found) >= (30 if when == 1 else 26)
    assert problems(own_definition(), found) == []


def test_every_view_obeys_zooms_own_definition_of_2025(month, moments):
    definition = zoom_definition()
    if definition is None:
        pytest.skip("NOT CHECKED: Zoom's own definition is not at ../shared/zoom/contact-center.openapi.json")
    found = every_view(month, moments[1])
    assert problems(definition, found) == []
    assert sum(definition.find(where.partition("#")[0]) is not None for where in found) >= 27


def test_the_log_speaks_milliseconds_and_relative_addresses_where_the_list_speaks_seconds_and_absolute_ones(
    month, moments
):
    at = moments[1]
    chat = next(item for item in listed(month, at) if item.transcript_at is not None and item.transcript_at <= at)
    row, log = views.engagement_item(chat, at, BASE), views.engagement_log_row(chat, at)
    assert log["duration"] == row["duration"] * 1000
    assert row["transcript_url"] == BASE.removesuffix("/v2") + log["transcript_url"]
    assert log["transcript_url"].startswith("/v2/")


def test_list_detail_and_log_tell_the_same_story(month, moments):
    at = moments[1]
    for item in listed(month, at)[::20]:
        row, detail, log = (
            views.engagement_item(item, at, BASE),
            views.engagement_detail(item, at, BASE),
            views.engagement_log_row(item, at),
        )
        for key in set(row) - {"transfer_count", "transferCount"}:
            assert detail[key] == row[key], key
        assert "transfer_count" not in detail
        assert [note["note_content"] for note in log["notes"]] == [note["note"] for note in row["notes"]]
        assert log["dispositions"] == row["dispositions"]
        assert [queue["queue_id"] for queue in log["queues"]] == [queue["cc_queue_id"] for queue in row["queues"]]


def test_deprecated_twins_are_there(month, moments):
    at = moments[1]
    row = views.engagement_item(next(item for item in listed(month, at) if item.queues), at, BASE)
    assert row["queues"][0]["queue_id"].startswith("ZWQ")
    recording = views.recording(month.recordings[0], at, BASE)
    assert recording["consumer_name"] == recording["consumers"][0]["consumer_name"]
    assert recording["channel_type"] == recording["channel"]
    messages = month.messages_between(at - timedelta(days=60), at, at)
    assert "cci_queue_id" in views.inbox_message(messages[0], at, BASE)


def test_event_content_is_json_inside_a_string_and_events_are_in_order(month, moments):
    seen = 0
    for item in listed(month, moments[1]):
        if item.has_channel("voice", "video"):
            view = views.engagement_events(item)
            times = [event["start_time"] for event in view["events"]]
            assert times == sorted(times)
            assert times[0] == views.engagement_item(item, moments[1], BASE)["start_time"]
            seen += sum("duration" in json.loads(event["event_content"]) for event in view["events"])
    assert seen > 1000


def test_ids_of_rows_are_unique_and_dispositions_are_unique_inside_an_engagement(month):
    for ids in (
        [item.engagement_id for item in month.engagements],
        [item.recording_id for item in month.recordings],
        [item.message_id for item in month.voicemails],
        [note.note_id for item in month.engagements for note in item.notes],
    ):
        assert len(ids) == len(set(ids)) > 20
    for item in month.engagements:
        chosen = [each.disposition_id for each in item.dispositions]
        assert len(chosen) == len(set(chosen))


def test_unanswered_calls_have_no_agents_no_talk_and_no_recording(month, moments):
    at, seen = moments[1], 0
    for item in listed(month, at):
        call = views.voice_call(item)
        if call is not None and call["result"] in {
            "short_abandoned",
            "long_abandoned",
            "contained",
            "overflowed_to_inbox",
        }:
            row = views.engagement_item(item, at, BASE)
            assert (row["agents"], row["talk_duration"], call["recorded"]) == ([], 0, False)
            assert not item.recordings
            seen += 1
    assert seen > 300


def test_several_recordings_belong_to_transfers_and_conferences(month):
    several = [item for item in month.engagements if len(item.recordings) > 1]
    assert {item.scenario for item in several} >= {"transferred", "conferenced"}
    assert any(item.recordings[1].is_conference for item in several)
