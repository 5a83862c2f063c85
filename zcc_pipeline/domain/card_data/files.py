"""A transcript file without its card data: WebVTT stays WebVTT, JSON stays JSON, lines stay lines."""

from __future__ import annotations

import codecs
import re

import msgspec

from zcc_pipeline.domain.card_data.cues import Cue, redact_cues
from zcc_pipeline.domain.card_data.documents import redact_document

_MARKS = ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"), (codecs.BOM_UTF8, "utf-8"))
_LINES = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")
_STAMP = r"[\[(]?(?:\d{4}-\d\d-\d\d[T ])?\d{1,2}:\d\d(?::\d\d(?:[.,]\d{1,6})?)?Z?[\])]?"
_PREFIX = re.compile(rf"\s{{0,8}}(?:{_STAMP}\s{{1,4}})?(?:<v[^>]{{0,80}}>|[^\d:<>]{{1,60}}:\s)?")


def redact_file(content: bytes) -> bytes:
    """The same file with words in place of the digits; a file without card data, or that is no text, as it is."""
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        return content
    if encoding == "utf-8" and text.lstrip("\ufeff \t\r\n")[:1] in {"{", "["}:
        clean = redact_document(content)
        if clean != content or not re.match(r"\ufeff?\s*\[\s*\d", text):
            return clean
    clean_text = _redact_lines(text)
    return content if clean_text == text else clean_text.encode(encoding)


def redact_any(content: bytes) -> bytes:
    """Whatever came, JSON or not, UTF-8 or not, with words in place of the digits; else the same bytes."""
    try:
        msgspec.json.decode(content)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        text = content.decode("utf-8", "replace")
        clean = _redact_lines(text)
        content = content if clean == text else clean.encode("utf-8", "surrogatepass")
    return redact_document(content)


def _redact_lines(text: str) -> str:
    lines = [(found[1], found[2]) for found in _LINES.finditer(text)]
    said = [number for number, (line, _) in enumerate(lines) if line.strip() and not _is_frame(lines, number)]
    prefixes = [_prefix(lines[number][0]) for number in said]
    speaker: str | None = None
    cues = []
    for number, prefix in zip(said, prefixes, strict=True):
        speaker = re.sub(r"[\d:.,\[\]()<>TZ\-]", "", prefix).strip() or speaker
        cues.append(Cue(speaker, lines[number][0][len(prefix) :]))
    for number, prefix, clean in zip(said, prefixes, redact_cues(cues), strict=True):
        lines[number] = (prefix + clean, lines[number][1])
    return "".join(line + end for line, end in lines)


def _prefix(line: str) -> str:
    found = _PREFIX.match(line)
    return found[0] if found else ""


def _is_frame(lines: list[tuple[str, str]], number: int) -> bool:
    """Times of a cue, or its number on the line before them."""
    line = lines[number][0]
    following = lines[number + 1][0] if number + 1 < len(lines) else ""
    return "-->" in line or ("-->" in following and len(line.strip()) <= 8)
