"""Transcript files to turns."""
# ruff: noqa: E501 - the cases read as a table

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.domain.errors import RecordRejected
from zcc_pipeline.domain.transcript import Turn
from zcc_pipeline.domain.transcript_formats import parse_transcript
from zcc_pipeline.domain.transcript_lines import parse_lines, split_lines


def turns(text: str | bytes) -> list[Turn]:
    return parse_transcript(text if isinstance(text, bytes) else text.encode())[1]


def brief(text: str | bytes) -> list[tuple[str | None, float | None, str]]:
    return [(turn.speaker, turn.offset_seconds, turn.text) for turn in turns(text)]


class TestWebVtt:
    def test_cues_become_turns_with_speaker_offset_and_duration(self) -> None:
        text = (
            "WEBVTT\n\n1\n00:00:16.240 --> 00:00:18.740\nAlice Smith: Good morning,\nhow can I help?\n\n"
            "2\n01:00:00.000 --> 01:00:01.000\nBob: Hi\n"
        )

        assert parse_transcript(text.encode()) == (
            "webvtt",
            [
                Turn(1, "Alice Smith", 16.24, 2.5, "Good morning, how can I help?"),
                Turn(2, "Bob", 3600.0, 1.0, "Hi"),
            ],
        )

    def test_voice_tags_name_speakers_even_several_in_one_cue(self) -> None:
        text = "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Alice Smith>Hello &amp; <b>welcome</b></v> <v.loud Bob>Hi\n"

        assert brief(text) == [("Alice Smith", 1.0, "Hello & welcome"), ("Bob", 1.0, "Hi")]

    def test_several_speakers_on_lines_of_one_cue_are_told_apart(self) -> None:
        assert brief("WEBVTT\n\n00:01.000 --> 00:02.000\nAlice: Hello\nBob: Hi\n") == [
            ("Alice", 1.0, "Hello"),
            ("Bob", 1.0, "Hi"),
        ]

    def test_header_comments_and_styles_are_no_text(self) -> None:
        text = (
            "\ufeffWEBVTT - call\nKind: captions\n\nNOTE not said\nat all\n\nSTYLE\n::cue {}\n\n"
            "REGION\nid:a\n\n00:01.000 --> 00:02.000 align:start\nHello\n"
        )

        assert brief(text) == [(None, 1.0, "Hello")]

    def test_text_after_a_stray_blank_line_and_cues_without_one_between_are_kept(self) -> None:
        text = (
            "WEBVTT\n00:01.000 --> 00:02.000\nOne\n\ntwo\n\n2\n00:03.000 --> 00:04.000\nThree\n"
            "3\n00:05.000 --> 00:06.000\nFour"
        )

        assert brief(text) == [(None, 1.0, "One two"), (None, 3.0, "Three"), (None, 5.0, "Four")]

    @pytest.mark.parametrize("timing", ["00:00:01,000 --> 00:00:02,000", "00:00:01.000-->00:00:02.000 line:0"])
    def test_times_written_a_little_differently_are_read(self, timing: str) -> None:
        assert turns(f"WEBVTT\n\n{timing}\nHello\n") == [Turn(1, None, 1.0, 1.0, "Hello")]

    def test_a_time_that_cannot_be_read_costs_the_time_and_not_the_text(self) -> None:
        assert turns("WEBVTT\n\n00:xx --> 00:02.000\nHello\n") == [Turn(1, None, None, None, "Hello")]

    def test_a_colon_in_a_sentence_is_no_speaker(self) -> None:
        text = "WEBVTT\n\n00:01.000 --> 00:02.000\nWell, I told him: no.\n\n00:02.000 --> 00:03.000\nReally?\n"

        assert brief(text) == [(None, 1.0, "Well, I told him: no."), (None, 2.0, "Really?")]

    def test_names_with_commas_are_speakers_where_every_cue_has_one(self) -> None:
        text = "WEBVTT\n\n00:01.000 --> 00:02.000\nSmith, Alice: One\n\n00:02.000 --> 00:03.000\nJones, Bob: Two\n"

        assert [speaker for speaker, _, _ in brief(text)] == ["Smith, Alice", "Jones, Bob"]

    def test_a_header_alone_is_a_transcript_without_turns(self) -> None:
        assert parse_transcript(b"WEBVTT\n") == ("webvtt", [])

    def test_text_without_any_time_is_refused(self) -> None:
        with pytest.raises(RecordRejected, match="without times"):
            turns("WEBVTT\n\nHello\n")


