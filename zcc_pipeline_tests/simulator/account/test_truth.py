from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from zcc_pipeline.simulator.zoom.account import Account, AccountSpec, views
from zcc_pipeline.simulator.zoom.account.downloads import find_media
from zcc_pipeline.simulator.zoom.account.truth import truth, write_truth

BASE = "https://api.zoom.us/v2"
KINDS = {
    "recording", "recording_transcript", "messaging_transcript", "voicemail", "voicemail_transcript",
    "notes", "dispositions", "survey", "email_messages",
}  # fmt: skip
RETENTION = timedelta(days=30)


@pytest.fixture(scope="module")
def answers(month) -> list[dict[str, Any]]:
    """The truth when the month is opened, and five weeks later."""
    return [truth(month), truth(month, month.opened_at + timedelta(days=35))]


def cells(answer: dict[str, Any]) -> Counter[tuple[str, str, str | None]]:
    return Counter(
        (kind, cell["status"], cell["reason"])
        for row in answer["engagements"]
        for kind, cell in row["artefacts"].items()
    )


def test_every_status_and_reason_that_an_account_can_bring_about_occurs(answers, month):
    few = replace(month.spec, engagements_per_day=40)
    unseen = Account.generate(few, clock=lambda: month.opened_at + timedelta(days=20))
    young = truth(unseen, few.day_start(few.last_day) + timedelta(hours=15))
    found = Counter(
        (status, reason)
        for answer in (*answers, young, truth(unseen))
        for _, status, reason in cells(answer).elements()
    )
    assert set(found) == {
        ("stored", None),
        ("none_recorded", None),
        ("unexplained", None),
        ("waiting", "not_ready"),
        ("waiting", "settling"),
        ("not_expected", "channel_has_none"),
        ("not_expected", "call_not_recorded"),
        ("not_expected", "not_answered"),
        ("not_expected", "no_recording"),
        ("not_expected", "no_voicemail_left"),
        ("not_expected", "inbox_transcription_off"),
        ("not_expected", "survey_not_triggered"),
        ("not_expected", "survey_not_answered"),
        ("missing", "source_reports_gone"),
        ("missing", "source_retention_passed"),
        ("deleted_at_source", "listed_then_gone"),
        ("deleted_at_source", "marked_deleted"),
    }


def test_every_listed_engagement_has_one_cell_for_every_kind_and_no_open_one_has_any(answers):
    for row in answers[0]["engagements"]:
        assert set(row["artefacts"]) == (KINDS if row["is_closed"] else set())
    assert any(not row["is_closed"] for row in answers[0]["engagements"])


def test_only_a_small_share_lacks_something_without_evidence():
    day = AccountSpec(last_day=datetime(2026, 11, 20, tzinfo=UTC).date(), days=1, engagements_per_day=4000)
    rows = [row for row in truth(Account.generate(day))["engagements"] if row["is_closed"]]
    share = sum(any(cell["status"] == "unexplained" for cell in row["artefacts"].values()) for row in rows) / len(rows)
    assert 0.002 < share < 0.006


def test_once_all_is_over_nothing_waits(answers):
    assert not [cell for cell in cells(answers[1]) if cell[1] == "waiting"]


def test_the_demo_has_every_deletion_still_before_it():
    spec = AccountSpec(last_day=datetime(2026, 11, 20, tzinfo=UTC).date())
    late_on_the_next_day = spec.day_start(spec.last_day) + timedelta(days=2, seconds=-1)
    account = Account.generate(spec, clock=lambda: late_on_the_next_day)
    assert all(each["is_observable"] for row in truth(account)["engagements"] for each in row["recordings"])


def test_the_truth_agrees_with_what_the_views_show(answers, month):
    for at, answer in zip((month.opened_at, month.opened_at + timedelta(days=35)), answers, strict=True):
        rows = {row["engagement_id"]: row for row in answer["engagements"]}
        listed = month.closed_engagements(at - timedelta(days=120), at, at)
        assert {item.engagement_id for item in listed} == {key for key, row in rows.items() if row["is_closed"]}
        for item in listed:
            view, row = views.engagement_item(item, at, BASE), rows[item.engagement_id]
            assert [(n["note_id"], n["note"], n["last_modified_time"]) for n in view["notes"]] == [
                (n["note_id"], n["note"], n["last_modified_time"]) for n in row["notes"]
            ]
            assert [each["disposition_id"] for each in view["dispositions"]] == row["dispositions"]
            assert [each["user_id"] for each in view["agents"]] == row["agents"]
            assert (view["survey_id"] or None) == row["survey_id"]
            assert len(views.email_messages(item, at) if item.email_count else []) == row["email_messages"]
        shown = {each.recording_id for each in month.recordings_between(at - timedelta(days=120), at, at)}
        assert shown == {
            each["recording_id"]
            for row in answer["engagements"]
            for each in row["recordings"]
            if not each["is_deleted"]
        }


