"""Lines of text to turns: ``10:32:05 Alice: hello``, ``[2026-11-20 10:32:05] Alice: hello``, ``Alice: hello``, or
just text.

No line is lost: what does not look like the beginning of a turn continues the one before it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from zcc_pipeline.domain.transcript import Turn

_DAY_SECONDS = 86_400

# every repetition is bounded: a line of a megabyte must not take a minute
_STAMP = re.compile(
    r"""(?P<open>[\[(])?\s{0,3}
    (?:(?P<date>\d{4}[-/]\d{1,2}[-/]\d{1,2}|\d{1,2}/\d{1,2}/\d{4})[T,\s]\s{0,3})?
    (?P<hour>\d{1,2}):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d)(?:[.,](?P<fraction>\d{1,6}))?)?
    (?:\s?(?P<half>[AaPp][Mm])\b)?
    (?:\s?(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2}))?
    \s{0,3}(?P<close>[\])])?(?:\s{0,3}[-–—]\s|\s|$)(?P<rest>.*)$""",
    re.VERBOSE,
)

_NAME_WORD = r"(?:[^\W_][\w'’&+*#@-]{0,59}|\+\d[\d-]{0,20}|[^\W\d_]{1,3}\.|\([^()]{1,30}\))"
_STRICT = re.compile(
    rf"^\s*(?P<speaker>{_NAME_WORD}(?:[ \t]{_NAME_WORD}){{0,4}})[ \t]?(?::(?=\s|$)|：)\s*(?P<text>.*)$"
)
_LOOSE = re.compile(r"^\s*(?P<speaker>[^:：\s][^:：]{0,79}?)\s?(?::(?=\s|$)|：)\s*(?P<text>.*)$")
_MOSTLY = 0.8


@dataclass(slots=True)
class _Draft:
    speaker: str | None
    at: float | None
    lines: list[str] = field(default_factory=list)


def split_lines(text: str) -> list[str]:
    """Lines as an editor shows them (not at form feeds or Unicode separators, which occur inside messages)."""
    return re.split(r"\r\n|\r|\n", text)


def choose_speaker_pattern(lines: Sequence[str]) -> re.Pattern[str]:
    """How to tell ``Speaker:`` from a colon in a sentence.

    Where nearly all lines begin with something and a colon, whatever stands there is the speaker (``Smith, John``).
    Otherwise only what looks like a name: a few words without punctuation.
    """
    matching = sum(1 for line in lines if _LOOSE.match(line))
    return _LOOSE if len(lines) > 1 and matching >= _MOSTLY * len(lines) else _STRICT


def parse_lines(text: str) -> list[Turn]:
    """Turns of a text; times count from the first one in it."""
    lines = [line for line in split_lines(text) if line.strip()]
    stamped = [_read_stamp(line) for line in lines]
    if any(stamped):
        drafts = _draft_stamped(lines, stamped)
    else:
        pattern = choose_speaker_pattern(lines)
        if lines and pattern.match(lines[0]):
            drafts = _draft_spoken(lines, pattern)
        else:
            drafts = [_Draft(None, None, [line]) for line in lines]
    first = next((draft.at for draft in drafts if draft.at is not None), 0.0)
    return [
        Turn(
            number,
            draft.speaker,
            None if draft.at is None else round(draft.at - first, 3),
            None,
            "\n".join(line.strip() for line in draft.lines if line.strip()),
        )
        for number, draft in enumerate(drafts, 1)
    ]


def _draft_stamped(lines: Sequence[str], stamped: Sequence[tuple[float, bool, str] | None]) -> list[_Draft]:
    drafts: list[_Draft] = []
    latest, days = None, 0
    for line, stamp in zip(lines, stamped, strict=True):
        if stamp is None:
            if drafts:
                drafts[-1].lines.append(line)
            else:
                drafts.append(_Draft(None, None, [line]))
            continue
        at, is_dated, rest = stamp
        if not is_dated:
            if latest is not None and at < latest - _DAY_SECONDS / 2:
                days += 1  # times without a date have passed midnight
            latest = at
            at += days * _DAY_SECONDS
        spoken = _LOOSE.match(rest)
        drafts.append(_Draft(spoken["speaker"], at, [spoken["text"]]) if spoken else _Draft(None, at, [rest]))
    return drafts


def _draft_spoken(lines: Sequence[str], pattern: re.Pattern[str]) -> list[_Draft]:
    drafts: list[_Draft] = []
    for line in lines:
        spoken = pattern.match(line)
        if spoken:
            drafts.append(_Draft(spoken["speaker"], None, [spoken["text"]]))
        else:
            drafts[-1].lines.append(line)
    return drafts


def _read_stamp(line: str) -> tuple[float, bool, str] | None:
    """Seconds, whether a date came with them, and the rest of the line; None where the line begins with no time."""
    found = _STAMP.match(line.strip())
    if not found or bool(found["open"]) != bool(found["close"]):
        return None
    is_certain = found["open"] or found["date"] or found["second"]
    if not is_certain and not _LOOSE.match(found["rest"]):
        return None  # "10:30 is when I arrive"
    hour = int(found["hour"])
    if found["half"]:
        hour = hour % 12 + (12 if found["half"].lower() == "pm" else 0)
    seconds = hour * 3600 + int(found["minute"]) * 60 + int(found["second"] or 0)
    moment = seconds + float(f"0.{found['fraction'] or 0}")
    if not found["date"]:
        return moment, False, found["rest"]
    day = _read_date(found["date"])
    if day is None or hour > 23:
        return None
    return day.timestamp() + moment - _zone_seconds(found["zone"]), True, found["rest"]


def _read_date(text: str) -> datetime | None:
    parts = [int(part) for part in re.split(r"[-/]", text)]
    year, month, day = parts if parts[0] > 31 else (parts[2], parts[0], parts[1])
    try:
        return datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        return None


def _zone_seconds(zone: str | None) -> float:
    if not zone or zone[0] not in "+-":
        return 0.0
    digits = zone[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return offset.total_seconds() * (-1 if zone[0] == "-" else 1)
