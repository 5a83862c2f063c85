"""What was archived, as far as it is known without asking the archive."""
# ruff: noqa: INP001 - alembic runs this file as a script; it is not for importing

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op

revision = "0005"
down_revision = "0004"

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the tables; a database that holds only the rate budget has none of them."""
    if "ledgers" not in context.config.attributes["parts"]:
        return
    op.create_table(
        "zcc_archived",
        sa.Column("engagement_id", sa.Text, primary_key=True),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("source_hash", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer),
        sa.Column("inventory_sha512", sa.String(128)),
        sa.Column("is_pending", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("changed_at", _TIME, nullable=False),
    )
    op.create_index("zcc_archived_by_day", "zcc_archived", ["day"])
    op.create_table(
        "zcc_archive_window",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("dataset", sa.Text, primary_key=True),
        sa.Column("manifest_sha512", sa.String(128), nullable=False),
        sa.Column("is_closed", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("changed_at", _TIME, nullable=False),
    )