def test_digests_are_those_of_the_files_that_downloads_give(answers, month):
    at, checked = month.opened_at, Counter()
    for row in answers[0]["engagements"][::3]:
        for each in row["recordings"]:
            item = month.recording(each["recording_id"])
            key = views.recording(item, at, BASE)["download_url"].rsplit("/", 1)[1].split("?")[0]
            media = find_media(month, "recording", key, at)
            text = find_media(month, "recording_transcript", item.transcript_id, at)
            if each["is_deleted"]:
                assert media is None
                continue
            assert (sha256(media.body).hexdigest() if media else None) == each["media_sha256"]
            assert (sha256(text.body).hexdigest() if text else None) == each["transcript_sha256"]
            assert (text.body.count(b" --> ") if text else None) == row["turns"].get(each["recording_id"])
            checked["recording"] += 1
        text = find_media(month, "messaging_transcript", row["engagement_id"], at)
        assert (sha256(text.body).hexdigest() if text else None) == row["messaging_transcript_sha256"]
        if text is not None:
            turns = json.loads(text.body)["messages"] if text.body[:1] == b"{" else text.body.decode().splitlines()
            assert len(turns) == row["turns"][row["engagement_id"]]
            checked["chat"] += 1
        for each in row["voicemails"]:
            media = find_media(month, "voicemail", each["message_id"], at)
            assert (media is None) == each["is_removed"]
            if media is not None:
                assert sha256(media.body).hexdigest() == each["media_sha256"]
                checked["voicemail"] += 1
    assert min(checked["recording"], checked["chat"]) > 300
    assert checked["voicemail"] > 20


class PlainReader:
    """The completeness rules once more, from nothing but views at one moment, with every grace period over."""

    def __init__(self, account: Account, at: datetime) -> None:
        self.at = at
        self.recordings: dict[str, list[dict[str, Any]]] = {}
        for item in account.recordings_between(at - timedelta(days=120), at, at):
            view = views.recording(item, at, BASE)
            key = view["download_url"].rsplit("/", 1)[1].split("?")[0]
            view["has_media"] = find_media(account, "recording", key, at) is not None
            self.recordings.setdefault(view["engagement_id"], []).append(view)
        self.messages = {
            item.engagement.engagement_id: views.inbox_message(item, at, BASE)
            for item in account.messages_between(at - timedelta(days=120), at, at)
        }
        self.calls = {
            item.engagement_id: views.voice_call(item)
            for item in account.voice_calls_between(at - timedelta(days=120), at, at)
        }
        self.transcribing = {
            each.inbox_id: views.inbox_detail(each)["voicemail"]["voicemail_transcription"]
            for each in account.population.inboxes
        }

    def statuses(self, view: dict[str, Any]) -> dict[str, tuple[str, str | None]]:
        channels = {each["channel"] for each in view["channels"]}
        media = self.recording(view, channels)
        voicemail = self.voicemail(view, channels)
        return {
            "recording": media,
            "recording_transcript": self.recording_transcript(view, media),
            "messaging_transcript": self.messaging_transcript(view, channels),
            "voicemail": voicemail,
            "voicemail_transcript": self.voicemail_transcript(view, voicemail),
            "notes": ("stored" if view["notes"] else "none_recorded", None),
            "dispositions": ("stored" if view["dispositions"] else "none_recorded", None),
        }

    def recording(self, view: dict[str, Any], channels: set[str]) -> tuple[str, str | None]:
        if not channels & {"voice", "video"}:
            return "not_expected", "channel_has_none"
        if items := self.recordings.get(view["engagement_id"]):
            return ("stored", None) if all(each["has_media"] for each in items) else ("missing", "source_reports_gone")
        call = self.calls.get(view["engagement_id"])
        if call is not None and not call["recorded"]:
            return "not_expected", "call_not_recorded"
        if call is None and not view["agents"] and view["talk_duration"] == 0:
            return "not_expected", "not_answered"
        return "unexplained", None

    def recording_transcript(self, view: dict[str, Any], media: tuple[str, str | None]) -> tuple[str, str | None]:
        if media[0] == "not_expected":
            return "not_expected", "channel_has_none" if media[1] == "channel_has_none" else "no_recording"
        items = self.recordings.get(view["engagement_id"], [])
        if not items:
            return media
        return ("stored", None) if all(each["transcript_url"] for each in items) else ("unexplained", None)

    def messaging_transcript(self, view: dict[str, Any], channels: set[str]) -> tuple[str, str | None]:
        if "messaging" not in channels:
            return "not_expected", "channel_has_none"
        return ("stored", None) if view["transcript_url"] else ("unexplained", None)

    def voicemail(self, view: dict[str, Any], channels: set[str]) -> tuple[str, str | None]:
        if "voice" not in channels:
            return "not_expected", "channel_has_none"
        message = self.messages.get(view["engagement_id"])
        if message is not None:
            return ("deleted_at_source", "marked_deleted") if message["status"] == "deleted" else ("stored", None)
        call = self.calls.get(view["engagement_id"])
        if view["voice_mail"] == 0 or (call is not None and not call["inbox"]):
            return "not_expected", "no_voicemail_left"
        if datetime.fromisoformat(view["end_time"]) + RETENTION < self.at:
            return "missing", "source_retention_passed"
        return "unexplained", None

    def voicemail_transcript(self, view: dict[str, Any], voicemail: tuple[str, str | None]) -> tuple[str, str | None]:
        if voicemail[0] != "stored":
            return voicemail
        message = self.messages[view["engagement_id"]]
        if not self.transcribing[message["inbox_id"]]:
            return "not_expected", "inbox_transcription_off"
        return ("stored", None) if message["transcript_url"] else ("unexplained", None)


