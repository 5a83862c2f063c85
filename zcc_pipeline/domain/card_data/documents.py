"""Card data in a JSON document: its texts one by one, and lists of messages as cues. Only what is removed changes.

A record's bytes are kept as its source sent them; redaction replaces the literals that hold card data, and a number
that is one becomes a text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from zcc_pipeline.domain.card_data.cues import Cue, redact_cues, scan_cues
from zcc_pipeline.domain.card_data.findings import REMOVED, Rule
from zcc_pipeline.domain.card_data.scanner import redact_text, scan_text
from zcc_pipeline.domain.card_data.security_codes import SHORTEST_CODE

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[{}\[\]:,]|[^\s{}\[\]:,"]++', re.DOTALL)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.]{5,15}(?:Z|[+-]\d\d:?\d\d)?")
MESSAGE_KEYS = frozenset({"text", "message", "content", "body", "value", "utterance", "transcript", "msg"})
"""Names of what is said in the messages of a list."""
_SPEAKERS = (
    "speaker",
    "speaker_name",
    "sender_name",
    "sender_participant_name",
    "display_name",
    "sender",
    "from",
    "name",
)
MACHINE_NAME = "ids?|uuid|urls?|time|at|ts|ms|date|sha256|sha512|token|path"
"""How the names of values end that machines make: no text, and changed they would be of no use."""
_MACHINE = re.compile(rf"(?:(?:\A|_)(?:{MACHINE_NAME})|key)\Z")
_NAME = re.compile(r"[A-Za-z_]{1,40}\d{0,4}")
_UNNAMED = "(name)"
"""Stands in a path for a name that could hold digits or number words itself."""
_LONGEST_PATH = 400
_ROUNDS = 4
_DECODE = json.JSONDecoder(strict=False).decode


@dataclass(frozen=True, slots=True)
class DocumentFinding:
    """Card data in one value of a document; ``start`` and ``end`` count characters of the decoded text."""

    rule: Rule
    field: str
    """Path of the value, such as ``notes[0].note``; the name of the object where a name itself holds it."""
    start: int
    end: int
    starts_at: float | None = None
    """Seconds from the start of the recording, for a transcript's turns."""
    ends_at: float | None = None


class _Literal(NamedTuple):
    path: str
    owner: str
    """Path of the object that it is a value of."""
    key: str
    start: int
    end: int
    text: str
    is_text: bool


def scan_document(document: bytes) -> list[DocumentFinding]:
    """What the values and names of a JSON document hold; what is no JSON is read as far as it looks like it."""
    text = document.decode("utf-8", "replace")
    literals = list(_literals(text))
    lists = _message_lists(literals)
    found: list[DocumentFinding] = []
    for members in lists.values():
        found += _scan_messages(members, literals)
    in_lists = {literal.start for members in lists.values() for literal in members}
    for literal in literals:
        if len(literal.text) < SHORTEST_CODE:
            continue
        if literal.start not in in_lists and not _is_made_by_machine(literal):
            found += [DocumentFinding(m.rule, literal.path, m.start, m.end) for m in scan_text(literal.text)]
    return found


def redact_document(document: bytes) -> bytes:
    """The document with words in place of the digits, and else the same bytes; still JSON if it was."""
    text = document.decode("utf-8", "replace")
    for _ in range(_ROUNDS):
        changes = _changes(list(_literals(text)))
        if not changes:
            break
        pieces, at = [], 0
        for literal, clean in sorted(changes, key=lambda change: change[0].start):
            pieces += [text[at : literal.start], json.dumps(clean, ensure_ascii=False)]
            at = literal.end
        text = "".join([*pieces, text[at:]])
    else:
        text = _without_any(text)
    return text.encode("utf-8", "surrogatepass") if text != document.decode("utf-8", "replace") else document


def _without_any(text: str) -> str:
    """The last resort: each literal that still holds something is replaced whole."""
    dirty = {finding.field for finding in scan_document(text.encode("utf-8", "surrogatepass"))}
    pieces, at = [], 0
    for literal in _literals(text):
        if literal.path in dirty:
            pieces += [text[at : literal.start], json.dumps(REMOVED[Rule.CARD_NUMBER])]
            at = literal.end
    return "".join([*pieces, text[at:]])


