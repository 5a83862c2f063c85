"""Files: bearer, redirect to another host, no bearer there, parts, names, types."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from zcc_pipeline_tests.simulator.http.conftest import Serve
from zcc_pipeline_tests.simulator.http.reader import Reader

WINDOW = {"from": "2026-11-18T00:00:00Z", "to": "2026-11-21T00:00:00Z"}


def addresses(reader: Reader) -> dict[str, str]:
    recordings = reader.get("recordings", **WINDOW, page_size=300).json()["recordings"]
    recording = next(
        row for row in recordings if row["transcript_url"] and reader.download(row["download_url"]).is_redirect
    )
    messages = reader.get("inboxes/messages", **WINDOW, page_size=300).json()["messages"]
    voicemail = next(row for row in messages if row["transcript_url"])
    chats = reader.get("engagements", **WINDOW, channel="messaging", page_size=100).json()["engagements"]
    return {
        "recording": recording["download_url"],
        "recording_transcript": recording["transcript_url"],
        "voicemail": voicemail["download_url"],
        "voicemail_transcript": voicemail["transcript_url"],
        "messaging_transcript": next(row["transcript_url"] for row in chats if row["transcript_url"]),
    }


def location(reader: Reader, url: str) -> str:
    answer = reader.download(url)
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]


@pytest.mark.parametrize(
    ("kind", "media_type", "begins"),
    [
        ("recording", "audio/wav", b"RIFF"),
        ("recording_transcript", "application/octet-stream", b"WEBVTT"),
        ("voicemail", "audio/wav", b"RIFF"),
        ("voicemail_transcript", "application/octet-stream", b""),
        ("messaging_transcript", "application/octet-stream", b""),
    ],
)
def test_each_kind_of_file_comes_from_another_host_with_its_name(
    reader: Reader, kind: str, media_type: str, begins: bytes
) -> None:
    url = addresses(reader)[kind]
    target = location(reader, url)
    assert urlsplit(target).hostname == reader.sim.file_host != urlsplit(url).hostname
    file = httpx.get(target)
    assert file.status_code == 200
    assert file.content.startswith(begins)
    assert (file.headers["Content-Type"], file.headers["Accept-Ranges"]) == (media_type, "bytes")
    assert file.headers["Content-Disposition"].startswith('attachment; filename="GMT202611')
    assert int(file.headers["Content-Length"]) == len(file.content) > 0


def test_without_a_bearer_a_download_is_401(reader: Reader) -> None:
    for url in addresses(reader).values():
        refused = reader.download(url, bearer=False)
        assert (refused.status_code, refused.json()["code"]) == (401, 124)


def test_a_bearer_at_the_file_host_is_counted_as_leaked_and_refused(serve: Serve) -> None:
    reader = serve()
    target = location(reader, addresses(reader)["recording"])
    assert reader.state()["leaked_tokens"] == 0
    refused = httpx.get(target, headers={"Authorization": f"Bearer {reader.token}"})
    assert refused.status_code == 400
    assert reader.state()["leaked_tokens"] == 1


def test_a_token_without_the_list_s_scope_may_not_download(serve: Serve) -> None:
    reader = serve()
    url = addresses(reader)["recording"]
    reader.control("scopes", scopes=["contact_center:read:list_queues:admin"])
    reader.token = reader.new_token()
    assert reader.download(url).json()["code"] == 4711


def test_an_address_is_made_anew_for_each_answer_and_both_work(reader: Reader) -> None:
    first, second = (reader.get("recordings", **WINDOW).json()["recordings"][0] for _ in range(2))
    assert first["recording_id"] == second["recording_id"]
    assert first["download_url"] != second["download_url"]
    files = [httpx.get(location(reader, row["download_url"])).content for row in (first, second)]
    assert files[0] == files[1]


@pytest.mark.parametrize(
    ("asked", "status", "start", "end"),
    [
        ("bytes=100-", 206, 100, 1000),
        ("bytes=100-199", 206, 100, 200),
        ("bytes=0-9", 206, 0, 10),
        ("bytes=990-5000", 206, 990, 1000),
        ("bytes=0-", 200, 0, 1000),
        ("pages=1-2", 200, 0, 1000),
    ],
)
def test_a_part_is_sent_where_a_range_is_asked_for(
    reader: Reader, asked: str, status: int, start: int, end: int
) -> None:
    url = f"{reader.sim.api_url}/contact_center/recording/download/bench-1000"
    target = location(reader, url)
    whole = httpx.get(target).content
    part = httpx.get(target, headers={"Range": asked})
    assert (part.status_code, part.content) == (status, whole[start:end])
    if status == 206:
        assert part.headers["Content-Range"] == f"bytes {start}-{end - 1}/1000"


def test_if_range_gives_the_part_only_of_the_same_file(reader: Reader) -> None:
    target = location(reader, addresses(reader)["recording"])
    whole = httpx.get(target)
    same = httpx.get(target, headers={"Range": "bytes=50-", "If-Range": whole.headers["ETag"]})
    other = httpx.get(target, headers={"Range": "bytes=50-", "If-Range": '"another"'})
    assert (same.status_code, same.content) == (206, whole.content[50:])
    assert (other.status_code, other.content) == (200, whole.content)


def test_a_range_beyond_the_end_is_416(reader: Reader) -> None:
    target = location(reader, f"{reader.sim.api_url}/contact_center/recording/download/bench-1000")
    refused = httpx.get(target, headers={"Range": "bytes=1000-"})
    assert (refused.status_code, refused.headers["Content-Range"]) == (416, "bytes */1000")


def test_a_file_address_is_signed_and_dies(serve: Serve) -> None:
    reader = serve(file_link_lifetime_seconds=-2)
    target = location(reader, f"{reader.sim.api_url}/contact_center/recording/download/bench-1000")
    assert httpx.get(target).status_code == 403
    assert "SignatureDoesNotMatch" in httpx.get(target.replace("bench-1000", "bench-1001")).text


def test_a_deleted_recording_is_404_code_2801(serve: Serve) -> None:
    reader = serve()
    recording = reader.get("recordings", **WINDOW).json()["recordings"][0]
    reader.control("delete-recording", recording_id=recording["recording_id"])
    for url in (recording["download_url"], recording["transcript_url"]):
        gone = reader.download(url)
        assert (gone.status_code, gone.json()["code"]) == (404, 2801)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("recording/download/none", 2801),
        ("recording/transcripts/download/none", 2801),
        ("engagements/transcripts/download/none", 2901),
        ("inbox/message/download/none", 3101),
    ],
)
def test_unknown_files_are_404(reader: Reader, path: str, code: int) -> None:
    missing: Any = reader.get(path)
    assert (missing.status_code, missing.json()["code"]) == (404, code)


def test_a_large_file_is_made_while_it_is_sent(reader: Reader) -> None:
    size = 50_000_003
    target = location(reader, f"{reader.sim.api_url}/contact_center/recording/download/bench-{size}")
    with httpx.stream("GET", target) as file:
        assert sum(len(chunk) for chunk in file.iter_bytes()) == size
    tail = httpx.get(target, headers={"Range": f"bytes={size - 10}-"})
    assert len(tail.content) == 10
