"""What left for the CRMs, and what became of it."""
# ruff: noqa: INP001 - alembic runs this file as a script; it is not for importing

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op

revision = "0004"
down_revision = "0003"

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the tables; a database that holds only the rate budget has none of them."""
    if "ledgers" not in context.config.attributes["parts"]:
        return
    op.create_table(
        "zcc_export",
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
        sa.Column("changed_at", _TIME, nullable=False),
        sa.Column("exported_at", _TIME),
    )
    op.create_index("zcc_export_by_day", "zcc_export", ["crm", "day", "status"])
    op.create_index("zcc_export_by_status", "zcc_export", ["crm", "status", "changed_at"])
    op.create_table(
        "zcc_export_piece",
        sa.Column("crm", sa.String(32), primary_key=True),
        sa.Column("engagement_id", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("remote_id", sa.Text),
        sa.Column("is_done", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("changed_at", _TIME, nullable=False),
    )