class TestJson:
    def test_messages_in_the_shape_of_zooms_messaging_messages(self) -> None:
        document = {
            "engagement_id": "e1",
            "messages": [
                {
                    "content": {"type": "text", "value": "你好 👋"},
                    "sent_time": "2026-11-20T10:32:05.500Z",
                    "sender_participant_name": "Wei",
                },
                {
                    "content": {"type": "card", "value": {"title": "Invoice"}},
                    "sent_time": "2026-11-20T11:32:07.000+01:00",
                    "sender_participant_name": "Agent",
                },
            ],
        }

        assert brief(json.dumps(document)) == [("Wei", 0.0, "你好 👋"), ("Agent", 1.5, '{"title": "Invoice"}')]

    @pytest.mark.parametrize(
        ("message", "expected"),
        [
            ({"speaker": "A", "start": 1.5, "end": 3, "text": "x"}, Turn(1, "A", 1.5, 1.5, "x")),
            ({"speaker": {"name": "A"}, "offset_ms": 1500, "duration_ms": 250, "msg": "x"}, Turn(1, "A", 1.5, 0.25, "x")),
            ({"from": "A", "timestamp": 1_795_000_000, "body": "x"}, Turn(1, "A", 0.0, None, "x")),
            ({"sender": "A", "timestamp": 1_795_000_000_000, "content": "x"}, Turn(1, "A", 0.0, None, "x")),
            ({"author": "A", "begin": "00:01:01.5", "end_time": "00:01:02", "value": "x"}, Turn(1, "A", 61.5, 0.5, "x")),
            ({"role": "agent", "time": "not a time", "text": "x"}, Turn(1, "agent", None, None, "x")),
            ({"text": "x", "start": True, "end": None, "speaker": 5}, Turn(1, None, None, None, "x")),
        ],
    )  # fmt: skip
    def test_keys_have_many_names(self, message: dict[str, object], expected: Turn) -> None:
        assert turns(json.dumps([message])) == [expected]

    @pytest.mark.parametrize("key", ["messages", "transcript", "segments", "turns"])
    def test_the_list_may_lie_under_several_names_also_nested(self, key: str) -> None:
        message = {"speaker": "A", "text": "x"}

        assert brief(json.dumps({key: [message]})) == [("A", None, "x")]
        assert brief(json.dumps({"data": {key: [message]}})) == [("A", None, "x")]

    def test_a_transcript_in_one_string_is_read_as_lines(self) -> None:
        assert brief('{"transcript": "A: x\\nB: y"}') == [("A", None, "x"), ("B", None, "y")]

    def test_what_no_encoder_takes_is_replaced(self) -> None:
        (turn,) = turns(b'[{"text": "a\\ud800b\\u0000c"}]')

        assert turn.text.encode() == "a?b\ufffdc".encode()

    @pytest.mark.parametrize("text", ["[]", '{"messages": []}'])
    def test_no_messages_are_no_turns(self, text: str) -> None:
        assert parse_transcript(text.encode()) == ("json", [])

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ('{"messages": [{"text": "secret', "cut off"),
            ('[{"text": "secret"', "cut off"),
            ("[" * 100_000, "cut off"),
            ('{"secret": 1}', "without a list of messages"),
            ('[{"secret": 1}]', "no text"),
        ],
    )
    def test_what_cannot_be_read_is_refused_with_a_reason_that_repeats_nothing(self, text: str, reason: str) -> None:
        with pytest.raises(RecordRejected, match=reason) as caught:
            turns(text)

        assert "secret" not in str(caught.value)


