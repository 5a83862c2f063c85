"""Every read operation of the stand-in: path, rate-limit label, scopes, handler.

Labels and scopes are those of Zoom's definition (granular and classic; either opens the operation). Two operations of
2026 carry no published label and count as MEDIUM here, as their neighbours do.
"""

from __future__ import annotations

from zcc_pipeline.simulator.zoom.gateway import Handler, Operation
from zcc_pipeline.simulator.zoom.rate_limits import Label
from zcc_pipeline.simulator.zoom.routes import catalogues, engagements, inboxes, logs, notes, recordings

ENGAGEMENT_SCOPES = ("contact_center:read:engagement:admin", "contact_center_report:read:admin")
ENGAGEMENT_LIST_SCOPES = ("contact_center:read:list_engagements:admin", "contact_center_report:read:admin")
RECORDING_SCOPES = ("contact_center:read:list_recordings:admin", "contact_center_recording:read:admin")
INBOX_MESSAGE_SCOPES = ("contact_center:read:inbox_messages:admin", "contact_center_inbox:read:admin")
_SURVEY_SCOPES = ("contact_center:read:engagement:admin", "contact_center_engagement:read:admin")
_STATUS_SCOPES = ("contact_center:read:engagement_recording_status:admin", "contact_center_engagement:read:admin")
_NARROW_RECORDING_SCOPES = ("contact_center:read:list_recordings", "contact_center_recording:read", *RECORDING_SCOPES)
_NOTE_LIST_SCOPES = ("contact_center:read:list_notes:admin", "contact_center_note:read:admin")
_NOTE_SCOPES = ("contact_center:read:note:admin", "contact_center_note:read:admin")
_CALL_SCOPES = ("contact_center:read:voice_call_log:admin", "contact_center_voice_call:read:admin")
_LOG_SCOPES = ("contact_center:read:engagement_log:admin", "contact_center_report:read:admin")
_EMAIL_SCOPES = ("contact_center:read:engagement_log:admin", "contact_center_messaging:read:admin")
_CHAT_SCOPES = ("contact_center:read:messaging:admin", "contact_center_messaging:read:admin")


def _read(noun: str, classic: str) -> tuple[str, str]:
    return f"contact_center:read:{noun}:admin", f"contact_center_{classic}:read:admin"


def _get(path: str, label: Label, scopes: tuple[str, ...], handler: Handler) -> Operation:
    return Operation(f"/v2/contact_center/{path}", label, scopes, handler)


OPERATIONS: tuple[Operation, ...] = (
    _get("engagements", "MEDIUM", ENGAGEMENT_LIST_SCOPES, engagements.list_engagements),
    _get("engagements/notes", "MEDIUM", _NOTE_LIST_SCOPES, notes.list_notes),
    _get("engagements/{engagement_id}", "LIGHT", ENGAGEMENT_SCOPES, engagements.get_engagement),
    _get("engagements/{engagement_id}/events", "LIGHT", ENGAGEMENT_SCOPES, engagements.list_events),
    _get("engagements/{engagement_id}/survey", "LIGHT", _SURVEY_SCOPES, engagements.get_survey),
    _get("engagements/{engagement_id}/notes", "MEDIUM", _NOTE_LIST_SCOPES, notes.list_engagement_notes),
    _get("engagements/{engagement_id}/notes/{note_id}", "LIGHT", _NOTE_SCOPES, notes.get_note),
    _get("engagements/{engagement_id}/recordings", "MEDIUM", RECORDING_SCOPES, recordings.list_engagement_recordings),
    _get("engagements/{engagement_id}/recordings/status", "LIGHT", _STATUS_SCOPES, recordings.get_recording_status),
    _get("email/messages", "MEDIUM", _EMAIL_SCOPES, logs.list_email_messages),
    _get("messaging/messages", "MEDIUM", _CHAT_SCOPES, logs.list_chat_messages),
    _get("recordings", "MEDIUM", RECORDING_SCOPES, recordings.list_recordings),
    _get("queues/{queue_id}/recordings", "MEDIUM", _NARROW_RECORDING_SCOPES, recordings.list_queue_recordings),
    _get("users/{user_id}/recordings", "MEDIUM", _NARROW_RECORDING_SCOPES, recordings.list_user_recordings),
    _get("voice_calls", "HEAVY", _CALL_SCOPES, logs.list_voice_calls),
    _get("analytics/log/historical/engagement", "HEAVY", _LOG_SCOPES, logs.list_engagement_log),
    _get("inboxes", "MEDIUM", _read("list_inboxes", "inbox"), inboxes.list_inboxes),
    _get("inboxes/messages", "MEDIUM", INBOX_MESSAGE_SCOPES, inboxes.list_messages),
    _get("inboxes/{inbox_id}", "LIGHT", _read("inbox", "inbox"), inboxes.get_inbox),
    _get("inboxes/{inbox_id}/messages", "MEDIUM", INBOX_MESSAGE_SCOPES, inboxes.list_inbox_messages),
    _get("queues", "MEDIUM", _read("list_queues", "queue"), catalogues.list_queues),
    _get("queues/{queue_id}", "LIGHT", _read("queue", "queue"), catalogues.get_queue),
    _get("users", "MEDIUM", _read("list_users", "user"), catalogues.list_users),
    _get("users/{user_id}", "LIGHT", _read("user", "user"), catalogues.get_user),
    _get("flows", "MEDIUM", _read("list_flows", "flow"), catalogues.list_flows),
    _get("flows/{flow_id}", "LIGHT", _read("flow", "flow"), catalogues.get_flow),
    _get("teams", "MEDIUM", _read("team", "team"), catalogues.list_teams),
    _get("dispositions", "MEDIUM", _read("list_dispositions", "disposition"), catalogues.list_dispositions),
    _get(
        "dispositions/sets", "MEDIUM", _read("list_disposition_sets", "disposition"), catalogues.list_disposition_sets
    ),
    _get(
        "dispositions/sets/{set_id}", "LIGHT", _read("disposition_set", "disposition"), catalogues.get_disposition_set
    ),
    _get("dispositions/{disposition_id}", "LIGHT", _read("disposition", "disposition"), catalogues.get_disposition),
)


def all_scopes() -> frozenset[str]:
    """Every scope that opens something here."""
    return frozenset(scope for operation in OPERATIONS for scope in operation.scopes)
