"""The mart ``crm_activities`` of the published copy, read as a stream.

A day at a time: first ids and hashes alone, then, of those that somebody wants, the rows. So an unchanged history costs
two narrow columns, and memory holds one day's ids and one chunk of activities, however many years there are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.domain.parts import in_parts
from zcc_pipeline.domain.suppression import SuppressionList
from zcc_pipeline.exports.activity import Activity, Media, NoteVersion

if TYPE_CHECKING:
    import duckdb

MART = "crm_activities"
CHUNK = 200
"""Activities held at once; a transcript of an hour's call has some hundred kilobytes."""

_COLUMNS = tuple(field.name for field in fields(Activity))
_MEMORY = "128MB"
"""For DuckDB, which otherwise keeps what it has read; one chunk is far less."""


class Known(NamedTuple):
    """What is compared before a row is read."""

    engagement_id: str
    activity_hash: str


Wanted = Callable[[Sequence[Known]], Collection[str]]
"""Of these, the ids of those that have to be read whole."""


class Activities:
    """What may leave. Use as ``with open_activities(path) as activities``."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, suppressed: Callable[[], SuppressionList]) -> None:
        self._connection, self._suppressed = connection, suppressed
        self.erased = 0
        """Left out while reading, because they were erased after this copy was published."""

    def days(self, first: date | None = None, last: date | None = None) -> list[date]:
        """Days on which engagements started, oldest first; both ends included."""
        rows = self._connection.execute(
            f"select distinct started_date from {MART} where started_date between ? and ? order by 1",
            [first or date.min, last or date.max],
        ).fetchall()
        return [day for (day,) in rows]

    def count(self, first: date | None = None, last: date | None = None) -> int:
        """How many started on these days."""
        row = self._connection.execute(
            f"select count(*) from {MART} where started_date between ? and ?", [first or date.min, last or date.max]
        ).fetchone()
        return int(row[0]) if row else 0

    def iter_chunks(
        self,
        wanted: Wanted,
        *,
        first: date | None = None,
        last: date | None = None,
        only: str | None = None,
        size: int = CHUNK,
    ) -> Iterator[list[Activity]]:
        """Those that ``wanted`` names, oldest first, at most ``size`` at a time; ``only`` is one of them alone."""
        for day in self.days(first, last):
            found = [key for key in self._keys(day, "engagement_id, activity_hash, rowid") if only in (None, key[0])]
            erased = self._suppressed()
            keys = [key for key in found if key[0] not in erased]
            self.erased += len(found) - len(keys)
            if not keys:
                continue
            named = set(wanted([Known(engagement_id, fingerprint) for engagement_id, fingerprint, _ in keys]))
            places = [place for engagement_id, _, place in keys if engagement_id in named]
            for some in in_parts(places, size):
                yield self._read("rowid in (select unnest(?::bigint[]))", some)

    def get(self, engagement_id: str) -> Activity | None:
        """One of them, or None where there is no such engagement (any more)."""
        if engagement_id in self._suppressed():
            return None
        return next(iter(self._read("engagement_id = ?", engagement_id)), None)

    def _keys(self, day: date, columns: str) -> list[Any]:
        return self._connection.execute(
            f"select {columns} from {MART} where started_date = ? order by started_at, engagement_id",
            [day],
        ).fetchall()

    def _read(self, condition: str, parameter: object) -> list[Activity]:
        rows = self._connection.execute(
            f"select {', '.join(_COLUMNS)} from {MART} where {condition} order by started_at, engagement_id",
            [parameter],
        ).fetchall()
        return [_activity(row) for row in rows]


@contextmanager
def open_activities(
    analytics_path: Path, *, suppressed: Callable[[], SuppressionList] = SuppressionList
) -> Iterator[Activities]:
    """The published copy as it is now; one that is swapped in meanwhile is seen by the next to open it.

    What ``suppressed`` says was erased is left out, though this copy may still have it.
    ``ConfigurationError`` where nothing was published yet, or by an older version without this mart.
    """
    if not analytics_path.is_file():
        raise _not_there(f"there is no analysts' copy at {analytics_path} yet")
    import duckdb

    with duckdb.connect(str(analytics_path), read_only=True) as connection:
        connection.execute(f"set memory_limit = '{_MEMORY}'")
        if not connection.execute("select 1 from duckdb_tables() where table_name = ?", [MART]).fetchall():
            raise _not_there(f"the analysts' copy at {analytics_path} has no {MART}")
        yield Activities(connection, suppressed)


def _not_there(problem: str) -> ConfigurationError:
    return ConfigurationError(
        "ZCC_ANALYTICS_PATH",
        f"{problem}; `zcc build` writes it",
        purpose="the DuckDB file that people and exports read",
        example="./zcc_data/analytics.duckdb",
    )


def _activity(row: Sequence[Any]) -> Activity:
    values = dict(zip(_COLUMNS, row, strict=True))
    for name in ("started_at", "ended_at", "changed_at"):
        values[name] = _utc(values[name])
    values["note_versions"] = tuple(
        NoteVersion(**one | {"written_at": _utc(one["written_at"])}) for one in values["note_versions"]
    )
    for name in ("recordings", "voicemails"):
        values[name] = tuple(Media(**one | {"started_at": _utc(one["started_at"])}) for one in values[name])
    values["dispositions"] = tuple(values["dispositions"])
    return Activity(**values)


def _utc(moment: datetime | None) -> datetime | None:
    """The copy holds UTC without saying so."""
    return moment.replace(tzinfo=UTC) if moment is not None else None
