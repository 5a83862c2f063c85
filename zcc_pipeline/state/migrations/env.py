"""Run by alembic inside the transaction that ``state.migrate`` has opened and locked."""
# ruff: noqa: INP001 - alembic runs this file as a script; it is not for importing

from __future__ import annotations

from alembic import context

from zcc_pipeline.state.schema import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
context.run_migrations()
