"""What was erased and must not come back, by keyed hash."""
# ruff: noqa: INP001 - alembic runs this file as a script; it is not for importing

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op

revision = "0006"
down_revision = "0005"

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the table; a database that holds only the rate budget has none of it."""
    if "ledgers" not in context.config.attributes["parts"]:
        return
    op.create_table(
        "zcc_suppressed",
        sa.Column("id_hash", sa.String(64), primary_key=True),
        sa.Column("added_at", _TIME, nullable=False),
    )
