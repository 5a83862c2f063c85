"""What push and poll did not agree on, and what became of it."""
# ruff: noqa: INP001 - alembic runs this file as a script; it is not for importing

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op

revision = "0003"
down_revision = "0002"

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the table; a database that holds only the rate budget has it not."""
    if "ledgers" not in context.config.attributes["parts"]:
        return
    op.create_table(
        "zcc_difference",
        sa.Column("event", sa.String(128), primary_key=True),
        sa.Column("subject_id", sa.Text, primary_key=True),
        sa.Column("direction", sa.String(16), primary_key=True),
        sa.Column("engagement_id", sa.Text),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.Column("detected_at", _TIME, nullable=False),
        sa.Column("judged_at", _TIME, nullable=False),
    )
    op.create_index("zcc_difference_by_day", "zcc_difference", ["day", "outcome"])
