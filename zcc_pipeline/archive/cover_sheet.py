"""``engagement.html``: what one object holds, for a person with nothing but a browser.

One file without scripts and without anything fetched from elsewhere. Whatever came from the source is text in it, never
markup; what could not be read is left out here and stays in its own file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from zcc_pipeline.domain.transcript import Turn

_STYLE = (
    "body{font:15px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222}"
    "h1{font-size:1.4em}h2{font-size:1.1em;margin-top:2em}table{border-collapse:collapse;width:100%}"
    "td,th{text-align:left;vertical-align:top;padding:.2em .8em .2em 0;border-bottom:1px solid #ddd}"
    "code{font-size:.75em;word-break:break-all}.text{white-space:pre-wrap}"
)


@dataclass(frozen=True, slots=True)
class SheetFile:
    """One file of the object. What is not known of one that an earlier version brought is None."""

    path: str
    size_bytes: int | None
    sha256: str | None
    sha512: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is shown, as the source wrote it."""

    object_id: str
    facts: Sequence[tuple[str, str]]
    """Name and value: when, which channels, who."""
    timeline: Sequence[tuple[str, str]]
    """Time and what happened, in order."""
    notes: Sequence[tuple[str, str]]
    """Who and when, and the text."""
    dispositions: Sequence[str]
    transcripts: Mapping[str, Sequence[Turn]]
    """By the file they are in."""
    deleted: Sequence[str]
    """What was deleted at the source."""
    files: Sequence[SheetFile]


def render(sheet: Sheet) -> bytes:
    """The page. The same sheet gives the same bytes."""
    return "\n".join(_page(sheet)).encode("utf-8", "replace")


def _page(sheet: Sheet) -> Iterator[str]:
    title = _text(sheet.object_id)
    yield '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
    yield "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    yield f"<title>{title}</title><style>{_STYLE}</style></head><body>"
    yield f"<h1>Engagement</h1><p><code>{title}</code></p>"
    yield from _table("Facts", ("", ""), sheet.facts)
    yield from _table("Timeline", ("time", "what"), sheet.timeline)
    for path, turns in sheet.transcripts.items():
        rows = [(_clock(turn.offset_seconds), turn.speaker or "", turn.text) for turn in turns]
        yield from _table(f"Transcript {path}", ("", "who", "said"), rows)
    yield from _table("Notes", ("by", "text"), sheet.notes)
    yield from _table("Dispositions", ("",), [(each,) for each in sheet.dispositions])
    yield from _table("Deleted at the source, kept here", ("",), [(each,) for each in sheet.deleted])
    yield "<h2>Files</h2><p>Check the digests with <code>sha256sum</code> and <code>sha512sum</code>.</p><table>"
    for file in sheet.files:
        size = "" if file.size_bytes is None else f"{file.size_bytes:,} bytes"
        digests = "".join(
            f"<br><code>{name} {_text(value)}</code>"
            for name, value in (("sha256", file.sha256), ("sha512", file.sha512))
            if value
        )
        yield f"<tr><td>{_text(file.path)}{digests}</td><td>{size}</td></tr>"
    yield "</table></body></html>\n"


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if not rows:
        return
    yield f"<h2>{_text(title)}</h2><table>"
    if any(columns):
        yield "<tr>" + "".join(f"<th>{_text(column)}</th>" for column in columns) + "</tr>"
    for row in rows:
        yield "<tr>" + "".join(f'<td class="text">{_text(cell)}</td>' for cell in row) + "</tr>"
    yield "</table>"


def _text(value: str) -> str:
    """As text: no markup, and no characters that a browser would not show."""
    return escape("".join(each if each.isprintable() or each in "\n\t" else "\ufffd" for each in value))


def _clock(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes:02d}:{rest:02d}"
