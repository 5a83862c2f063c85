"""Notes: the account's, one engagement's, a single one. There is no date and no change filter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from zcc_pipeline.simulator.zoom.account import views
from zcc_pipeline.simulator.zoom.account.engagement import Engagement, Note
from zcc_pipeline.simulator.zoom.answers import Answer, json_answer, refuse
from zcc_pipeline.simulator.zoom.gateway import Call
from zcc_pipeline.simulator.zoom.listing import ListShape, answer_list
from zcc_pipeline.simulator.zoom.routes.people import find_note

_PAGE = ListShape("notes", 30, 300)
Row = tuple[Engagement, Note]


def list_notes(call: Call) -> Answer:
    """GET /contact_center/engagements/notes: every note of the account."""
    account = call.standin.account
    return answer_list(
        call,
        _PAGE,
        load=account.notes_at,
        render=lambda row, at: _render(call, row, at),
    )


def list_engagement_notes(call: Call) -> Answer:
    """GET /contact_center/engagements/{engagementId}/notes: there as soon as written, also before the engagement
    shows.
    """
    engagement = call.standin.account.engagement(call.path_values["engagement_id"])
    return answer_list(
        call,
        _PAGE,
        load=lambda at: [] if engagement is None else _visible(engagement, at),
        render=lambda row, at: _render(call, row, at),
    )


def get_note(call: Call) -> Answer:
    """GET /contact_center/engagements/{engagementId}/notes/{noteId}; code 2704 names the engagement it belongs to."""
    note_id, at = call.path_values["note_id"], call.standin.account_now()
    engagement_id = call.path_values["engagement_id"]
    found = find_note(call.standin.account, note_id)
    if found is None or found[1].version_at(at) is None:
        raise refuse(404, 2701, f"Note does not exist: {note_id}")
    engagement, note = found
    if engagement.engagement_id != engagement_id:
        raise refuse(400, 2704, f"The engagementId that matches this noteId is: {engagement.engagement_id}")
    return json_answer(views.note(engagement, note, at))


def _visible(engagement: Engagement, at: datetime) -> Sequence[Row]:
    return [(engagement, note) for note in engagement.notes if note.version_at(at) is not None]


def _render(call: Call, row: Row, at: datetime) -> bytes:
    engagement, note = row
    key = ("note", note.note_id, at)
    return call.standin.rows.record(key, lambda: views.note(engagement, note, at))
