"""The verb ``export``: what has changed in the mart, out to one CRM."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import date

from zcc_pipeline.domain.errors import PermanentError
from zcc_pipeline.domain.ports import Progress, QuarantineItem
from zcc_pipeline.exports.activity import Activity
from zcc_pipeline.exports.destination import Destination, SetupStep
from zcc_pipeline.exports.mapping import CrmMapping, read_mapping
from zcc_pipeline.exports.report import ExportReport
from zcc_pipeline.exports.sync import ROOM, Wanted, sync
from zcc_pipeline.pipeline.activities import open_activities
from zcc_pipeline.pipeline.crms import make_destination, require_access
from zcc_pipeline.pipeline.export_files import StoredFiles
from zcc_pipeline.pipeline.runtime import Runtime


def export(
    runtime: Runtime,
    crm: str,
    *,
    dry_run: bool = False,
    days: tuple[date, date] | None = None,
    only: str | None = None,
) -> ExportReport:
    """Bring one CRM up to date with ``crm_activities``; ``days`` (both included) and ``only`` (an engagement) leave the
    others for another run.

    A dry run writes nothing and prepares the requests for one record: ``only``, or the first that would be sent.

    Raises what ``exports.sync.sync`` raises, and ``ConfigurationError`` where the CRM is not configured, the mapping is
    wrong or nothing has been published.
    """
    mapping = mapping_for(runtime, crm)
    destination = make_destination(require_access(runtime.config.exports, crm), mapping, clock=runtime.clock)
    return asyncio.run(export_to(runtime, destination, mapping, dry_run=dry_run, days=days, only=only))


async def export_to(
    runtime: Runtime,
    destination: Destination,
    mapping: CrmMapping,
    *,
    dry_run: bool = False,
    days: tuple[date, date] | None = None,
    only: str | None = None,
) -> ExportReport:
    """The same for a destination that is not entered yet."""
    first, last = days or (None, None)
    with open_activities(runtime.config.warehouse.analytics_path, suppressed=runtime.suppressed) as activities:
        if only is not None and activities.get(only) is None:
            raise PermanentError(f"there is no engagement {only} in the published copy; `zcc build` writes it anew")

        def source(wanted: Wanted) -> Iterator[list[Activity]]:
            return activities.iter_chunks(wanted, first=first, last=last, only=only)

        async with destination:
            report = await sync(
                source,
                destination,
                mapping=mapping,
                ledger=runtime.state.exports,
                quarantine=runtime.state.quarantine,
                files=StoredFiles(runtime.files),
                clock=runtime.clock,
                is_whole=days is None and only is None,
                is_dry_run=dry_run,
                preview_of=only,
                progress=_Of(runtime.progress, 1 if only is not None else activities.count(first, last)),
            )
        report.erased = activities.erased
        return report


class _Of:
    """Tells who watches how many there are."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total = progress, total

    def start(self, task: str, total: int | None) -> None:
        self._progress.start(task, self._total if total is None else total)

    def advance(self, task: str, amount: int = 1) -> None:
        self._progress.advance(task, amount)

    def finish(self, task: str) -> None:
        self._progress.finish(task)


def set_up(runtime: Runtime, crm: str) -> Sequence[SetupStep]:
    """Create in the CRM what may be created by API; the steps that are not done say what an administrator does."""

    async def work(destination: Destination) -> Sequence[SetupStep]:
        async with destination:
            return await destination.set_up()

    mapping = mapping_for(runtime, crm)
    access = require_access(runtime.config.exports, crm)
    return asyncio.run(work(make_destination(access, mapping, clock=runtime.clock)))


def mapping_for(runtime: Runtime, crm: str) -> CrmMapping:
    """How engagements stand in that CRM."""
    return read_mapping(crm, runtime.config.crm_mapping)


def offer_again(runtime: Runtime, item: QuarantineItem) -> str | None:
    """``zcc quarantine replay`` for a refused record: the next export offers it once more. Returns why not, or None."""
    crm = item.dataset.removeprefix(f"{ROOM}/")
    if item.record_id is None or not runtime.state.exports.offer_again(crm, item.record_id):
        return "it is not refused any more, or was never exported"
    runtime.state.quarantine.mark(item.item_id, "replayed")
    return None
