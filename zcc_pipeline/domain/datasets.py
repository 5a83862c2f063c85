"""Every dataset the pipeline lands, declared once: the place to add one.

An ``Endpoint`` says how Zoom lists it (path, page size, label and scopes from Zoom's published definition, restated per
field); a ``Dataset`` says what the pipeline does with the records. Landing, polling, planning, Dagster and the
doctor read these.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Label(StrEnum):
    """Zoom's rate-limit label of an operation (https://developers.zoom.us/docs/api/rate-limits/)."""

    LIGHT = "LIGHT"
    MEDIUM = "MEDIUM"
    HEAVY = "HEAVY"


class Reading(StrEnum):
    """How a dataset is read."""

    WINDOW = "window"  # listed by a span of time
    CATALOGUE = "catalogue"  # listed whole; landed under the day it was read
    EMBEDDED = "embedded"  # an array inside another dataset's records
    PER_ENGAGEMENT = "per_engagement"  # one call for each engagement that is new or changed
    FILE = "file"  # a download that another dataset's records point at
    PUSHED = "pushed"  # what the source sends by itself


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One GET operation under ``/contact_center``."""

    path: str
    items: str = ""
    """Key of the array in the answer; empty where the answer itself is the record."""
    label: Label = Label.MEDIUM
    page_size: int = 0
    """Largest page the operation allows; 0 where it does not page."""
    window_parameters: tuple[str, str] | None = None
    """Query names of both ends of a window."""
    announces_total: bool = False
    """Whether ``total_records`` comes with each page."""
    scopes: tuple[str, ...] = ()
    """Granular and classic scope; either will do."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """One kind of record, its identity and its day."""

    name: str
    description: str
    api_page: str
    reading: Reading
    group: str
    endpoint: Endpoint | None = None
    id_fields: tuple[str, ...] = ()
    """Fields whose values, joined by ``:``, identify the record across days."""
    engagement_field: str | None = None
    time_field: str | None = None
    """Field with the record's own time; its day is the partition."""
    volatile_fields: frozenset[str] = frozenset()
    """Fields generated anew with each answer: only whether they are filled counts as a change."""
    parent: str | None = None
    """Dataset whose records lead to this one."""
    embedded_key: str | None = None
    """For embedded datasets: the array's key in the parent's record."""
    detail: Endpoint | None = None
    """Reads one record with more fields than the list has."""

    @property
    def listing(self) -> Endpoint:
        """The operation that lists or reads it; ``ValueError`` where it is not read from an operation of its own."""
        if self.endpoint is None:
            raise ValueError(f"{self.name} has no operation of its own")
        return self.endpoint

    @property
    def key(self) -> str:
        """Last part of the name, as used on the command line."""
        return self.name.rpartition("/")[2]


_API = "https://developers.zoom.us/docs/api/contact-center/#tag/"
_URLS = frozenset({"download_url", "transcript_url", "playback_url"})


ENGAGEMENT_DETAIL = Endpoint(
    "/contact_center/engagements/{engagement_id}",
    label=Label.LIGHT,
    scopes=("contact_center:read:engagement:admin", "contact_center_report:read:admin"),
)
INBOX_DETAIL = Endpoint(
    "/contact_center/inboxes/{inbox_id}",
    label=Label.LIGHT,
    scopes=("contact_center:read:inbox:admin", "contact_center_inbox:read:admin"),
)
DISPOSITION_DETAIL = Endpoint(
    "/contact_center/dispositions/{disposition_id}",
    label=Label.LIGHT,
    scopes=("contact_center:read:disposition:admin", "contact_center_disposition:read:admin"),
)


