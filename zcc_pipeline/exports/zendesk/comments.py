"""What is appended to a ticket: one comment a piece, each with a mark by which it is recognised again.

A comment cannot be taken back, and Zendesk has no key for it. The last line of each of ours names what it is
(``[zcc note:…:2]``); where a run ended before it heard what became of a comment, that line is looked for before
anything is sent again. Everything is escaped HTML: plain bodies would be read as Markdown, and double braces as
placeholders that Zendesk fills in.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any
from urllib.parse import quote, unquote

from zcc_pipeline.exports.cutting import cut_at_sentence, length
from zcc_pipeline.exports.destination import Addressed, Attachment, Entry, Outgoing
from zcc_pipeline.exports.zendesk.options import TicketOptions

BODY = "body:"
DELETED = "deleted"
WHOLE = "ticket"
"""No comment: says that all comments of a new ticket were written down as being there."""

_MARK = re.compile(r"\[zcc ([^\[\]\s]+)\]\s*\Z")
_MARK_ROOM = 600
"""Bytes that are kept for headings and the mark."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One comment, as it is to be."""

    key: str
    html: str
    author_email: str | None = None
    written_at: datetime | None = None
    attachment: Attachment | None = None


def pieces_of(outgoing: Outgoing, fields: Mapping[str, Any], options: TicketOptions) -> list[Piece]:
    """All comments of an engagement, in the order in which they are written."""
    pieces: list[Piece] = []
    if body := fields.get("comment"):
        shown = split_text(body, options.comment_bytes - _MARK_ROOM)[0]
        pieces.append(Piece(f"{BODY}{_digest(body)}", _paragraphs(shown), written_at=outgoing.started_at))
    pieces += [
        Piece(entry.key, _entry_html(entry, options), entry.author_email, entry.written_at)
        for entry in outgoing.entries
    ]
    if transcript := fields.get("transcript"):
        pieces += _transcript(transcript, options)
    for attachment in outgoing.attachments:
        text = f"<p>Attached: {html.escape(attachment.file_name)}</p>"
        pieces.append(Piece(attachment.key, text, attachment=attachment))
    if outgoing.is_deleted_at_source:
        pieces.append(Piece(DELETED, "<p>This engagement was deleted in Zoom. The ticket is kept.</p>"))
    return pieces


def missing_pieces(pieces: Sequence[Piece], there: frozenset[str], options: TicketOptions) -> list[Piece]:
    """Those that are not there yet. The summary is written once, and again only where changes are wanted."""
    has_body = any(key.startswith(BODY) for key in there)
    is_deleted = any(piece.key == DELETED for piece in pieces)
    keeps_body = has_body and (is_deleted or not options.append_changes)
    return [piece for piece in pieces if piece.key not in there and not (keeps_body and piece.key.startswith(BODY))]


def must_be_looked_for(one: Addressed) -> bool:
    """Whether the ticket's comments have to be read: one was on its way, or nobody wrote down that the ticket was made
    with all that belonged to it then."""
    return bool(one.unsure - one.written) or WHOLE not in one.written


def comment_row(piece: Piece, *, author_id: int | None, upload: str | None, with_time: bool) -> dict[str, Any]:
    """As the API takes it; only an import takes the time."""
    row: dict[str, Any] = {"html_body": f"{piece.html}<p>{html.escape(mark(piece.key))}</p>", "public": False}
    if author_id is not None:
        row["author_id"] = author_id
    if with_time and piece.written_at is not None:
        row["created_at"] = f"{piece.written_at:%Y-%m-%dT%H:%M:%SZ}"
    if upload is not None:
        row["uploads"] = [upload]
    return row


def mark(key: str) -> str:
    """The last line of a comment."""
    return f"[zcc {quote(key, safe=':/+=-_.~')}]"


def marked_keys(comments: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Ids of our comments by what they are. Only the very last line counts: what stands above is other people's."""
    found: dict[str, str] = {}
    for comment in comments:
        text = str(comment.get("plain_body") or comment.get("body") or "").rstrip()
        if match := _MARK.search(text.rpartition("\n")[2]):
            found.setdefault(unquote(match[1]), str(comment.get("id")))
    return found


def _entry_html(entry: Entry, options: TicketOptions) -> str:
    """One comment a note version, so that a note that is too long is cut."""
    most = options.comment_bytes - _MARK_ROOM
    markup, room = _harmless(entry.html), most
    while length(markup, "utf8") > most:
        markup = _paragraphs(cut_at_sentence(entry.text, room, remark="[Shortened.]", unit="utf8"))
        room = room * 3 // 4
    return markup


def _transcript(text: str, options: TicketOptions) -> list[Piece]:
    parts = split_text(text, options.comment_bytes - _MARK_ROOM)
    digest = _digest(text)
    pieces = []
    for number, part in enumerate(parts, start=1):
        head = "Transcript" if len(parts) == 1 else f"Transcript, part {number} of {len(parts)}"
        key = f"transcript:{digest}:{number}/{len(parts)}"
        pieces.append(Piece(key, f"<p><b>{head}</b></p>{_paragraphs(part)}"))
    return pieces


def split_text(text: str, most_bytes: int) -> list[str]:
    """Parts of which each fits into a comment once it is HTML, cut after a sentence or a word; no word is lost."""
    parts, rest = [], text
    while rest:
        part, room = rest, most_bytes
        while length(_paragraphs(part), "utf8") > most_bytes:
            part = _beginning(rest, room)
            room = room * 3 // 4
        parts.append(part)
        rest = rest[len(part) :].lstrip("\n")
    return parts


def _beginning(text: str, most_bytes: int) -> str:
    """Ends at a sentence, a line or a word where there is one; at least one character."""
    made = cut_at_sentence(text, most_bytes, unit="utf8")
    kept = made if text.startswith(made) else made.removesuffix("…")
    return kept if kept and text.startswith(kept) else text[: max(1, most_bytes // 4)]


def _paragraphs(text: str) -> str:
    """Plain text as HTML that shows it as it is."""
    blocks = re.split(r"\n{2,}", text.replace("\r\n", "\n").strip("\n"))
    return "".join(f"<p>{_harmless(html.escape(block)).replace(chr(10), '<br>')}</p>" for block in blocks)


def _harmless(markup: str) -> str:
    """Without placeholders: ``{{ticket.requester.email}}`` in a customer's words is not to be filled in."""
    return markup.replace("{{", "{&#8203;{").replace("{%", "{&#8203;%")


def _digest(text: str) -> str:
    return blake2b(text.encode(errors="replace"), digest_size=6).hexdigest()
