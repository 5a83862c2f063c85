"""The tables in which builds remember what they have seen, and what each build is told.

They are made here, before dbt starts; the models' own transactions write them, so that what is recorded and what is
merged are one fact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from zcc_pipeline.warehouse.config import WarehouseConfig

if TYPE_CHECKING:
    import duckdb

_TABLES = """
create schema if not exists bookkeeping;
create table if not exists bookkeeping.settings (setting varchar not null, setting_value varchar not null);
create table if not exists bookkeeping.loads (load_seq bigint not null, started_at timestamp not null);
create table if not exists bookkeeping.loaded_files (
    dataset varchar not null, file varchar not null, load_seq bigint not null
);
create table if not exists bookkeeping.progress (model varchar not null, load_seq bigint not null);
create table if not exists bookkeeping.rejected_records (
    dataset varchar not null, record_id varchar not null, shape varchar not null, reason varchar not null,
    as_of timestamp not null, observed_at timestamp not null, content_hash blob
);
create table if not exists bookkeeping.field_sightings (
    dataset varchar not null, field varchar not null, first_seen timestamp not null
);
create table if not exists bookkeeping.changed_days (day date not null, load_seq bigint not null);
create table if not exists bookkeeping.verified_days (
    day date not null, verified_at timestamp not null, load_seq bigint not null
);
create table if not exists bookkeeping.changed_customers (customer_id varchar not null, load_seq bigint not null);
"""

LAKE_SCHEMA = pa.schema(
    [
        ("record_id", pa.string()),
        ("shape", pa.string()),
        ("engagement_id", pa.string()),
        ("payload", pa.string()),
        ("content_hash", pa.binary(16)),
        ("as_of", pa.timestamp("us", tz="UTC")),
        ("observed_at", pa.timestamp("us", tz="UTC")),
        ("route", pa.string()),
        ("is_deleted", pa.bool_()),
        ("batch_id", pa.string()),
    ]
)
"""The columns of a lake file, as every room that touches the lake knows them."""


@dataclass(frozen=True, slots=True)
class OpenedBuild:
    """What a build is, before dbt starts."""

    load_seq: int
    full_refresh: bool


def open_build(
    config: WarehouseConfig,
    *,
    version: str,
    full_refresh: bool,
    now: datetime,
    verified_days: Mapping[date, datetime],
) -> OpenedBuild:
    """Number the build and write down its settings.

    A warehouse made by another version of the models, or for another lake or time zone, is rebuilt from the lake.
    """
    import duckdb

    config.warehouse_path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(config.warehouse_path)) as connection:
        connection.execute(_TABLES)
        known = dict(connection.execute("select setting, setting_value from bookkeeping.settings").fetchall())
        wanted = {
            "lake_root": config.lake_root,
            "timezone": config.timezone,
            "phone_region": config.phone_region,
            "engagements_at_once": str(config.engagements_at_once),
            "models_version": version,
            "empty_lake_file": str(_empty_lake_file(config.scratch_dir)),
        }
        # a warehouse of other models stays marked until a full build has ended well, see close_build
        is_other = known.get("built_for") != _built_for(wanted)
        connection.begin()
        connection.execute("delete from bookkeeping.settings where setting <> 'built_for'")
        connection.executemany("insert into bookkeeping.settings values (?, ?)", list(wanted.items()))
        row = connection.execute("select coalesce(max(load_seq), 0) + 1 from bookkeeping.loads").fetchone()
        assert row is not None  # noqa: S101 - an aggregate always gives a row
        connection.execute("insert into bookkeeping.loads values (?, ?)", [row[0], now.replace(tzinfo=None)])
        _note_verified_days(connection, verified_days, row[0])
        connection.commit()
    return OpenedBuild(load_seq=row[0], full_refresh=full_refresh or is_other)


def _note_verified_days(
    connection: duckdb.DuckDBPyConnection, verified_days: Mapping[date, datetime], load_seq: int
) -> None:
    """Days checked since the build before carry this build's number: the marts count those again."""
    known = dict(connection.execute("select day, verified_at from bookkeeping.verified_days").fetchall())
    moments = {day: moment.astimezone(UTC).replace(tzinfo=None) for day, moment in verified_days.items()}
    changed = [(day, moment, load_seq) for day, moment in moments.items() if known.get(day) != moment]
    if changed:
        connection.executemany("delete from bookkeeping.verified_days where day = ?", [[row[0]] for row in changed])
        connection.executemany("insert into bookkeeping.verified_days values (?, ?, ?)", changed)


def _built_for(settings: dict[str, str]) -> str:
    return "|".join(settings[name] for name in ("models_version", "lake_root", "timezone", "phone_region"))


def _empty_lake_file(scratch_dir: Path) -> Path:
    path = scratch_dir / "empty_lake_file.parquet"
    if not path.is_file():
        scratch_dir.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        pq.write_table(LAKE_SCHEMA.empty_table(), part)
        part.replace(path)
    return path


@dataclass(frozen=True, slots=True)
class BuildFacts:
    """What a build did, as its tables tell."""

    files_loaded: int
    days_touched: tuple[str, ...]
    engagements_touched: int
    rows: dict[str, int]


def close_build(config: WarehouseConfig, build: OpenedBuild, *, is_complete: bool) -> BuildFacts:
    """Read what the build did; mark the warehouse as built for these settings where a full build has ended well."""
    import duckdb

    with duckdb.connect(str(config.warehouse_path)) as connection:
        if is_complete:
            settings = dict(connection.execute("select setting, setting_value from bookkeeping.settings").fetchall())
            connection.begin()
            connection.execute("delete from bookkeeping.settings where setting = 'built_for'")
            connection.execute("insert into bookkeeping.settings values ('built_for', ?)", [_built_for(settings)])
            connection.commit()
        files = connection.execute(
            "select count(*), list(distinct regexp_extract(file, 'date=([0-9-]+)', 1)) "
            "from bookkeeping.loaded_files where load_seq = ?",
            [build.load_seq],
        ).fetchone()
        rows = dict(
            connection.execute(
                "select table_name, estimated_size from duckdb_tables() where schema_name <> 'bookkeeping'"
            ).fetchall()
        )
        touched = 0
        if "engagements" in rows:
            found = connection.execute(
                "select count(*) from marts.engagements where _load_seq = ?", [build.load_seq]
            ).fetchone()
            touched = found[0] if found else 0
    count, days = files or (0, None)
    return BuildFacts(count, tuple(sorted(days or ())), touched, rows)
