"""What each day's lake files were when the archive last looked at them."""
# ruff: noqa: INP001 - alembic runs this file as a script; it is not for importing

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the tables; a database that holds only the rate budget has neither."""
    if "ledgers" not in context.config.attributes["parts"]:
        return
    op.create_table(
        "zcc_archive_mark",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
    )
    op.create_table(
        "zcc_archive_stray",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("engagement_id", sa.Text, primary_key=True),
        sa.Index("zcc_archive_stray_by_engagement", "engagement_id"),
    )
