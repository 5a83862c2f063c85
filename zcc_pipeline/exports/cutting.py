"""Text made to fit: nothing that a CRM would refuse as a character, nothing longer than its field."""

from __future__ import annotations

import re
from typing import Literal

Unit = Literal["utf16", "utf8"]
"""What a field's length counts. ``utf16`` is safe where characters are counted too: it is never fewer."""

ELLIPSIS = "…"

# Not allowed in XML 1.0, which four of the five speak somewhere inside; lone surrogates are not even UTF-8.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_SENTENCE_END = re.compile(r"[.!?。！？।؟…]['\"”’»)\]]*(?=\s)|\n")
_WORD_END = re.compile(r"\s")
_HTML_PIECE = re.compile(r"<[^>]*>|&[#A-Za-z0-9]+;|[^<&]|[<&]", re.DOTALL)
_VOID = frozenset({"br", "hr", "img"})
_LEAST_KEPT = 0.5
"""A cut at a sentence keeps at least this share of the room; else it is made at a word."""


def clean(text: str) -> str:
    """The text without characters that no CRM takes: control characters other than tab and line end."""
    return _FORBIDDEN.sub("", text) if _FORBIDDEN.search(text) else text


def length(text: str, unit: Unit = "utf16") -> int:
    """How long a field says it is."""
    if text.isascii():
        return len(text)
    return len(text.encode("utf-16-le")) // 2 if unit == "utf16" else len(text.encode())


def cut(text: str, limit: int, *, unit: Unit = "utf16") -> str:
    """At most ``limit`` long; what is cut off is marked by an ellipsis where there is room for it."""
    if length(text, unit) <= limit:
        return text
    mark = ELLIPSIS if length(ELLIPSIS, unit) <= limit else ""
    return _head(text, limit - length(mark, unit), unit).rstrip() + mark


def cut_at_sentence(text: str, limit: int, *, remark: str = "", unit: Unit = "utf16") -> str:
    """At most ``limit`` long, cut after a sentence or at least a word, with ``remark`` below what is left.

    The remark says where the rest is; where not even it fits, it is left out.
    """
    if length(text, unit) <= limit:
        return text
    tail = f"\n\n{remark}" if remark else ""
    room = limit - length(tail, unit)
    if room < length(ELLIPSIS, unit) + 1:
        return cut(text, limit, unit=unit)
    head = _head(text, room, unit)
    end = _last_end(_SENTENCE_END, head + " ", len(head))
    if end >= len(head) * _LEAST_KEPT:
        return head[:end].rstrip() + tail
    head = _head(text, room - length(ELLIPSIS, unit), unit)
    end = _last_end(_WORD_END, head, len(head))
    return head[: end if end >= len(head) * _LEAST_KEPT else len(head)].rstrip() + ELLIPSIS + tail


def cut_html(text: str, limit: int, *, unit: Unit = "utf16") -> str:
    """HTML of simple elements, at most ``limit`` long: no tag or entity is cut in two, and what is open is closed."""
    if length(text, unit) <= limit:
        return text
    room = limit - length(ELLIPSIS, unit)
    kept: list[str] = []
    opened: list[str] = []
    for piece in _HTML_PIECE.findall(text):
        still_open = _after(opened, piece)
        if length(piece, unit) + sum(length(f"</{name}>", unit) for name in still_open) > room:
            break
        opened, room = still_open, room - length(piece, unit)
        kept.append(piece)
    return "".join(kept) + ELLIPSIS * (room >= 0) + "".join(f"</{name}>" for name in reversed(opened))


def _after(opened: list[str], piece: str) -> list[str]:
    """Elements that are open after a piece of HTML."""
    name = piece.strip("</> ").partition(" ")[0].lower() if piece.startswith("<") else ""
    if not name or name in _VOID:
        return opened
    if not piece.startswith("</"):
        return [*opened, name]
    return opened[:-1] if opened and opened[-1] == name else opened


def _head(text: str, limit: int, unit: Unit) -> str:
    """The longest beginning that fits; a character is never cut in two."""
    if text.isascii():
        return text[:limit]
    if unit == "utf8":
        return text.encode()[:limit].decode(errors="ignore")
    return text.encode("utf-16-le")[: limit * 2].decode("utf-16-le", errors="ignore")


def _last_end(pattern: re.Pattern[str], text: str, limit: int) -> int:
    end = 0
    for found in pattern.finditer(text):
        if found.end() > limit:
            break
        end = found.end()
    return end
