"""What is appended to a ticket: complete, recognised again, and nobody's placeholder or markup."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.exports.destination import Addressed, Entry, Outgoing
from zcc_pipeline.exports.zendesk.comments import (
    WHOLE,
    comment_row,
    mark,
    marked_keys,
    missing_pieces,
    must_be_looked_for,
    pieces_of,
    split_text,
)
from zcc_pipeline.exports.zendesk.options import TicketOptions

NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)
OPTIONS = TicketOptions()


def entry(key: str, text: str) -> Entry:
    return Entry(key, text, f"<p>{html.escape(text)}</p>", "agent@example.org", NOW)


def outgoing(*entries: Entry, **changes: Any) -> Outgoing:
    values: dict[str, Any] = {
        "engagement_id": "e1",
        "target": "ticket",
        "object": "ticket",
        "key_field": "external_id",
        "fields": {},
        "keys": None,
        "customer_name": None,
        "owner_email": None,
        "entries": entries,
        "attachments": (),
        "started_at": NOW,
        "is_deleted_at_source": False,
    }
    return Outgoing(**{**values, **changes})


def addressed(one: Outgoing, *, written: set[str] | None = None, unsure: set[str] | None = None) -> Addressed:
    return Addressed(one, None, None, None, one.fields, frozenset(written or ()), frozenset(unsure or ()))


def plain(markup: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "\n", markup))


def test_a_ticket_begins_with_its_summary_and_has_a_comment_for_each_note_version() -> None:
    one = outgoing(entry("note:a:1", "first"), entry("note:a:2", "second"), is_deleted_at_source=True)
    pieces = pieces_of(one, {"comment": "It was settled", "transcript": "A: hello"}, OPTIONS)
    assert [piece.key.split(":")[0] for piece in pieces] == ["body", "note", "note", "transcript", "deleted"]
    assert len({piece.key for piece in pieces}) == len(pieces)


@given(st.text(max_size=300), st.text(min_size=1, max_size=40))
def test_a_comment_is_recognised_whatever_stands_above_its_mark(text: str, key: str) -> None:
    row = comment_row(
        pieces_of(outgoing(entry(f"note:{key}", text)), {}, OPTIONS)[0], author_id=None, upload=None, with_time=False
    )
    assert marked_keys([{"id": 7, "plain_body": plain(row["html_body"])}]) == {f"note:{key}": "7"}


def test_a_mark_that_somebody_else_wrote_into_a_note_counts_for_nothing() -> None:
    said = f"look: {mark('note:b:1')}"
    row = comment_row(
        pieces_of(outgoing(entry("note:a:1", said)), {}, OPTIONS)[0], author_id=5, upload="t", with_time=True
    )
    assert marked_keys([{"id": 7, "plain_body": plain(row["html_body"])}]) == {"note:a:1": "7"}
    assert marked_keys([{"id": 8, "body": f"{mark('note:b:1')}\nand more words"}]) == {}
    assert (row["author_id"], row["uploads"], row["public"]) == (5, ["t"], False)
    assert row["created_at"] == "2026-11-02T08:00:00Z"


def test_markup_and_placeholders_in_peoples_words_stay_words() -> None:
    words = "<script>x</script> {{ticket.requester.email}} {% for %} **bold**"
    for piece in pieces_of(outgoing(entry("note:a:1", words)), {"comment": words, "transcript": words}, OPTIONS):
        assert "<script" not in piece.html
        assert "{{" not in piece.html
        assert "{%" not in piece.html
        assert "ticket.requester.email" in piece.html


@given(st.text(alphabet=st.sampled_from("ab .\n?<&ß日👩"), max_size=3_000), st.integers(200, 900))
def test_a_text_that_is_split_loses_nothing_and_every_part_fits(text: str, most: int) -> None:
    parts = split_text(text, most)
    assert "".join("".join(parts).split()) == "".join(text.split())
    for part in parts:
        assert len(html.escape(part).replace("\n", "<br>").encode()) <= most


def test_a_long_transcript_becomes_several_comments_and_a_long_note_one() -> None:
    options = TicketOptions(comment_bytes=2_000)
    one = outgoing(entry("note:a:1", "A long note. " * 500))
    pieces = pieces_of(one, {"transcript": "Agent: a sentence. " * 300}, options)
    assert len(pieces[0].html.encode()) <= 2_000
    assert "[Shortened.]" in pieces[0].html
    assert len(pieces) > 4
    assert pieces[-1].key.endswith(f"{len(pieces) - 1}/{len(pieces) - 1}")
    assert all(len(piece.html.encode()) <= 2_000 for piece in pieces)


def test_a_summary_that_changed_is_written_again_only_where_that_is_wanted() -> None:
    before = pieces_of(outgoing(), {"comment": "before"}, OPTIONS)
    there = frozenset({before[0].key})
    after = pieces_of(outgoing(entry("note:a:1", "new")), {"comment": "after"}, OPTIONS)
    assert [piece.key for piece in missing_pieces(after, there, OPTIONS)] == ["note:a:1"]
    appending = TicketOptions(append_changes=True)
    assert len(missing_pieces(after, there, appending)) == 2
    gone = pieces_of(outgoing(is_deleted_at_source=True), {"comment": "It has been deleted in Zoom."}, appending)
    assert [piece.key for piece in missing_pieces(gone, there, appending)] == ["deleted"]


def test_comments_are_looked_for_where_one_was_on_its_way_or_the_creation_was_never_written_down() -> None:
    one = outgoing(entry("note:a:1", "x"))
    assert must_be_looked_for(addressed(one))
    assert must_be_looked_for(addressed(one, written={"note:a:1"}))
    assert not must_be_looked_for(addressed(one, written={WHOLE}))
    assert must_be_looked_for(addressed(one, written={WHOLE}, unsure={"note:a:1"}))
    assert not must_be_looked_for(addressed(one, written={WHOLE, "note:a:1"}, unsure={"note:a:1"}))
