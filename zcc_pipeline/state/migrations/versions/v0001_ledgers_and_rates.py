"""Ledgers and the rate budget, as first released. Frozen: a change of the schema is a new migration."""
# ruff: noqa: INP001 - alembic runs this file as a script; it is not for importing

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op

revision = "0001"
down_revision = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables that this database holds: on SQLite the rate budget has a file of its own."""
    parts = context.config.attributes["parts"]
    if "ledgers" in parts:
        _create_windows()
        _create_artefacts()
        _create_reads_and_absences()
        _create_quarantine_and_settings()
    if "rates" in parts:
        _create_rates()


def _create_windows() -> None:
    op.create_table(
        "zcc_window",
        sa.Column("batch_id", sa.String(32), primary_key=True),
        sa.Column("dataset", sa.Text, nullable=False),
        sa.Column("window_start", _TIME, nullable=False),
        sa.Column("window_end", _TIME, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("started_at", _TIME, nullable=False),
        sa.Column("finished_at", _TIME),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("announced", sa.BigInteger),
        sa.Column("pages", sa.Integer, nullable=False),
        sa.Column("api_calls", sa.Integer, nullable=False),
        sa.Column("is_complete", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("error", sa.Text),
    )
    op.create_index("zcc_window_by_day", "zcc_window", ["dataset", "day", "finished_at"])


def _create_artefacts() -> None:
    op.create_table(
        "zcc_artefact",
        sa.Column("kind", sa.String(32), primary_key=True),
        sa.Column("source_id", sa.Text, primary_key=True),
        sa.Column("engagement_id", sa.Text),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("occurred_at", _TIME, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("first_seen_at", _TIME, nullable=False),
        sa.Column("tried_at", _TIME),
        sa.Column("next_try_at", _TIME),
        sa.Column("not_found_since", _TIME),
        sa.Column("stored_at", _TIME),
        sa.Column("path", sa.Text),
        sa.Column("size_bytes", sa.BigInteger),
        sa.Column("sha256", sa.String(64)),
        sa.Column("sha512", sa.String(128)),
        sa.Column("media_type", sa.Text),
        sa.Column("reason", sa.String(32)),
        sa.Column("evidence", sa.Text),
    )
    op.create_index("zcc_artefact_by_day", "zcc_artefact", ["day", "kind"])
    op.create_index("zcc_artefact_by_state", "zcc_artefact", ["state", "kind", "occurred_at"])


def _create_reads_and_absences() -> None:
    op.create_table(
        "zcc_read",
        sa.Column("dataset", sa.Text, primary_key=True),
        sa.Column("engagement_id", sa.Text, primary_key=True),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("ended_at", _TIME),
        sa.Column("read_at", _TIME, nullable=False),
    )
    op.create_index("zcc_read_by_day", "zcc_read", ["day", "dataset"])
    op.create_table(
        "zcc_absence",
        sa.Column("dataset", sa.Text, primary_key=True),
        sa.Column("record_id", sa.Text, primary_key=True),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("first_absent_at", _TIME, nullable=False),
    )
    op.create_index("zcc_absence_by_day", "zcc_absence", ["dataset", "day"])


def _create_quarantine_and_settings() -> None:
    op.create_table(
        "zcc_quarantine",
        sa.Column("item_id", sa.String(32), primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("room", sa.Text, nullable=False),
        sa.Column("dataset", sa.Text, nullable=False),
        sa.Column("record_id", sa.Text),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("first_seen_at", _TIME, nullable=False),
        sa.Column("last_seen_at", _TIME, nullable=False),
        sa.Column("times_seen", sa.Integer, nullable=False),
    )
    op.create_index("zcc_quarantine_once", "zcc_quarantine", ["fingerprint"], unique=True)
    op.create_index("zcc_quarantine_by_state", "zcc_quarantine", ["state", "last_seen_at"])
    op.create_table(
        "zcc_setting",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )


def _create_rates() -> None:
    op.create_table(
        "zcc_rate",
        sa.Column("label", sa.String(16), primary_key=True),
        sa.Column("arrival", sa.Double, nullable=False),
        sa.Column("slot", sa.Double, nullable=False),
        sa.Column("blocked_until", sa.Double, nullable=False),
        sa.Column("seen_at", sa.Double, nullable=False),
    )
    op.create_table(
        "zcc_heavy_day",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("spent", sa.BigInteger, nullable=False),
    )
