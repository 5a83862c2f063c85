"""What became of pushed events, and what is to be done because of them."""
# ruff: noqa: INP001 - alembic runs this file as a script; it is not for importing

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op

revision = "0002"
down_revision = "0001"

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the tables; a database that holds only the rate budget has none of them."""
    if "ledgers" in context.config.attributes["parts"]:
        _create_applied()
        _create_due()
        _create_gaps()
        _create_parts()


def _create_applied() -> None:
    op.create_table(
        "zcc_event_applied",
        sa.Column("inbox_id", sa.String(32), primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("applied_at", _TIME, nullable=False),
    )
    op.create_table(
        "zcc_event_mark",
        sa.Column("inbox_id", sa.String(32), primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
    )


def _create_due() -> None:
    op.create_table(
        "zcc_refresh_due",
        sa.Column("engagement_id", sa.Text, primary_key=True),
        sa.Column("due_at", _TIME),
        sa.Column("read_after", _TIME, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("first_due_at", _TIME, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_index("zcc_refresh_due_by_time", "zcc_refresh_due", ["due_at"])


def _create_gaps() -> None:
    op.create_table(
        "zcc_event_gap",
        sa.Column("inbox_id", sa.String(32), primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("started_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_try_at", _TIME),
        sa.Column("closed_at", _TIME),
        sa.Column("outcome", sa.Text),
    )
    op.create_index("zcc_event_gap_by_time", "zcc_event_gap", ["next_try_at"])


def _create_parts() -> None:
    op.create_table(
        "zcc_pushed_part",
        sa.Column("dataset", sa.Text, primary_key=True),
        sa.Column("record_id", sa.Text, primary_key=True),
        sa.Column("part_id", sa.Text, nullable=False),
        sa.Column("engagement_id", sa.Text, nullable=False),
        sa.Column("shape", sa.Text, nullable=False),
        sa.Column("said_at", _TIME, nullable=False),
    )
    op.create_index("zcc_pushed_part_by_engagement", "zcc_pushed_part", ["engagement_id"])
