"""Card data over the cues of a transcript: what one speaker says is joined, looked at whole, and mapped back.

A number read out in pieces has other people's words in between ("mm-hm"), and is asked for by somebody else; so cues
are joined by speaker, and words that speak of cards count whoever said them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from zcc_pipeline.domain.card_data.findings import Match, Rule, merged, replaced
from zcc_pipeline.domain.card_data.numbers import plain
from zcc_pipeline.domain.card_data.scanner import redact_text, scan_plain, speaks_of_cards
from zcc_pipeline.domain.card_data.security_codes import first_code, iter_names

_CUES_BETWEEN = 6
"""Cues of others that may stand between two pieces of a number."""
_CUES_BEFORE = 6
"""Cues before a number in which words may speak of cards."""
_CUES_TO_CODE = 3
"""Cues after the one that asks within which a code follows."""
_BREAK = "\x00"
"""Joins cues that do not belong together: no run of digits goes over it."""
_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class Cue:
    """One utterance; times in seconds from the start of the recording, None where the file has none."""

    speaker: str | None
    text: str
    starts_at: float | None = None
    ends_at: float | None = None


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A part of one cue, the cue by its number from 0."""

    cue: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class CueFinding:
    """Card data in one cue or over several; times of the first and the last of them where the file has them."""

    rule: Rule
    spans: tuple[Span, ...]
    starts_at: float | None
    ends_at: float | None


def scan_cues(cues: Sequence[Cue]) -> list[CueFinding]:
    """What the cues of a transcript hold, in the order of its cues."""
    smalls = _plain_texts(cues)
    found = [(Rule.CARD_NUMBER, spans) for spans in _numbers(cues, smalls)]
    taken: dict[int, list[Span]] = {}
    for _, spans in found:
        for span in spans:
            taken.setdefault(span.cue, []).append(span)
    found += [
        (Rule.SECURITY_CODE, (code,))
        for code in sorted(set(_codes(smalls)))
        if not any(span.start < code.end and code.start < span.end for span in taken.get(code.cue, ()))
    ]
    found.sort(key=lambda each: each[1])
    return [CueFinding(rule, spans, cues[spans[0].cue].starts_at, cues[spans[-1].cue].ends_at) for rule, spans in found]


def redact_cues(cues: Sequence[Cue]) -> list[str]:
    """The texts of the cues with words in place of the digits; scanning them finds nothing any more."""
    texts = [cue.text for cue in cues]
    for _ in range(_ROUNDS):
        found = scan_cues([Cue(cue.speaker, text) for cue, text in zip(cues, texts, strict=True)])
        if not found:
            return texts
        by_cue: dict[int, list[Match]] = {}
        for finding in found:
            for span in finding.spans:
                by_cue.setdefault(span.cue, []).append(Match(span.start, span.end, finding.rule))
        for number, matches in by_cue.items():
            texts[number] = replaced(texts[number], merged(matches))
    return [redact_text(text) for text in texts]


def _plain_texts(cues: Sequence[Cue]) -> list[str]:
    """All texts in one pass: ``plain`` keeps lengths."""
    whole = plain("".join([cue.text for cue in cues]))
    ends = list(accumulate(len(cue.text) for cue in cues))
    return [whole[start:end] for start, end in zip([0, *ends], ends, strict=False)]


class _Stream:
    """Cues joined to one text that remembers where each came from."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.cues: list[int] = []
        self.starts: list[int] = []
        self._length = 0

    def add(self, number: int, small: str) -> None:
        """Append a cue; far from the one before, so that nothing goes over the gap, or near."""
        if self.cues:
            self.parts.append(" " if number - self.cues[-1] <= _CUES_BETWEEN + 1 else _BREAK)
            self._length += 1
        self.cues.append(number)
        self.starts.append(self._length)
        self.parts.append(small)
        self._length += len(small)

    def spans(self, start: int, end: int) -> tuple[Span, ...]:
        """The parts of cues that a part of the text covers."""
        found = []
        at = bisect_right(self.starts, start) - 1
        while at < len(self.cues) and self.starts[at] < end:
            begin = self.starts[at]
            behind = begin + len(self.parts[2 * at])
            if max(start, begin) < min(end, behind):
                found.append(Span(self.cues[at], max(start, begin) - begin, min(end, behind) - begin))
            at += 1
        return tuple(found)

    def cue_at(self, place: int) -> int:
        """Number of the cue that a place of the text is in."""
        return self.cues[bisect_right(self.starts, place) - 1]


def _numbers(cues: Sequence[Cue], smalls: Sequence[str]) -> Iterator[tuple[Span, ...]]:
    streams: dict[str | None, _Stream] = {}
    for number, cue in enumerate(cues):
        streams.setdefault(cue.speaker, _Stream()).add(number, smalls[number])
    for stream in streams.values():
        small = "".join(stream.parts)

        def speaks(start: int, end: int, stream: _Stream = stream, small: str = small) -> bool:
            first = stream.cue_at(start)
            return speaks_of_cards(small, start, end) or any(
                speaks_of_cards(said, len(said), len(said)) for said in smalls[max(0, first - _CUES_BEFORE) : first]
            )

        for match in scan_plain(small, speaks=speaks):
            if match.rule is Rule.CARD_NUMBER:
                yield stream.spans(match.start, match.end)


def _codes(smalls: Sequence[str]) -> Iterator[Span]:
    """Codes in the cue that names them, or else in one of the next."""
    if not any(True for _ in iter_names("\n".join(smalls))):
        return
    for number, small in enumerate(smalls):
        if not any(True for _ in iter_names(small)):
            continue
        inside = [match for match in scan_plain(small, speaks=_never) if match.rule is Rule.SECURITY_CODE]
        yield from (Span(number, match.start, match.end) for match in inside)
        if inside:
            continue
        for following in range(number + 1, min(len(smalls), number + 1 + _CUES_TO_CODE)):
            code = first_code(smalls[following], 0, len(smalls[following]))
            if code is not None:
                yield Span(following, code.start, code.end)
                break


def _never(_start: int, _end: int) -> bool:
    return False
