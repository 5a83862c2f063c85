"""Tables as the current version knows them. Migrations restate them frozen; a test holds the two equal.

Every name starts with ``zcc_``, because on PostgreSQL the database may be shared with Dagster's own storage.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

HEAD = "0009"
"""Schema this version writes: the newest migration. Four digits, so that a higher one is known to be newer."""

VERSION_TABLE = "zcc_state_version"


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time, kept in UTC. SQLite has no zones, so there the text is UTC by convention."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times: they would silently shift by the machine's offset."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("the state store takes aware times only")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware, in UTC, whatever zone the database session has."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


metadata = sa.MetaData()

windows = sa.Table(
    "zcc_window",
    metadata,
    sa.Column("batch_id", sa.String(32), primary_key=True),
    sa.Column("dataset", sa.Text, nullable=False),
    sa.Column("window_start", UtcDateTime, nullable=False),
    sa.Column("window_end", UtcDateTime, nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("finished_at", UtcDateTime),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("announced", sa.BigInteger),
    sa.Column("pages", sa.Integer, nullable=False),
    sa.Column("api_calls", sa.Integer, nullable=False),
    sa.Column("is_complete", sa.Boolean(create_constraint=False), nullable=False),
    sa.Column("error", sa.Text),
    sa.Index("zcc_window_by_day", "dataset", "day", "finished_at"),
)

artefacts = sa.Table(
    "zcc_artefact",
    metadata,
    sa.Column("kind", sa.String(32), primary_key=True),
    sa.Column("source_id", sa.Text, primary_key=True),
    sa.Column("engagement_id", sa.Text),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("occurred_at", UtcDateTime, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("first_seen_at", UtcDateTime, nullable=False),
    sa.Column("tried_at", UtcDateTime),
    sa.Column("next_try_at", UtcDateTime),
    sa.Column("not_found_since", UtcDateTime),
    sa.Column("stored_at", UtcDateTime),
    sa.Column("path", sa.Text),
    sa.Column("size_bytes", sa.BigInteger),
    sa.Column("sha256", sa.String(64)),
    sa.Column("sha512", sa.String(128)),
    sa.Column("media_type", sa.Text),
    sa.Column("reason", sa.String(32)),
    sa.Column("evidence", sa.Text),
    sa.Index("zcc_artefact_by_day", "day", "kind"),
    sa.Index("zcc_artefact_by_state", "state", "kind", "occurred_at"),
)

reads = sa.Table(
    "zcc_read",
    metadata,
    sa.Column("dataset", sa.Text, primary_key=True),
    sa.Column("engagement_id", sa.Text, primary_key=True),
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("evidence", sa.Text, nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("read_at", UtcDateTime, nullable=False),
    sa.Index("zcc_read_by_day", "day", "dataset"),
    sa.Index("zcc_read_by_end", "dataset", "ended_at"),
)

absences = sa.Table(
    "zcc_absence",
    metadata,
    sa.Column("dataset", sa.Text, primary_key=True),
    sa.Column("record_id", sa.Text, primary_key=True),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("first_absent_at", UtcDateTime, nullable=False),
    sa.Index("zcc_absence_by_day", "dataset", "day"),
)

quarantine = sa.Table(
    "zcc_quarantine",
    metadata,
    sa.Column("item_id", sa.String(32), primary_key=True),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("room", sa.Text, nullable=False),
    sa.Column("dataset", sa.Text, nullable=False),
    sa.Column("record_id", sa.Text),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("first_seen_at", UtcDateTime, nullable=False),
    sa.Column("last_seen_at", UtcDateTime, nullable=False),
    sa.Column("times_seen", sa.Integer, nullable=False),
    sa.Index("zcc_quarantine_once", "fingerprint", unique=True),
    sa.Index("zcc_quarantine_by_state", "state", "last_seen_at"),
)

differences = sa.Table(
    "zcc_difference",
    metadata,
    sa.Column("event", sa.String(128), primary_key=True),
    sa.Column("subject_id", sa.Text, primary_key=True),
    sa.Column("direction", sa.String(16), primary_key=True),
    sa.Column("engagement_id", sa.Text),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("evidence", sa.Text, nullable=False),
    sa.Column("detected_at", UtcDateTime, nullable=False),
    sa.Column("judged_at", UtcDateTime, nullable=False),
    sa.Index("zcc_difference_by_day", "day", "outcome"),
)

settings = sa.Table(
    "zcc_setting",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

# Inbox rows whose consequences are kept; once no lower one can come any more, the mark stands for them.
applied_events = sa.Table(
    "zcc_event_applied",
    metadata,
    sa.Column("inbox_id", sa.String(32), primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("applied_at", UtcDateTime, nullable=False),
)

event_marks = sa.Table(
    "zcc_event_mark",
    metadata,
    sa.Column("inbox_id", sa.String(32), primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
)

refresh_due = sa.Table(
    "zcc_refresh_due",
    metadata,
    sa.Column("engagement_id", sa.Text, primary_key=True),
    sa.Column("due_at", UtcDateTime),
    sa.Column("read_after", UtcDateTime, nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("first_due_at", UtcDateTime, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Index("zcc_refresh_due_by_time", "due_at"),
)

event_gaps = sa.Table(
    "zcc_event_gap",
    metadata,
    sa.Column("inbox_id", sa.String(32), primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_try_at", UtcDateTime),
    sa.Column("closed_at", UtcDateTime),
    sa.Column("outcome", sa.Text),
    sa.Index("zcc_event_gap_by_time", "next_try_at"),
)

pushed_parts = sa.Table(
    "zcc_pushed_part",
    metadata,
    sa.Column("dataset", sa.Text, primary_key=True),
    sa.Column("record_id", sa.Text, primary_key=True),
    sa.Column("part_id", sa.Text, nullable=False),
    sa.Column("engagement_id", sa.Text, nullable=False),
    sa.Column("shape", sa.Text, nullable=False),
    sa.Column("said_at", UtcDateTime, nullable=False),
    sa.Index("zcc_pushed_part_by_engagement", "engagement_id"),
)

exports = sa.Table(
    "zcc_export",
    metadata,
    sa.Column("crm", sa.String(32), primary_key=True),
    sa.Column("engagement_id", sa.Text, primary_key=True),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("activity_hash", sa.String(64), nullable=False),
    sa.Column("mapping", sa.String(64), nullable=False),
    sa.Column("content_hash", sa.String(64), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("remote_object", sa.Text),
    sa.Column("remote_id", sa.Text),
    sa.Column("is_foreign", sa.Boolean(create_constraint=False), nullable=False),
    sa.Column("job_id", sa.Text),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.Column("exported_at", UtcDateTime),
    sa.Index("zcc_export_by_day", "crm", "day", "status"),
    sa.Index("zcc_export_by_status", "crm", "status", "changed_at"),
)

# Entries and attachments of exported records: each is sent once, whatever becomes of the run.
export_pieces = sa.Table(
    "zcc_export_piece",
    metadata,
    sa.Column("crm", sa.String(32), primary_key=True),
    sa.Column("engagement_id", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("remote_id", sa.Text),
    sa.Column("is_done", sa.Boolean(create_constraint=False), nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
)

archived = sa.Table(
    "zcc_archived",
    metadata,
    sa.Column("engagement_id", sa.Text, primary_key=True),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("source_hash", sa.String(64), nullable=False),
    sa.Column("version", sa.Integer),
    sa.Column("inventory_sha512", sa.String(128)),
    sa.Column("is_pending", sa.Boolean(create_constraint=False), nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.Index("zcc_archived_by_day", "day"),
)

archive_windows = sa.Table(
    "zcc_archive_window",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("dataset", sa.Text, primary_key=True),
    sa.Column("manifest_sha512", sa.String(128), nullable=False),
    sa.Column("is_closed", sa.Boolean(create_constraint=False), nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
)

archive_marks = sa.Table(
    "zcc_archive_mark",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("fingerprint", sa.String(64), nullable=False),
)

archive_strays = sa.Table(
    "zcc_archive_stray",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("engagement_id", sa.Text, primary_key=True),
    sa.Index("zcc_archive_stray_by_engagement", "engagement_id"),
)

# What was erased and must not come back: HMAC-SHA-256 of ids, under a key that is not in this database.
suppressed = sa.Table(
    "zcc_suppressed",
    metadata,
    sa.Column("id_hash", sa.String(64), primary_key=True),
    sa.Column("added_at", UtcDateTime, nullable=False),
)

# What is being erased, until nothing is left of it anywhere; only ids, and they go with the row.
purges = sa.Table(
    "zcc_purge",
    metadata,
    sa.Column("engagement_id", sa.Text, primary_key=True),
    sa.Column("object_id", sa.Text, nullable=False),
    sa.Column("day", sa.Date),
    sa.Column("run_id", sa.String(32), nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("matter", sa.Text),
    sa.Column("begun_at", UtcDateTime, nullable=False),
    sa.Column("is_logged", sa.Boolean(create_constraint=False), nullable=False),
    sa.Column("is_out_of_inbox", sa.Boolean(create_constraint=False), nullable=False),
)

purge_traces = sa.Table(
    "zcc_purge_trace",
    metadata,
    sa.Column("engagement_id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),
)

# Times of the rate budget are seconds since the epoch, so that the arithmetic happens inside one statement on either
# database.
rates = sa.Table(
    "zcc_rate",
    metadata,
    sa.Column("label", sa.String(16), primary_key=True),
    sa.Column("arrival", sa.Double, nullable=False),
    sa.Column("slot", sa.Double, nullable=False),
    sa.Column("blocked_until", sa.Double, nullable=False),
    sa.Column("seen_at", sa.Double, nullable=False),
)

heavy_days = sa.Table(
    "zcc_heavy_day",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("spent", sa.BigInteger, nullable=False),
)
