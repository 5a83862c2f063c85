"""What control does to the account is pushed, too, once somebody was pushed to."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import httpx
import pytest

from zcc_pipeline.simulator.zoom.account import AccountSpec
from zcc_pipeline_tests.simulator.push.conftest import SPEC, Sender
from zcc_pipeline_tests.simulator.push.event_schemas import problems_of
from zcc_pipeline_tests.simulator.push.receiver import SECRET, Receiver

NOTHING = ["contact_center.nothing"]
WITH_VOICEMAILS = AccountSpec(last_day=date(2026, 11, 20), days=1, engagements_per_day=150)


@pytest.fixture
def told(sender: Sender, receiver: Receiver) -> Sender:
    """A stand-in that has pushed nothing so far and follows what happens."""
    sender.push(receiver, from_="2020-01-01T00:00:00Z", to="2020-01-02T00:00:00Z")
    assert receiver.posts == []
    return sender


def contents(receiver: Receiver) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for post in receiver.posts:
        assert post.is_signed
        body = json.loads(post.body)
        assert problems_of(body) == []
        found.append((body["event"].removeprefix("contact_center."), body["payload"]["object"]))
    return found


def test_a_note_that_control_writes_is_pushed_with_its_text(told: Sender, receiver: Receiver) -> None:
    engagement = told.sim.standin.account.engagements[-3]
    added = told.control("add-note", engagement_id=engagement.engagement_id, text="Called back 🙂")
    told.until_settled()
    [(name, content)] = contents(receiver)
    assert name == "engagement_note_added"
    assert content["note_id"] == added["note_id"]
    assert content["note"] == "Called back 🙂"


def test_an_edited_note_is_not_pushed(told: Sender, receiver: Receiver) -> None:
    _, note = told.sim.standin.account.notes_at(told.sim.standin.account.now())[0]
    told.control("edit-note", note_id=note.note_id, text="Changed")
    assert told.progress()["is_settled"]
    assert receiver.posts == []


def test_a_deleted_recording_is_pushed_by_its_id_alone(told: Sender, receiver: Receiver) -> None:
    first, second = told.sim.standin.account.recordings[:2]
    told.control("delete-recording", recording_id=first.recording_id)
    told.control("delete-recording", recording_id=second.recording_id, permanently=True)
    told.until_settled()
    found = sorted((name, content["recording_id"]) for name, content in contents(receiver))
    assert found == [
        ("recording_deleted", first.recording_id),
        ("recording_permanently_deleted", second.recording_id),
    ]
    assert all(set(content) == {"recording_id", "date_time_ms"} for _, content in contents(receiver))


def test_deleting_an_engagement_s_recordings_pushes_each_and_none_twice(told: Sender, receiver: Receiver) -> None:
    engagement = next(each for each in told.sim.standin.account.engagements if len(each.recordings) > 1)
    told.control("delete-engagement-recordings", engagement_id=engagement.engagement_id)
    told.until_settled()
    assert len(contents(receiver)) == len(engagement.recordings)


def test_a_deleted_voicemail_is_pushed(serve: Callable[..., Sender], receiver: Receiver) -> None:
    told = serve(WITH_VOICEMAILS)
    told.push(receiver, from_="2020-01-01T00:00:00Z", to="2020-01-02T00:00:00Z")
    voicemail = next(each for each in told.sim.standin.account.voicemails if each.marked_deleted_at is None)
    told.control("delete-voicemail", message_id=voicemail.message_id)
    told.until_settled()
    [(name, content)] = contents(receiver)
    assert (name, content["message_id"]) == ("inbox_message_deleted", voicemail.message_id)


def test_time_that_passes_pushes_what_happens_in_it(told: Sender, receiver: Receiver) -> None:
    account = told.sim.standin.account
    pending = [each for each in account.engagements if not each.is_closed(account.now())]
    assert pending
    told.control("advance", days=40)
    told.until_settled()
    ended = {content["engagement_id"] for name, content in contents(receiver) if name == "engagement_ended"}
    assert ended == {each.engagement_id for each in pending}
    before = len(receiver.posts)
    told.control("advance", hours=0)
    assert (told.progress()["is_settled"], len(receiver.posts)) == (True, before)


def test_nothing_follows_where_nobody_wants_it(sender: Sender, receiver: Receiver) -> None:
    recording = sender.sim.standin.account.recordings[0]
    sender.push(receiver, only=NOTHING, follow=False)
    sender.control("delete-recording", recording_id=recording.recording_id)
    sender.control("advance", days=40)
    assert len(sender.progress()["jobs"]) == 1
    assert receiver.posts == []
    assert sender.refused("challenge").status_code == 422


def test_a_span_pushed_later_has_what_control_did(sender: Sender, receiver: Receiver) -> None:
    recording = sender.sim.standin.account.recordings[0]
    sender.control("delete-recording", recording_id=recording.recording_id)
    sender.push(receiver, only=["contact_center.recording_deleted"])
    [(_, content)] = contents(receiver)
    assert content["recording_id"] == recording.recording_id


def test_days_push_whole_engagements_and_a_span_only_its_events(sender: Sender, receiver: Receiver) -> None:
    day = SPEC.last_day.isoformat()
    sender.push(receiver, days=[day])
    started = {content["engagement_id"] for name, content in contents(receiver) if name == "engagement_started"}
    about = {content["engagement_id"] for _, content in contents(receiver) if "engagement_id" in content}
    assert about == started
    receiver.posts.clear()
    sender.push(receiver, from_=f"{day}T09:00:00Z", to=f"{day}T09:59:59+00:00")
    times = [json.loads(post.body)["event_ts"] / 1000 for post in receiver.posts]
    nine = SPEC.day_start(SPEC.last_day).timestamp() + 9 * 3600
    assert times
    assert all(nine <= at < nine + 3600 for at in times)


def test_a_job_can_be_watched(sender: Sender, receiver: Receiver) -> None:
    begun = sender.push(receiver, wait_for="nothing")
    assert begun["job"] == 1
    sender.until_settled()
    url = f"{sender.sim.control_url}/push"
    ended = httpx.get(url, params={"job": 1}).json()
    assert ended["is_settled"]
    assert ended["pending"] == 0
    assert ended["counts"]["webhook"]["accepted"] == len(receiver.posts)
    assert httpx.get(url, params={"job": 7}).status_code == 404


def test_the_pushed_address_of_a_voicemail_s_transcript_can_be_downloaded(
    serve: Callable[..., Sender], receiver: Receiver
) -> None:
    sender = serve(WITH_VOICEMAILS)
    sender.push(receiver, only=["contact_center.voicemail_transcript_completed"])
    found = contents(receiver)
    assert found
    form = {"grant_type": "account_credentials", "account_id": "account"}
    token = httpx.post(sender.sim.oauth_url, data=form, auth=("client", "secret")).json()["access_token"]
    for _, content in found:
        answer = httpx.get(content["transcript_url"], headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 302
        assert httpx.get(answer.headers["location"]).status_code == 200


def test_the_secret_is_in_no_answer(sender: Sender, receiver: Receiver) -> None:
    shown = json.dumps([sender.push(receiver), sender.progress(), sender.truth(), sender.control("advance")])
    assert SECRET not in shown