def _changes(literals: Sequence[_Literal]) -> list[tuple[_Literal, str]]:
    lists = _message_lists(literals)
    changes: list[tuple[_Literal, str]] = []
    for members in lists.values():
        clean = redact_cues(_cues(members, literals))
        changes += [(literal, text) for literal, text in zip(members, clean, strict=True) if text != literal.text]
    in_lists = {literal.start for members in lists.values() for literal in members}
    for literal in literals:
        if literal.start not in in_lists and not _is_made_by_machine(literal):
            text = redact_text(literal.text)
            if text != literal.text:
                changes.append((literal, text))
    return changes


def _scan_messages(members: Sequence[_Literal], literals: Sequence[_Literal]) -> Iterator[DocumentFinding]:
    for finding in scan_cues(_cues(members, literals)):
        for span in finding.spans:
            yield DocumentFinding(
                finding.rule, members[span.cue].path, span.start, span.end, finding.starts_at, finding.ends_at
            )


def _cues(members: Sequence[_Literal], literals: Sequence[_Literal]) -> list[Cue]:
    owners = {literal.owner for literal in members}
    beside: dict[str, dict[str, str]] = {owner: {} for owner in owners}
    for literal in literals:
        if literal.owner in beside:
            beside[literal.owner].setdefault(literal.key, literal.text)
    return [_cue(literal.text, beside[literal.owner]) for literal in members]


def _cue(text: str, beside: Mapping[str, str]) -> Cue:
    speaker = next((beside[key] for key in _SPEAKERS if key in beside), None)
    starts_at, duration = _seconds(beside.get("offset_seconds")), _seconds(beside.get("duration_seconds"))
    return Cue(speaker, text, starts_at, None if starts_at is None else starts_at + (duration or 0.0))


def _seconds(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _message_lists(literals: Sequence[_Literal]) -> dict[tuple[str, str], list[_Literal]]:
    """Texts that are the messages of one list, in order."""
    lists: dict[tuple[str, str], list[_Literal]] = {}
    for literal in literals:
        if literal.is_text and literal.key in MESSAGE_KEYS and literal.owner.endswith("]"):
            lists.setdefault((literal.owner.rpartition("[")[0], literal.key), []).append(literal)
    return lists


class _Level:
    """One open object or list while reading."""

    __slots__ = ("is_list", "key", "number", "path", "wants_key")

    def __init__(self, path: str, *, is_list: bool) -> None:
        self.path, self.is_list, self.number, self.key = path, is_list, 0, ""
        self.wants_key = not is_list

    def child(self) -> str:
        if len(self.path) > _LONGEST_PATH:
            return self.path  # nested without end: the place is told less exactly
        if self.is_list:
            return f"{self.path}[{self.number}]"
        if not self.key:
            return self.path
        name = self.key if _NAME.fullmatch(self.key) else _UNNAMED
        return f"{self.path}.{name}" if self.path else name


def _literals(text: str) -> Iterator[_Literal]:
    """Texts, numbers and names of a document with their places; reads anything, JSON or not, without failing."""
    levels = [_Level("", is_list=False)]
    levels[0].wants_key = False
    for found in _TOKEN.finditer(text):
        token, level = found[0], levels[-1]
        first = token[0]
        if first in "{[":
            levels.append(_Level(level.child(), is_list=first == "["))
        elif first in "}]":
            if len(levels) > 1:
                levels.pop()
        elif first == ",":
            level.number += 1
            level.wants_key = not level.is_list and len(levels) > 1
        elif first == '"':
            decoded = _decoded(token)
            if level.wants_key:
                level.key, level.wants_key = decoded, False
                yield _Literal(level.path, level.path, "", found.start(), found.end(), decoded, is_text=False)
            else:
                yield _Literal(level.child(), level.path, level.key, found.start(), found.end(), decoded, is_text=True)
        elif first != ":" and (first.isdigit() or first == "-"):
            yield _Literal(level.child(), level.path, level.key, found.start(), found.end(), token, is_text=False)


def _is_made_by_machine(literal: _Literal) -> bool:
    if _NAME.fullmatch(literal.key):
        name = literal.key
    else:
        name = literal.path.partition("[")[0] if literal.path.endswith("]") else literal.path
    return _TIME.fullmatch(literal.text) is not None or _MACHINE.search(name.rpartition(".")[2]) is not None


def _decoded(token: str) -> str:
    if "\\" not in token:
        return token[1:-1]
    try:
        return str(_DECODE(token))
    except ValueError:
        return token[1:-1]
