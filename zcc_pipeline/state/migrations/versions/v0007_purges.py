"""Purges that are under way."""
# ruff: noqa: INP001 - alembic runs this file as a script; it is not for importing

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op

revision = "0007"
down_revision = "0006"

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the tables; a database that holds only the rate budget has none of them."""
    if "ledgers" not in context.config.attributes["parts"]:
        return
    op.create_table(
        "zcc_purge",
        sa.Column("engagement_id", sa.Text, primary_key=True),
        sa.Column("object_id", sa.Text, nullable=False),
        sa.Column("day", sa.Date),
        sa.Column("run_id", sa.String(32), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("matter", sa.Text),
        sa.Column("begun_at", _TIME, nullable=False),
        sa.Column("is_logged", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("is_out_of_inbox", sa.Boolean(create_constraint=False), nullable=False),
    )
    op.create_table(
        "zcc_purge_trace",
        sa.Column("engagement_id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, primary_key=True),
    )
