"""What a file is by its bytes, and what is an error message in its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.landing.sniffing import HEAD_BYTES, error_page, sniff

CASES = [
    (b"RIFF\x24\x00\x00\x00WAVEfmt ", "audio/wav", "wav"),
    (b"ID3\x04\x00\x00\x00\x00\x00\x00", "audio/mpeg", "mp3"),
    (b"\xff\xfb\x90\x64\x00\x00", "audio/mpeg", "mp3"),
    (b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00", "video/mp4", "mp4"),
    (b"\x00\x00\x00\x18ftypM4A \x00\x00\x00\x00", "audio/mp4", "m4a"),
    (b"WEBVTT\n\n00:00.000 --> 00:01.000\nHello", "text/vtt", "vtt"),
    (b"\xef\xbb\xbfWEBVTT - title\n", "text/vtt", "vtt"),
    (b'{"messages": []}', "application/json", "json"),
    (b"\n [1, 2]", "application/json", "json"),
    ("12:00 Zoë: <hello> 🙂".encode(), "text/plain", "txt"),
    (b"WEBVTTX is a word", "text/plain", "txt"),
    (b"\x00\x01\x02\x03", "application/octet-stream", "bin"),
    (b"\xff\xff\xff\xff", "application/octet-stream", "bin"),
    (b"RIFF\x24\x00\x00\x00AVI LIST", "application/octet-stream", "bin"),
]


@pytest.mark.parametrize(("head", "media_type", "extension"), CASES)
def test_the_content_decides(head: bytes, media_type: str, extension: str) -> None:
    found = sniff(head, "application/octet-stream")
    assert (found.media_type, found.extension) == (media_type, extension)
    assert error_page(head) is None


def test_a_declared_type_never_overrules_the_content_and_helps_only_with_unknown_media() -> None:
    assert sniff(b"RIFF\x24\x00\x00\x00WAVEfmt ", "text/html").extension == "wav"
    assert sniff(b"\x00\x01\x02\x03", "Audio/Ogg").media_type == "audio/ogg"
    assert sniff(b"\x00\x01\x02\x03", "audio/ogg; evil\r\n").media_type == "application/octet-stream"


@pytest.mark.parametrize(
    "page",
    [
        b"<!DOCTYPE html><html><body>502</body></html>",
        b"\xef\xbb\xbf  \n<HTML lang=en>",
        b"<!-- cdn --><!-- edge -->\n<!doctype HTML>",
        b"<html\n><head>",
        b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>',
        b'<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN">',
        b'{"code":300,"message":"The request failed."}',
        b'{"code":124,"message":"Invalid access token.","errors":[]}',
    ],
)
def test_error_messages_are_recognised(page: bytes) -> None:
    assert error_page(page) is not None


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"Agent: <html> is a tag",
        b'{"code":1,"message":"x","messages":[]}',
        b'{"code":"A","message":"x"}',
        b"[300]",
    ],
)
def test_files_that_only_look_a_little_like_errors_are_files(file: bytes) -> None:
    assert error_page(file) is None


@given(text=st.text(alphabet=st.characters(min_codepoint=0xA0, exclude_categories=["Cs", "Cc"]), min_size=1))
def test_text_cut_in_the_middle_of_a_character_is_still_text(text: str) -> None:
    whole = (text * HEAD_BYTES).encode()
    assert sniff(whole[:HEAD_BYTES]).extension == "txt"


@given(head=st.binary(max_size=64))
def test_no_bytes_break_it(head: bytes) -> None:
    assert sniff(head, None).extension.isalnum()
    error_page(head)