class TestLines:
    def test_a_time_and_a_speaker(self) -> None:
        assert brief("10:32:05 Alice: Hello\n10:32:09.5 Bob: See https://example.com/a:b\n") == [
            ("Alice", 0.0, "Hello"),
            ("Bob", 4.5, "See https://example.com/a:b"),
        ]

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            ("[2026-11-20 23:59:59]", "[2026-11-21 00:00:01]"),
            ("[2026-11-20T23:59:59Z]", "[2026-11-21T00:00:01Z]"),
            ("2026-11-20 23:59:59 -", "2026-11-21 00:00:01 -"),
            ("(11/20/2026, 11:59:59 PM)", "(11/21/2026, 12:00:01 AM)"),
            ("[2026-11-20 23:59:59+01:00]", "[2026-11-20 23:00:01+0000]"),
            ("23:59:59", "00:00:01"),
            ("[11:59:59 pm]", "[12:00:01 am]"),
        ],
    )
    def test_times_come_in_many_forms_and_pass_midnight(self, first: str, second: str) -> None:
        assert brief(f"{first} Alice: Hello\n{second} Bob: Hi") == [("Alice", 0.0, "Hello"), ("Bob", 2.0, "Hi")]

    def test_lines_without_a_time_continue_the_message_before(self) -> None:
        assert brief("before\n[10:00:00] Alice: one\n  two: three\n\n[10:00:01] Bob:\nfour") == [
            (None, None, "before"),
            ("Alice", 0.0, "one\ntwo: three"),
            ("Bob", 1.0, "four"),
        ]

    def test_a_time_without_a_speaker(self) -> None:
        assert brief("[10:00:00] The customer has joined\n[10:00:03] Alice: Hi") == [
            (None, 0.0, "The customer has joined"),
            ("Alice", 3.0, "Hi"),
        ]

    def test_speakers_without_times(self) -> None:
        assert brief(
            "Alice: Hello\nBob Jones (Agent): Hi\nand welcome\n+1 205-555-0100: ok\n山田 太郎：こんにちは"
        ) == [
            ("Alice", None, "Hello"),
            ("Bob Jones (Agent)", None, "Hi\nand welcome"),
            ("+1 205-555-0100", None, "ok"),
            ("山田 太郎", None, "こんにちは"),
        ]

    def test_free_text_stays_text(self) -> None:
        text = "Hi, this is Bob: please call me back at 10:30.\n10:30 is when I am in.\n\nThanks"

        assert brief(text) == [
            (None, None, "Hi, this is Bob: please call me back at 10:30."),
            (None, None, "10:30 is when I am in."),
            (None, None, "Thanks"),
        ]

    def test_a_bracket_at_the_beginning_is_not_taken_for_json(self) -> None:
        assert brief("[inaudible] hello") == [(None, None, "[inaudible] hello")]

    @pytest.mark.parametrize("text", [b"", b"\n \r\n\t", b"\xef\xbb\xbf"])
    def test_a_blank_file_has_no_turns(self, text: bytes) -> None:
        assert parse_transcript(text) == ("text", [])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_are_told_by_their_mark(encoding: str) -> None:
    assert brief("Zoë: Grüße 👋\nBob: Hi".encode(encoding)) == [("Zoë", None, "Grüße 👋"), ("Bob", None, "Hi")]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xff\xd8\xff\xe0 jpeg", "not utf-8"),
        (b"caf\xe9", "not utf-8"),
        (b"\xff\xfea", "not utf-16"),
        (b"RIFF\x00\x00\x00\x00WAVE", "binary"),
        (b"<!DOCTYPE html><title>Sign in</title>", "HTML"),
        (b" \n<html><body>Bad gateway", "HTML"),
    ],
)
def test_what_is_no_text_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(RecordRejected, match=reason):
        parse_transcript(content)


@given(
    st.binary()
    | st.text().map(str.encode)
    | st.text("WEBVTT\n ->:.0123456789<v>/abc", max_size=200).map(lambda text: b"WEBVTT\n\n" + text.encode())
)
def test_whatever_comes_is_read_or_refused_and_nothing_else(content: bytes) -> None:
    try:
        form, found = parse_transcript(content)
    except RecordRejected:
        return
    assert form in ("webvtt", "json", "text")
    assert [turn.turn for turn in found] == list(range(1, len(found) + 1))
    for turn in found:
        turn.text.encode()
        assert turn.duration_seconds is None or turn.duration_seconds >= 0


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
documents = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["messages", "text", "start", "end", "speaker", "timestamp", "offset_ms", "content", "value"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(documents)
def test_any_json_is_read_or_refused_and_can_be_written_again(document: object) -> None:
    try:
        _, found = parse_transcript(json.dumps(document).encode())
    except RecordRejected:
        return
    for turn in found:
        json.dumps([turn.speaker, turn.offset_seconds, turn.duration_seconds, turn.text], allow_nan=False).encode()


pieces = st.sampled_from(
    ["10:32:05 ", "[2026-11-20 10:32:05] ", "(11:59 PM) ", "Alice: ", "Bob (x): ", "：", "99:99 ", "- "]
)
lines = st.lists(pieces | st.text(max_size=12), max_size=4).map("".join)


@given(st.lists(lines, max_size=8).map("\n".join))
def test_no_line_of_a_text_is_lost(text: str) -> None:
    try:
        form, found = parse_transcript(text.encode())
    except RecordRejected:
        return
    if form != "text":
        return
    kept = iter([line for turn in found for line in turn.text.split("\n")])
    for line in split_lines(text):
        if line.strip() and not _is_only_prefix(line):
            # what is missing at its beginning is the time and the speaker, which the turn has as such
            assert any(line.strip().endswith(part) for part in kept if part), (line, found)


def _is_only_prefix(line: str) -> bool:
    return line.rstrip().endswith((":", "：")) or any(not turn.text for turn in parse_lines(line))


@pytest.mark.parametrize(
    "text",
    [
        "<a " * 100_000,
        "10:32" + " " * 300_000 + "x",
        "a " * 200_000,
        " " * 300_000 + "x",
        "[2026-" * 50_000,
        "x: " * 100_000,
    ],
)
def test_a_long_hostile_line_takes_no_long_time(text: str) -> None:
    began = time.process_time()
    turns(text)

    assert time.process_time() - began < 5
