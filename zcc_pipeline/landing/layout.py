"""Names of folders and files in the lake: the only place that builds or reads them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

SEED_DAY = date(1970, 1, 1)
"""The day of the empty file that every dataset has, so that a glob never fails."""

SEED_NAME = "19700101T000000Z-00000000000000000000000000.parquet"
_DAY_PREFIX = "date="
_COMPACTED = ".compacted.parquet"
_PARQUET = ".parquet"


@dataclass(frozen=True, slots=True, order=True)
class LakeFile:
    """One immutable file of record versions."""

    dataset: str
    day: date
    name: str
    path: str
    """Relative to the lake's root."""
    url: str
    """What DuckDB reads."""
    size_bytes: int
    created_at: datetime

    @property
    def is_compacted(self) -> bool:
        """Whether it replaces other files of its day, which its footer names."""
        return self.name.endswith(_COMPACTED)


def day_folder(dataset: str, day: date) -> str:
    """``zoom/engagements/date=2026-11-22``."""
    return f"{dataset}/{_DAY_PREFIX}{day.isoformat()}"


def parse_day_folder(name: str) -> date | None:
    """The day of a folder name; None where the folder is not a day's."""
    if not name.startswith(_DAY_PREFIX):
        return None
    try:
        return date.fromisoformat(name.removeprefix(_DAY_PREFIX))
    except ValueError:
        return None


def file_name(now: datetime, new_id: str, *, compacted: bool = False) -> str:
    """``20261122T080000Z-01JD….parquet``; a compacted file says so, so that only such footers need be read."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{new_id}{_COMPACTED if compacted else _PARQUET}"


def is_lake_file(name: str) -> bool:
    """Whether a name in a day's folder is a file of versions."""
    return name.endswith(_PARQUET) and not name.startswith(".")


def created_at(name: str) -> datetime | None:
    """The time in a file's name; None where it has none."""
    try:
        return datetime.strptime(name.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