def _catalogue(
    key: str,
    description: str,
    path: str,
    items: str,
    id_field: str,
    page_size: int,
    *scopes: str,
    detail: Endpoint | None = None,
) -> Dataset:
    return Dataset(
        name=f"zoom/{key}",
        description=description,
        api_page=_API + items,
        reading=Reading.CATALOGUE,
        group="reference",
        endpoint=Endpoint(
            f"/contact_center/{path}", items, Label.MEDIUM, page_size, announces_total=True, scopes=scopes
        ),
        id_fields=(id_field,),
        detail=detail,
    )


_ALL = (
    Dataset(
        name="zoom/engagements",
        description="One record per ended customer interaction: times, channels, consumers, queues, agents.",
        api_page=_API + "engagements/GET/contact_center/engagements",
        reading=Reading.WINDOW,
        group="engagements",
        endpoint=Endpoint(
            "/contact_center/engagements",
            "engagements",
            Label.MEDIUM,
            100,
            ("from", "to"),
            announces_total=True,
            scopes=("contact_center:read:list_engagements:admin", "contact_center_report:read:admin"),
        ),
        id_fields=("engagement_id",),
        engagement_field="engagement_id",
        time_field="start_time",
        volatile_fields=frozenset({"transcript_url", "callback_voice_messages"}),
        detail=ENGAGEMENT_DETAIL,
    ),
    Dataset(
        name="zoom/notes",
        description="Notes that agents wrote on engagements, each version kept.",
        api_page=_API + "notes/GET/contact_center/engagements/notes",
        reading=Reading.EMBEDDED,
        group="engagements",
        id_fields=("note_id",),
        parent="zoom/engagements",
        embedded_key="notes",
    ),
    Dataset(
        name="zoom/dispositions",
        description="Outcomes that agents chose for engagements.",
        api_page=_API + "dispositions/GET/contact_center/dispositions",
        reading=Reading.EMBEDDED,
        group="engagements",
        id_fields=("engagement_id", "disposition_id"),
        parent="zoom/engagements",
        embedded_key="dispositions",
    ),
    Dataset(
        name="zoom/engagement_events",
        description="What happened inside a voice or video engagement: queued, ringing, answered, transferred, ended.",
        api_page=_API + "engagements/GET/contact_center/engagements/{engagementId}/events",
        reading=Reading.PER_ENGAGEMENT,
        group="engagements",
        endpoint=Endpoint(
            "/contact_center/engagements/{engagement_id}/events",
            label=Label.LIGHT,
            scopes=("contact_center:read:engagement:admin", "contact_center_report:read:admin"),
        ),
        id_fields=("engagement_id",),
        engagement_field="engagement_id",
        parent="zoom/engagements",
    ),
    Dataset(
        name="zoom/surveys",
        description="Survey answers that customers gave after an engagement.",
        api_page=_API + "engagements/GET/contact_center/engagements/{engagementId}/survey",
        reading=Reading.PER_ENGAGEMENT,
        group="engagements",
        endpoint=Endpoint(
            "/contact_center/engagements/{engagement_id}/survey",
            label=Label.LIGHT,
            scopes=("contact_center:read:engagement:admin", "contact_center_engagement:read:admin"),
        ),
        id_fields=("engagement_id",),
        engagement_field="engagement_id",
        parent="zoom/engagements",
    ),
    Dataset(
        name="zoom/email_messages",
        description="The messages of e-mail engagements.",
        api_page=_API + "messaging/GET/contact_center/email/messages",
        reading=Reading.PER_ENGAGEMENT,
        group="engagements",
        endpoint=Endpoint(
            "/contact_center/email/messages",
            "messages",
            Label.MEDIUM,
            300,
            scopes=("contact_center:read:engagement_log:admin", "contact_center_messaging:read:admin"),
        ),
        id_fields=("engagement_id", "sent_time", "message_digest"),
        engagement_field="engagement_id",
        parent="zoom/engagements",
    ),
    Dataset(
        name="zoom/voice_calls",
        description="The voice call log; its `recorded` flag explains why a call has no recording.",
        api_page=_API + "logs/GET/contact_center/voice_calls",
        reading=Reading.WINDOW,
        group="engagements",
        endpoint=Endpoint(
            "/contact_center/voice_calls",
            "voice_calls",
            Label.HEAVY,
            100,
            ("from", "to"),
            announces_total=True,
            scopes=("contact_center:read:voice_call_log:admin", "contact_center_voice_call:read:admin"),
        ),
        id_fields=("engagement_id",),
        engagement_field="engagement_id",
        time_field="start_time",
    ),
    Dataset(
        name="zoom/recordings",
        description="Voice and video recordings: several per engagement after transfers and conferences.",
        api_page=_API + "recordings/GET/contact_center/recordings",
        reading=Reading.WINDOW,
        group="recordings",
        endpoint=Endpoint(
            "/contact_center/recordings",
            "recordings",
            Label.MEDIUM,
            300,
            ("from", "to"),
            scopes=("contact_center:read:list_recordings:admin", "contact_center_recording:read:admin"),
        ),
        id_fields=("recording_id",),
        engagement_field="engagement_id",
        time_field="recording_start_time",
        volatile_fields=_URLS,
    ),
    Dataset(
        name="zoom/recording_transcripts",
        description="Transcripts of voice and video recordings, as spoken turns.",
        api_page=_API + "recordings/GET/contact_center/recordings",
        reading=Reading.FILE,
        group="recordings",
        id_fields=("source_id",),
        engagement_field="engagement_id",
        time_field="occurred_at",
        parent="zoom/recordings",
    ),
    Dataset(
        name="zoom/messaging_transcripts",
        description="Transcripts of messaging engagements (web chat, SMS, WhatsApp), as turns.",
        api_page=_API + "engagements/GET/contact_center/engagements",
        reading=Reading.FILE,
        group="engagements",
        id_fields=("source_id",),
        engagement_field="engagement_id",
        time_field="occurred_at",
        parent="zoom/engagements",
    ),
    Dataset(
        name="zoom/voicemails",
        description="Voicemails left in Contact Center inboxes. Zoom deletes them soonest, so they are fetched first.",
        api_page=_API + "inboxes/GET/contact_center/inboxes/messages",
        reading=Reading.WINDOW,
        group="voicemails",
        endpoint=Endpoint(
            "/contact_center/inboxes/messages",
            "messages",
            Label.MEDIUM,
            300,
            ("from", "to"),
            announces_total=True,
            scopes=("contact_center:read:inbox_messages:admin", "contact_center_inbox:read:admin"),
        ),
        id_fields=("message_id",),
        engagement_field="engagement_id",
        time_field="created_at",
        volatile_fields=_URLS,
    ),
    Dataset(
        name="zoom/voicemail_transcripts",
        description="Transcripts of voicemails, as turns.",
        api_page=_API + "inboxes/GET/contact_center/inboxes/messages",
        reading=Reading.FILE,
        group="voicemails",
        id_fields=("source_id",),
        engagement_field="engagement_id",
        time_field="occurred_at",
        parent="zoom/voicemails",
    ),
    _catalogue(
        "queues",
        "Queues by channel.",
        "queues",
        "queues",
        "cc_queue_id",
        300,
        "contact_center:read:list_queues:admin",
        "contact_center_queue:read:admin",
    ),
    _catalogue(
        "users",
        "Agents and supervisors.",
        "users",
        "users",
        "user_id",
        300,
        "contact_center:read:list_users:admin",
        "contact_center_user:read:admin",
    ),
    _catalogue(
        "flows",
        "Flows that route engagements.",
        "flows",
        "flows",
        "flow_id",
        100,
        "contact_center:read:list_flows:admin",
        "contact_center_flow:read:admin",
    ),
    _catalogue(
        "inboxes",
        "Voicemail inboxes with their transcription and deletion settings.",
        "inboxes",
        "inboxes",
        "inbox_id",
        300,
        "contact_center:read:list_inboxes:admin",
        "contact_center_inbox:read:admin",
        detail=INBOX_DETAIL,
    ),
    _catalogue(
        "teams",
        "Teams of agents.",
        "teams",
        "teams",
        "team_id",
        300,
        "contact_center:read:team:admin",
        "contact_center_team:read:admin",
    ),
    _catalogue(
        "disposition_catalogue",
        "Dispositions that agents can choose from, with their levels.",
        "dispositions",
        "dispositions",
        "disposition_id",
        300,
        "contact_center:read:list_dispositions:admin",
        "contact_center_disposition:read:admin",
        detail=DISPOSITION_DETAIL,
    ),
    Dataset(
        name="zoom/events",
        description="Everything Zoom pushed: webhooks, WebSocket messages and flow events, as received.",
        api_page="https://developers.zoom.us/docs/api/contact-center/events/",
        reading=Reading.PUSHED,
        group="events",
        id_fields=("dedupe_key",),
        engagement_field="engagement_id",
        time_field="event_ts",
    ),
    Dataset(
        name="zoom/files",
        description="One record per stored file: where it lies, its size and digests.",
        api_page="",
        reading=Reading.FILE,
        group="files",
        id_fields=("kind", "source_id"),
        engagement_field="engagement_id",
        time_field="occurred_at",
    ),
    Dataset(
        name="zoom/completeness",
        description="One record per engagement and artefact kind: stored, waiting, not expected, missing, and why.",
        api_page="",
        reading=Reading.FILE,
        group="completeness",
        id_fields=("engagement_id", "kind"),
        engagement_field="engagement_id",
        time_field="occurred_at",
    ),
    Dataset(
        name="zoom/card_data",
        description="One record per text that was searched for card data: what was found where, and what became of it.",
        api_page="",
        reading=Reading.FILE,
        group="completeness",
        id_fields=("dataset", "record_id"),
        engagement_field="engagement_id",
        time_field="occurred_at",
    ),
    Dataset(
        name="zoom/coverage",
        description="One record per day and pushed event: how often polling expected it, how often it came, how fast.",
        api_page="",
        reading=Reading.FILE,
        group="completeness",
        id_fields=("day", "event"),
        time_field="occurred_at",
    ),
)

