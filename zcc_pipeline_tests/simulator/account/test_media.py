from __future__ import annotations

import io
import json
import struct
import wave
from datetime import timedelta

import pytest

from zcc_pipeline.simulator.zoom.account import views
from zcc_pipeline.simulator.zoom.account.downloads import find_media

BASE = "https://api.zoom.us/v2"


def last_part(url: str) -> str:
    return url.rsplit("/", 1)[1].split("?", maxsplit=1)[0]


def test_voice_recordings_and_voicemails_are_playable_audio(month):
    voice = [item for item in month.recordings if item.engagement.has_channel("voice")][:20]
    for item in voice:
        view = views.recording(item, month.now(), BASE)
        if not item.is_listed(month.now()) or item.is_media_gone:
            continue
        media = find_media(month, "recording", last_part(view["download_url"]), month.now())
        assert media is not None
        assert media.media_type == "audio/wav"
        with wave.open(io.BytesIO(media.body)) as audio:
            assert audio.getframerate() == 8_000
            assert 2 <= audio.getnframes() / audio.getframerate() <= 4
            assert len(set(audio.readframes(4_000))) > 50
        assert 10_000 < len(media.body) < 40_000
    message = month.voicemails[-1]
    media = find_media(month, "voicemail", message.message_id, month.now())
    assert media is not None
    with wave.open(io.BytesIO(media.body)) as audio:
        assert audio.getnframes() > 0


def test_video_recordings_are_chains_of_the_right_boxes(month):
    item = next(item for item in month.recordings if item.engagement.has_channel("video") and not item.is_media_gone)
    at = item.listed_at
    media = find_media(month, "recording", last_part(views.recording(item, at, BASE)["download_url"]), at)
    assert media is not None
    assert media.media_type == "video/mp4"
    kinds, position = [], 0
    while position < len(media.body):
        size, kind = struct.unpack_from(">I4s", media.body, position)
        kinds.append(kind)
        position += size
    assert (kinds, position) == ([b"ftyp", b"moov", b"mdat"], len(media.body))


def test_no_two_files_are_equal_and_each_is_the_same_every_time(month, account):
    at = month.now()
    bodies = []
    for item in month.recordings:
        if item.is_listed(at) and not item.is_media_gone and len(bodies) < 200:
            keys = [
                last_part(views.recording(item, at + timedelta(seconds=step), BASE)["download_url"]) for step in (0, 1)
            ]
            assert keys[0] != keys[1], "an address is made anew for each answer"
            first, second = (find_media(month, "recording", key, at) for key in keys)
            assert first == second
            assert first is not None
            bodies.append(first.body)
    assert len(set(bodies)) == len(bodies) == 200


def test_recording_transcripts_are_webvtt_with_a_speaker_in_every_cue(month):
    at, languages = month.now(), set()
    for item in month.recordings[:400]:
        media = find_media(month, "recording_transcript", item.transcript_id, at)
        if media is None:
            continue
        assert media.media_type == "application/octet-stream"
        assert media.file_name.endswith("_Transcript.vtt")
        head, *cues = media.body.decode().strip().split("\n\n")
        assert head == "WEBVTT"
        assert len(cues) >= 3
        last = -1.0
        for number, cue in enumerate(cues, start=1):
            index, times, text = cue.split("\n", 2)
            begin, end = (in_seconds(part) for part in times.split(" --> "))
            assert int(index) == number
            assert last <= begin < end
            speaker, said = text.split(": ", 1)
            assert speaker in {item.engagement.customer.name, *(agent.name for agent in item.engagement.agents)}
            assert said
            assert "{" not in said
            last = begin
        languages.add(item.engagement.customer.language)
    assert len(languages) >= 6


def in_seconds(text: str) -> float:
    hours, minutes, rest = text.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def test_messaging_transcripts_are_json_for_web_chat_and_lines_of_text_for_the_others(month):
    at, seen = month.now(), {"json": 0, "txt": 0}
    for item in month.closed_engagements(at - timedelta(days=60), at, at):
        media = (
            find_media(month, "messaging_transcript", item.engagement_id, at) if item.has_channel("messaging") else None
        )
        if media is None:
            continue
        assert media.media_type == "application/octet-stream"
        if item.has_source("web_chat"):
            messages = json.loads(media.body)["messages"]
            assert media.file_name.endswith(".json")
            assert messages == views.messaging_messages(item, at)
            times = [message["sent_time"] for message in messages]
            seen["json"] += 1
        else:
            lines = media.body.decode().splitlines()
            assert media.file_name.endswith(".txt")
            assert all(line.startswith("[20") and "] " in line and ": " in line for line in lines)
            times = [line[1:21] for line in lines]
            seen["txt"] += 1
        assert len(times) >= 3
        assert times == sorted(times)
    assert min(seen.values()) > 100


@pytest.mark.parametrize(
    "kind", ["recording", "recording_transcript", "messaging_transcript", "voicemail", "voicemail_transcript"]
)
def test_an_unknown_address_gives_nothing(month, kind):
    for key in ("", "nobody", "01bdb222-9984-4f41-8141-2f760cb398aa", "zzzz-", "-1"):
        assert find_media(month, kind, key, month.now()) is None


def test_an_unknown_kind_of_download_is_a_mistake_of_the_caller(month):
    with pytest.raises(ValueError, match="hologram"):
        month.resolve_download("hologram", "x")


def test_files_are_not_there_before_their_time_nor_after_their_deletion(month):
    for item in month.recordings:
        if item.transcript_at is not None and item.deleted_at is None:
            before = item.transcript_at - timedelta(seconds=1)
            assert find_media(month, "recording_transcript", item.transcript_id, before) is None
            assert find_media(month, "recording_transcript", item.transcript_id, item.transcript_at) is not None
            break
    deleted = next(item for item in month.recordings if item.deleted_at is not None and not item.is_media_gone)
    at = deleted.deleted_at
    key = last_part(views.recording(deleted, at, BASE)["download_url"])
    assert find_media(month, "recording", key, at - timedelta(seconds=1)) is not None
    assert find_media(month, "recording", key, at) is None
    assert find_media(month, "recording_transcript", deleted.transcript_id, at) is None
    message = next(item for item in month.voicemails if item.transcript_at is not None)
    for kind in ("voicemail", "voicemail_transcript"):
        assert find_media(month, kind, message.message_id, message.removed_at - timedelta(seconds=1)) is not None
        assert find_media(month, kind, message.message_id, message.removed_at) is None


def test_some_recordings_are_listed_though_their_media_is_gone(month):
    gone = [item for item in month.recordings if item.is_media_gone]
    assert 0 < len(gone) < len(month.recordings) * 0.01
    at = gone[0].listed_at
    assert find_media(month, "recording", last_part(views.recording(gone[0], at, BASE)["download_url"]), at) is None
    assert gone[0] in month.recordings_between(gone[0].start, gone[0].start, at)
