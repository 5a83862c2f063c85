"""How much of the archive is held, and how much may soon be erased: counted over the index, however large it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from zcc_pipeline.pipeline.archive_indexing import table_path
from zcc_pipeline.pipeline.runtime import Runtime

SOON_DAYS = 30
_COUNTS = """\
select count(*), count(*) filter (held),
    count(*) filter (retain_until between ? and ?), count(*) filter (retain_until < ?)
from read_parquet(?)"""


@dataclass(frozen=True, slots=True)
class Keeping:
    """Archived engagements, as the index has them since the last export, hold or release."""

    objects: int = 0
    held: int = 0
    """By some matter."""
    expiring: int = 0
    """Whose last day is today or one of the next thirty."""
    expired: int = 0
    """Whose last day is over, held or not."""


def count_kept(runtime: Runtime) -> Keeping:
    """Nothing where nothing was ever archived."""
    import duckdb

    path, today = table_path(runtime), runtime.today()
    if not path.is_file():
        return Keeping()
    with duckdb.connect() as connection:
        soon = today + timedelta(days=SOON_DAYS)
        row = connection.execute(_COUNTS, [today, soon, today, str(path)]).fetchone()
    return Keeping(*row) if row else Keeping()