DATASETS: dict[str, Dataset] = {dataset.name: dataset for dataset in _ALL}

ENGAGEMENT_LOG = Endpoint(
    "/contact_center/analytics/log/historical/engagement",
    "engagement_logs",
    Label.HEAVY,
    100,
    ("end_time_from", "end_time_to"),
    announces_total=True,
    scopes=("contact_center:read:engagement_log:admin", "contact_center_report:read:admin"),
)
NOTES_LIST = Endpoint(
    "/contact_center/engagements/notes",
    "notes",
    Label.MEDIUM,
    300,
    announces_total=True,
    scopes=("contact_center:read:list_notes:admin", "contact_center_note:read:admin"),
)
"""Every note of the account, without any filter: for a rare audit only."""
ENGAGEMENT_RECORDINGS = Endpoint(
    "/contact_center/engagements/{engagement_id}/recordings",
    "recordings",
    Label.MEDIUM,
    300,
    ("from", "to"),
    scopes=("contact_center:read:list_recordings:admin", "contact_center_recording:read:admin"),
)
QUEUE_RECORDINGS = Endpoint(
    "/contact_center/queues/{queue_id}/recordings",
    "recordings",
    Label.MEDIUM,
    300,
    ("from", "to"),
    scopes=("contact_center:read:list_recordings", "contact_center_recording:read"),
)


def find_dataset(key: str) -> Dataset:
    """The dataset by full name or by the last part of it; ``KeyError`` lists what there is."""
    for dataset in _ALL:
        if key in (dataset.name, dataset.key):
            return dataset
    raise KeyError(f"no dataset {key!r}; there are: {', '.join(d.key for d in _ALL)}")
