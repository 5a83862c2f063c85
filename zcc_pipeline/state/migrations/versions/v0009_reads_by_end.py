"""Reads are looked up by the end of their engagement: conversations that ended lately, whenever they began."""
# ruff: noqa: INP001 - alembic runs this file as a script; it is not for importing

from __future__ import annotations

from alembic import context, op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the index; a database that holds only the rate budget has no reads."""
    if "ledgers" not in context.config.attributes["parts"]:
        return
    op.create_index("zcc_read_by_end", "zcc_read", ["dataset", "ended_at"])