@pytest.mark.parametrize("days_later", [0, 3, 40])
def test_a_plain_reader_who_comes_late_reaches_the_same_statuses_from_the_views_alone(month, days_later):
    at = month.opened_at + timedelta(days=days_later)
    account = Account.generate(month.spec, clock=lambda: at)
    reader, compared = PlainReader(account, at), 0
    rows = {row["engagement_id"]: row["artefacts"] for row in truth(account)["engagements"]}
    for item in account.closed_engagements(at - timedelta(days=120), at, at):
        cells_of_truth = rows[item.engagement_id]
        for kind, reached in reader.statuses(views.engagement_item(item, at, BASE)).items():
            if cells_of_truth[kind]["status"] == "waiting":
                continue  # the reader here takes every grace period as over
            assert reached == (cells_of_truth[kind]["status"], cells_of_truth[kind]["reason"]), (item.scenario, kind)
            compared += 1
    assert compared > 25_000


def test_what_was_deleted_before_the_account_was_opened_was_never_seen(month):
    deleted = next(item for item in month.recordings if item.deleted_at is not None)
    late = Account.generate(month.spec, clock=lambda: deleted.deleted_at + timedelta(hours=1))
    early = Account.generate(month.spec, clock=lambda: deleted.deleted_at - timedelta(hours=1))
    at = deleted.deleted_at + timedelta(hours=2)
    cell = {}
    for name, account in (("late", late), ("early", early)):
        row = next(
            row for row in truth(account, at)["engagements"] if row["engagement_id"] == deleted.engagement.engagement_id
        )
        own = next(each for each in row["recordings"] if each["recording_id"] == deleted.recording_id)
        cell[name] = (own["is_observable"], own["media_sha256"] is None, row["artefacts"]["recording"]["status"])
    assert cell["early"] == (True, deleted.is_media_gone, "deleted_at_source")
    assert cell["late"][:2] == (False, True)


def test_versions_of_a_note_count_those_that_could_be_read(account):
    item = next(item for item in account.engagements if item.is_closed(account.now()) and not item.notes)
    note_id = account.add_note(item.engagement_id, "A")
    for text in ("B", "A"):
        account.advance(timedelta(days=1))
        account.edit_note(item.engagement_id, note_id, text)
    row = next(row for row in truth(account)["engagements"] if row["engagement_id"] == item.engagement_id)
    assert [(note["note"], note["versions"], note["versions_since_opening"]) for note in row["notes"]] == [("A", 3, 3)]
    assert row["artefacts"]["notes"]["status"] == "stored"


def test_the_file_holds_the_truth_and_no_part_of_it_is_left_behind(tmp_path, account):
    write_truth(tmp_path / "truth.json", account)
    assert json.loads((tmp_path / "truth.json").read_text(encoding="utf-8")) == json.loads(json.dumps(truth(account)))
    assert [path.name for path in tmp_path.iterdir()] == ["truth.json"]


def test_catalogue_counts_are_those_of_the_population(answers):
    assert answers[0]["catalogue"] == {
        "queues": 8, "users": 25, "flows": 7, "inboxes": 2, "teams": 4, "dispositions": 10, "disposition_sets": 2,
    }  # fmt: skip
