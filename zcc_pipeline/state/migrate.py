"""Brings a state store to the current schema, once, whoever opens it first."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.state.database import Database
from zcc_pipeline.state.schema import HEAD, VERSION_TABLE, heavy_days, metadata, rates

MIGRATIONS = Path(__file__).parent / "migrations"

LOCK_KEY = 0x7A63635F73746174  # "zcc_stat": the advisory lock under which PostgreSQL migrates


_RATES = {rates.name, heavy_days.name}


def ensure_current(database: Database, parts: frozenset[str]) -> None:
    """Create at, or migrate to, ``HEAD`` in one locked transaction; refuse a store written by a newer version."""
    with database.read() as connection:
        found = _read_version(connection)
    if found == HEAD:
        return
    _refuse_newer(found)
    with database.write() as connection:
        if not database.is_sqlite:  # SQLite's BEGIN IMMEDIATE is a lock already
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK_KEY)))
        found = _read_version(connection)
        if found == HEAD:
            return  # another process was faster
        _refuse_newer(found)
        if found is None:
            create(connection, parts)
        else:
            upgrade(connection, parts)


def _read_version(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    version: str | None = connection.scalar(sa.text(f"SELECT version_num FROM {VERSION_TABLE}"))
    return version


def _refuse_newer(found: str | None) -> None:
    if found is not None and found > HEAD:
        raise ConfigurationError(
            "ZCC_STATE_URL",
            f"this state store was written by a newer zcc-pipeline (schema {found}; this version knows up to {HEAD}). "
            "Upgrade zcc-pipeline here, or point it at another state store.",
            purpose="where ledgers are kept; an older version could not read them safely",
        )


def create(connection: sa.Connection, parts: frozenset[str]) -> None:
    """Make a new store as all migrations together would leave it, without the time that they and alembic take."""
    kept = [table for table in metadata.sorted_tables if ("rates" if table.name in _RATES else "ledgers") in parts]
    metadata.create_all(connection, kept, checkfirst=False)
    version = sa.Table(VERSION_TABLE, sa.MetaData(), sa.Column("version_num", sa.String(32), nullable=False))
    version.append_constraint(sa.PrimaryKeyConstraint("version_num", name=f"{VERSION_TABLE}_pkc"))  # as alembic's own
    version.create(connection)
    connection.execute(version.insert().values(version_num=HEAD))


def upgrade(connection: sa.Connection, parts: frozenset[str]) -> None:
    """Run the migrations that are still missing; from nothing they make the whole store."""
    from alembic import command  # its import costs more than opening a store that is current
    from alembic.config import Config

    config = Config(attributes={"connection": connection, "parts": parts})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, "head")
