"""The lake: one folder a dataset, one sub-folder a day, immutable files of record versions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from functools import partial
from zoneinfo import ZoneInfo

import pyarrow as pa

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.datasets import Dataset
from zcc_pipeline.domain.window import Window
from zcc_pipeline.landing.compaction import CompactionResult, compact_day, sweep_superseded
from zcc_pipeline.landing.gate import AskSuppressed
from zcc_pipeline.landing.known import DayVersions
from zcc_pipeline.landing.layout import SEED_DAY, SEED_NAME, LakeFile, day_folder, parse_day_folder
from zcc_pipeline.landing.reading import list_day, live_day, newest_versions, read_ids, retry_once
from zcc_pipeline.landing.schema import no_versions, write_versions
from zcc_pipeline.landing.screening import Screening
from zcc_pipeline.landing.storage import STAGING_KEPT, Storage
from zcc_pipeline.landing.writer import FLUSH_BYTES, LakeWriter, Reject


class Lake:
    """Every version of every record as it was received.

    Writers need no lock: two of them may add the same version, and readers take the latest. ``compact`` and ``sweep``
    are for one process at a time, whoever holds the warehouse lock.
    """

    def __init__(self, storage: Storage, *, timezone: ZoneInfo, clock: Clock, new_id: Callable[[], str]) -> None:
        self._storage, self._timezone = storage, timezone
        self.screen: Callable[[Dataset], Screening | None] | None = None
        """Gives the screening of a dataset whose records are to be looked at before they land."""
        self.suppressed: AskSuppressed | None = None
        """Says what was erased, whose records never land again."""
        self._clock, self._new_id = clock, new_id
        # One for all writers: each further thread would get an allocator arena of its own, 30 MB that never come back.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="landing")

    @property
    def storage(self) -> Storage:
        """Where the lake lies; its ``fsspec`` and ``url_for`` are what DuckDB reads it through."""
        return self._storage

    @property
    def timezone(self) -> ZoneInfo:
        """In which its days begin and end."""
        return self._timezone

    def writer(
        self,
        dataset: Dataset,
        *,
        window: Window | None = None,
        flush_bytes: int = FLUSH_BYTES,
        reject: Reject | None = None,
    ) -> LakeWriter:
        """A writer of one dataset.

        With ``window``, records whose own time lies outside are counted and dropped; without, each goes to the day of
        its own time, else of its chunk's ``as_of``. ``flush_bytes`` bounds what is held in memory. ``reject`` takes
        the reason and the payload of records that cannot be stored.
        """
        return LakeWriter(
            self._storage,
            dataset,
            timezone=self._timezone,
            clock=self._clock,
            new_id=self._new_id,
            load_day=partial(self._load_day, dataset.name),
            window=window,
            flush_bytes=flush_bytes,
            reject=reject,
            executor=self._thread,
            screening=self.screen(dataset) if self.screen is not None else None,
            suppressed=self.suppressed,
        )

    def latest(
        self,
        dataset: str,
        first: date,
        last: date,
        *,
        shapes: Collection[str] | None = None,
        with_deleted: bool = False,
        columns: Collection[str] | None = None,
    ) -> pa.Table:
        """The newest version per ``(record_id, shape)`` over the days from first to last, both included.

        All columns unless some are named: a day's ids are a hundredth of its payloads.

        Newest by ``as_of``, then ``observed_at``, then file name. Records whose newest version is a tombstone are
        left out unless asked for. The answer is held in memory; for long spans use ``iter_latest``.
        """
        return retry_once(
            lambda: newest_versions(
                self._storage,
                [file for day in self.days(dataset) if first <= day <= last for file in self._live(dataset, day)],
                shapes=shapes,
                with_deleted=with_deleted,
                columns=columns,
            )
        )

    def iter_latest(
        self,
        dataset: str,
        first: date,
        last: date,
        *,
        shapes: Collection[str] | None = None,
        with_deleted: bool = False,
    ) -> Iterator[tuple[date, pa.Table]]:
        """``latest`` day by day, each day for itself, holding one day in memory; days without rows are left out."""
        for day in self.days(dataset):
            if first <= day <= last:
                table = self.latest(dataset, day, day, shapes=shapes, with_deleted=with_deleted)
                if table.num_rows:
                    yield day, table

    def find_ids(
        self, dataset: str, first: date, last: date, *, where: Callable[[Sequence[str]], Iterable[str]]
    ) -> set[str]:
        """Ids of records, deleted ones included, that ``where`` picks out of those it is shown a batch at a time."""
        return retry_once(
            lambda: {
                record_id
                for day in self.days(dataset)
                if first <= day <= last
                for file in self._live(dataset, day)
                for record_ids in read_ids(self._storage, file)
                for record_id in where(record_ids)
            }
        )

    def days(self, dataset: str) -> list[date]:
        """Days that have a folder, sorted."""
        found = (parse_day_folder(name) for name in self._storage.list_folders(dataset))
        return sorted(day for day in found if day is not None and day != SEED_DAY)

    def files(self, dataset: str, day: date | None = None) -> list[LakeFile]:
        """The files that count, sorted by day and name: replaced ones that still exist are left out."""
        days = [SEED_DAY, *self.days(dataset)] if day is None else [day]
        return [file for each in days for file in self._live(dataset, each)]

    def listing(self, dataset: str, day: date) -> list[tuple[str, int]]:
        """Name and size of each file of a day, replaced ones included; none is opened.

        Files have names of their own and never change: the same listing is the same content.
        """
        return [(file.name, file.size_bytes) for file in list_day(self._storage, dataset, day)]

    def live_files(self, dataset: str) -> list[str]:
        """``files`` as the URLs that DuckDB reads, the empty seed first, so that there is always one."""
        return [file.url for file in self.files(dataset)]

    def every_file(self) -> Iterator[LakeFile]:
        """All files of all datasets, replaced ones included; of a day first those that others may have replaced."""
        for dataset in self._datasets():
            for day in self.days(dataset):
                yield from sorted(
                    list_day(self._storage, dataset, day), key=lambda file: (file.is_compacted, file.name)
                )

    def compact(self, dataset: str, day: date) -> CompactionResult:
        """Merge a day's small files into one that keeps every distinct version. The caller holds the warehouse lock."""
        return compact_day(self._storage, dataset, day, clock=self._clock, new_id=self._new_id)

    def sweep(self, now: datetime) -> int:
        """Remove files replaced more than a day ago, and what killed processes left in staging; returns how many."""
        removed = self._storage.sweep_staging(before=now - STAGING_KEPT)
        for dataset in self._datasets():
            for day in self.days(dataset):
                removed += sweep_superseded(self._storage, dataset, day, now=now)
        return removed

    def ensure_seeded(self, datasets: Iterable[Dataset]) -> None:
        """Give each dataset one empty file, so that a glob over it never fails; nothing happens where it is there."""
        for dataset in datasets:
            path = f"{day_folder(dataset.name, SEED_DAY)}/{SEED_NAME}"
            if not self._storage.exists(path):
                staged = self._storage.staging_path(f"seed-{self._new_id()}")
                write_versions(staged, no_versions())
                self._storage.publish(staged, path)

    def _datasets(self) -> list[str]:
        systems = self._storage.list_folders("")
        return [f"{system}/{key}" for system in systems for key in self._storage.list_folders(system)]

    def _live(self, dataset: str, day: date) -> list[LakeFile]:
        return retry_once(partial(live_day, self._storage, dataset, day))

    def _load_day(self, dataset: str, day: date) -> DayVersions:
        def load() -> DayVersions:
            known = DayVersions()
            known.load(partial(self._storage.open_input, file.path) for file in self._live(dataset, day))
            return known

        return retry_once(load)
