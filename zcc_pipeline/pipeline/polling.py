"""Poll: list a dataset window by window, land what came, and notice what is gone.

One day of one dataset is one row of the window ledger. What was landed before a window failed stays: it is true, and
landing it again writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from datetime import date

from zcc_pipeline.domain.datasets import DATASETS, QUEUE_RECORDINGS, Dataset, Reading
from zcc_pipeline.domain.errors import PermanentError, ScopeMissing, TransientError
from zcc_pipeline.domain.ports import SCOPE_PROBLEM
from zcc_pipeline.domain.records import SHAPE_DETAIL, LandingCounts, RecordChunk
from zcc_pipeline.domain.window import Window, day_window
from zcc_pipeline.landing import LakeWriter
from zcc_pipeline.pipeline.concurrency import for_each
from zcc_pipeline.pipeline.deletions import note_absences
from zcc_pipeline.pipeline.lake_facts import latest_ids
from zcc_pipeline.pipeline.loop import run
from zcc_pipeline.pipeline.rejects import quarantine_into
from zcc_pipeline.pipeline.reports import DatasetReport, DayReport
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.sources.zoom_api import (
    Listing,
    RejectedRecord,
    ZoomApi,
    poll_catalogue,
    poll_window,
    split_record,
)

CONCURRENT_DETAILS = 8


class Landing:
    """Writers of a dataset and of those embedded in it, fed by one sink."""

    def __init__(self, runtime: Runtime, dataset: Dataset, window: Window | None) -> None:
        self._runtime = runtime
        embedded = (
            other for other in DATASETS.values() if other.parent == dataset.name and other.reading is Reading.EMBEDDED
        )
        self._targets = [dataset, *embedded]
        self._window = window
        self._dataset = dataset
        self._stack = ExitStack()
        self.reject = quarantine_into(runtime, dataset)
        self._writers: dict[str, LakeWriter] = {}

    def __enter__(self) -> Landing:
        for target in self._targets:
            writer = self._runtime.lake.writer(
                target, window=self._window, reject=lambda reason, payload: self.reject(RejectedRecord(reason, payload))
            )
            self._writers[target.name] = self._stack.enter_context(writer)
        return self

    def __exit__(self, *details: object) -> None:
        self._stack.__exit__(*details)  # type: ignore[arg-type]

    def sink(self, chunks: Sequence[RecordChunk]) -> None:
        """Hand chunks to the writer of their dataset."""
        for chunk in chunks:
            self._writers[chunk.dataset].add(chunk)

    def commit(self) -> dict[str, LandingCounts]:
        """Make everything visible; counts by dataset."""
        for begin in (LakeWriter.begin_flush, LakeWriter.flush):  # none waits for what is done for another meanwhile
            for writer in self._writers.values():
                begin(writer)
        return {name: writer.commit() for name, writer in self._writers.items()}


def poll(runtime: Runtime, dataset: Dataset, days: Iterable[date]) -> list[DatasetReport]:
    """List those days of a windowed dataset; one report for it and one for each dataset embedded in it."""
    return run(_poll_days(runtime, dataset, sorted(days)))


async def _poll_days(runtime: Runtime, dataset: Dataset, days: Sequence[date]) -> list[DatasetReport]:
    reports: dict[str, DatasetReport] = {}
    runtime.progress.start(dataset.key, len(days))
    async with runtime.zoom() as api:
        for day in days:
            for name, row in (await poll_day(runtime, api, dataset, day)).items():
                reports.setdefault(name, DatasetReport(name)).days.append(row)
            runtime.progress.advance(dataset.key)
    runtime.progress.finish(dataset.key)
    return list(reports.values())


async def poll_day(runtime: Runtime, api: ZoomApi, dataset: Dataset, day: date) -> dict[str, DayReport]:
    """List one day of one dataset and keep the ledger of it."""
    window = day_window(day, runtime.config.timezone)
    batch_id = runtime.state.windows.begin(dataset.name, window, day=day, now=runtime.clock.now())
    calls_before = sum(api.api_calls.values())
    listing, counts, problem = None, {}, None
    with Landing(runtime, dataset, window) as landing:
        try:
            listing = await _list_window(runtime, api, dataset, window, batch_id, landing)
        except ScopeMissing as error:
            problem = f"{SCOPE_PROBLEM}: {error}"
        except (TransientError, PermanentError) as error:
            problem = str(error)
        counts = landing.commit()
    rows = {name: DayReport(day, problem=problem) for name in counts}
    for name, count in counts.items():
        rows[name].count(count)
    own = rows[dataset.name]
    own.api_calls = sum(api.api_calls.values()) - calls_before
    own.is_complete = listing is not None and listing.is_complete
    if listing is not None and not listing.is_complete:
        own.problem = f"{listing.rows} rows received, {listing.announced} announced"
    if listing is not None and listing.is_complete:
        own.deleted += await note_absences(runtime, api, dataset, day, seen=listing.record_ids)
    _close_window(runtime, batch_id, own, listing)
    return rows


async def _list_window(
    runtime: Runtime, api: ZoomApi, dataset: Dataset, window: Window, batch_id: str, landing: Landing
) -> Listing:
    try:
        return await poll_window(api, dataset, window, batch_id=batch_id, sink=landing.sink, reject=landing.reject)
    except ScopeMissing:
        if dataset.name != "zoom/recordings":
            raise
        return await _list_by_queue(runtime, api, dataset, window, batch_id, landing)


async def _list_by_queue(
    runtime: Runtime, api: ZoomApi, dataset: Dataset, window: Window, batch_id: str, landing: Landing
) -> Listing:
    """The same recordings queue by queue, for tokens that may not list the whole account."""
    whole = Listing()
    queue_ids = latest_ids(runtime.lake, "zoom/queues")
    if not queue_ids:
        raise ScopeMissing(
            "listing recordings by queue needs the queues to be read first", scopes=QUEUE_RECORDINGS.scopes
        )
    for queue_id in queue_ids:
        part = await poll_window(
            api,
            dataset,
            window,
            batch_id=batch_id,
            sink=landing.sink,
            reject=landing.reject,
            endpoint=QUEUE_RECORDINGS,
            path_params={"queue_id": queue_id},
        )
        whole.add(part)
    return whole


def _close_window(runtime: Runtime, batch_id: str, row: DayReport, listing: Listing | None) -> None:
    runtime.state.windows.finish(
        batch_id,
        rows=listing.rows if listing else row.received,
        announced=listing.announced if listing else None,
        pages=listing.pages if listing else 0,
        api_calls=row.api_calls,
        is_complete=row.is_complete,
        error=row.problem,
        now=runtime.clock.now(),
    )


def read_catalogue(runtime: Runtime, dataset: Dataset) -> DatasetReport:
    """Read a reference list whole, with the details of each entry where the list lacks them."""
    return run(_read_catalogue(runtime, dataset))


async def _read_catalogue(runtime: Runtime, dataset: Dataset) -> DatasetReport:
    today = runtime.today()
    window = day_window(today, runtime.config.timezone)
    row = DayReport(today)
    runtime.progress.start(dataset.key, None)
    batch_id = runtime.state.windows.begin(dataset.name, window, day=today, now=runtime.clock.now())
    listing = None
    async with runtime.zoom() as api:
        with Landing(runtime, dataset, None) as landing:
            try:
                ids: set[str] = set()

                def sink(chunks: Sequence[RecordChunk]) -> None:
                    ids.update(chunks[0].record_ids)
                    landing.sink(chunks)

                listing = await poll_catalogue(api, dataset, batch_id=batch_id, sink=sink, reject=landing.reject)
                row.is_complete = listing.is_complete
                await _read_details(api, dataset, sorted(ids), batch_id, landing, row)
            except (TransientError, PermanentError) as error:
                row.problem, row.is_complete = str(error), False
            for counts in landing.commit().values():
                row.count(counts)
        row.api_calls = sum(api.api_calls.values())
    _close_window(runtime, batch_id, row, listing)
    runtime.progress.finish(dataset.key)
    return DatasetReport(dataset.name, [row])


async def _read_details(
    api: ZoomApi, dataset: Dataset, ids: Sequence[str], batch_id: str, landing: Landing, row: DayReport
) -> None:
    """The detail of each entry. One that cannot be read is counted; only a missing scope stops the rest."""
    if dataset.detail is None:
        return
    endpoint, failures = dataset.detail, list[str]()

    async def read(record_id: str) -> None:
        try:
            reply = await api.fetch(endpoint, path_params={dataset.id_fields[0]: record_id})
        except ScopeMissing:
            raise
        except (TransientError, PermanentError) as error:
            failures.append(str(error))
            return
        landing.sink(
            split_record(
                dataset, reply.body, shape=SHAPE_DETAIL, as_of=reply.as_of, batch_id=batch_id, reject=landing.reject
            )
        )

    await for_each(ids, read, limit=CONCURRENT_DETAILS)
    if failures:
        row.failed, row.is_complete = len(failures), False
        row.problem = f"{row.failed} of {len(ids)} details were not read, the first because of {failures[0]}"
