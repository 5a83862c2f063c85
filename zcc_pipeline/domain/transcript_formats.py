"""Transcript files to turns: WebVTT, JSON, or lines of text, told apart by their content.

Zoom documents no format for any of its transcripts, and the downloads come as ``application/octet-stream``; so
nothing is taken from a media type or a file name. What cannot be read raises ``RecordRejected`` and never anything
else.
"""

from __future__ import annotations

import codecs
import json
import re
from html import unescape

from zcc_pipeline.domain.errors import RecordRejected
from zcc_pipeline.domain.transcript import Turn
from zcc_pipeline.domain.transcript_json import find_messages, parse_messages
from zcc_pipeline.domain.transcript_lines import choose_speaker_pattern, parse_lines, split_lines

WEBVTT, JSON, TEXT = "webvtt", "json", "text"

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LOOKS_LIKE_JSON = re.compile(r"\{|\[\s*(?:[{\[\"\]]|\Z)")
_LOOKS_LIKE_HTML = re.compile(r"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)


def parse_transcript(content: bytes) -> tuple[str, list[Turn]]:
    """The format (``webvtt``, ``json`` or ``text``) and the turns, numbered from 1.

    Times count from the start of the recording where the file says so (WebVTT), else from the first time in the file. A
    blank file has no turns. Raises ``RecordRejected`` with a reason that holds nothing of the content.
    """
    text = _decode(content)
    if re.match(r"\s*WEBVTT(?:\s|\Z)", text):
        return WEBVTT, _parse_webvtt(text)
    body = text.strip()
    if _LOOKS_LIKE_HTML.match(body):
        raise RecordRejected("transcript is an HTML page")
    if body.startswith(("{", "[")):
        document = _decode_json(body)
        if document is not None:
            return JSON, _parse_json(document)
    return TEXT, parse_lines(text)


def _decode(content: bytes) -> str:
    encoding = "utf-8"
    for mark, name in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            content, encoding = content[len(mark) :], name
            break
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        raise RecordRejected(f"transcript is not {encoding} text") from None
    if "\x00" in text:
        raise RecordRejected("transcript is binary")
    return text


def _decode_json(body: str) -> object | None:
    """The document; None where a text merely begins with a bracket, such as ``[10:32:05] Alice: …``."""
    try:
        document: object = json.loads(body)
    except (ValueError, RecursionError):
        if _LOOKS_LIKE_JSON.match(body):
            raise RecordRejected("transcript is JSON that cannot be read (cut off?)") from None
        return None
    return document


def _parse_json(document: object) -> list[Turn]:
    try:
        return _read_document(document)
    except RecursionError:
        raise RecordRejected("transcript is JSON nested too deeply") from None


def _read_document(document: object) -> list[Turn]:
    found = find_messages(document)
    if found is None:
        raise RecordRejected("transcript is JSON without a list of messages")
    if isinstance(found, str):
        return parse_lines(found)
    return parse_messages(found)


_CLOCK = r"((?:\d{1,4}:)?\d{1,2}:\d{1,2}[.,]\d{1,3})"
_TIMING = re.compile(rf"\s*{_CLOCK}\s*-->\s*{_CLOCK}(?:\s|$)")
_VOICE = re.compile(r"<v(?:\.[^\s>]{0,99})?[ \t]+([^>]{1,200})>")
_TAG = re.compile(r"</?(?:[a-z]{1,9}(?:\.[^\s>]{0,99})?(?:[ \t][^>]{0,200})?|\d[\d:.]{0,20})>", re.IGNORECASE)
_BLOCK_TO_SKIP = re.compile(r"(?:NOTE|STYLE|REGION)(?:[ \t]|$)")


class _Cue:
    """Times in seconds, None where they could not be read, and the lines under them."""

    def __init__(self, start: float | None, end: float | None, lines: list[str]) -> None:
        self.start = start
        self.end = end
        self.lines = lines


def _parse_webvtt(text: str) -> list[Turn]:
    # own code, because webvtt-py leaves out cues whose times it cannot read, and merges several voices of one cue
    cues: list[_Cue] = []
    for number, block in enumerate(_blocks(text)):
        if _BLOCK_TO_SKIP.match(block[0]):
            continue
        timings = [i for i, line in enumerate(block) if _TIMING.match(line)]
        timings = timings or [i for i, line in enumerate(block[:2]) if "-->" in line]
        if timings:
            cues.extend(_read_cues(block, timings))
        elif cues:
            cues[-1].lines.extend(block)  # a blank line inside a cue: the standard drops what follows, we keep it
        elif number > 0:
            raise RecordRejected("transcript is WebVTT without times")
    return _number_cues(cues)


def _read_cues(block: list[str], timings: list[int]) -> list[_Cue]:
    """Cues of one block: one, unless the blank line between two was left out."""
    cues = []
    for at, following in zip(timings, [*timings[1:], None], strict=True):
        lines = block[at + 1 : following]
        if following is not None and lines and lines[-1].strip().isdecimal():
            lines.pop()  # number of the cue that follows
        cues.append(_Cue(*_read_timing(block[at]), lines))
    return cues


def _blocks(text: str) -> list[list[str]]:
    blocks: list[list[str]] = [[]]
    for line in split_lines(text):
        if line.strip():
            blocks[-1].append(line)
        elif blocks[-1]:
            blocks.append([])
    return [block for block in blocks if block]


def _read_timing(line: str) -> tuple[float | None, float | None]:
    found = _TIMING.match(line)
    return (_seconds(found[1]), _seconds(found[2])) if found else (None, None)


def _seconds(clock: str) -> float:
    parts = clock.replace(",", ".").split(":")
    return sum(float(part) * 60.0**power for power, part in enumerate(reversed(parts)))


def _number_cues(cues: list[_Cue]) -> list[Turn]:
    pattern = choose_speaker_pattern(
        [_plain(cue.lines[0]) for cue in cues if cue.lines and not _VOICE.search(cue.lines[0])]
    )
    turns: list[Turn] = []
    for cue in cues:
        duration = round(max(0.0, cue.end - cue.start), 3) if cue.start is not None and cue.end is not None else None
        for speaker, said in _utterances(cue.lines, pattern):
            turns.append(Turn(len(turns) + 1, speaker, cue.start, duration, said))
    return turns


def _utterances(lines: list[str], pattern: re.Pattern[str]) -> list[tuple[str | None, str]]:
    """Speakers and what they say in one cue: voice tags if there are any, else ``Speaker: text`` at line starts."""
    whole = " ".join(line.strip() for line in lines)
    pieces = _VOICE.split(whole)
    if len(pieces) > 1:
        spoken: list[tuple[str | None, str]] = [(None, _plain(pieces[0]))] if _plain(pieces[0]) else []
        spoken.extend(
            (_plain(name) or None, _plain(said)) for name, said in zip(pieces[1::2], pieces[2::2], strict=True)
        )
        return spoken
    utterances: list[tuple[str | None, list[str]]] = []
    for line in map(_plain, lines):
        found = pattern.match(line)
        if found:
            utterances.append((found["speaker"].strip(), [found["text"].strip()]))
        elif utterances:
            utterances[-1][1].append(line)
        else:
            utterances.append((None, [line]))
    return [(speaker, " ".join(part for part in parts if part)) for speaker, parts in utterances]


def _plain(marked_up: str) -> str:
    return unescape(_TAG.sub("", marked_up)).strip()
