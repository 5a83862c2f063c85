"""One purge, from the decision to the ledger's word that it was carried out.

Order: the state notes what is to go and under which ids it lies; the archive's ledger says that it is erased, in the
same breath in which it is known that nothing holds it; its ids are suppressed, so that nothing brings it back; then
place after place is cleared; when nothing is left anywhere the ledger says so, and the state forgets it. Every step may
be repeated. Whatever cuts it off, the next purge goes on; until the ledger has its word, nothing was deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from zcc_pipeline.archive.ledger import Action, Entry, LedgerMoved, Logged
from zcc_pipeline.archive.naming import object_id_of
from zcc_pipeline.domain.errors import ZccPipelineError
from zcc_pipeline.domain.parts import in_parts
from zcc_pipeline.domain.purging import PendingPurge
from zcc_pipeline.landing.reading import retry_once
from zcc_pipeline.pipeline.purging import (
    archive,
    crm,
    dagster_storage,
    files,
    inbox,
    lake,
    ledgers,
    packages,
    warehouse,
)
from zcc_pipeline.pipeline.purging.deciding import Plan, Wish, decide, decide_again
from zcc_pipeline.pipeline.purging.report import PurgeReport, Refusal, Remaining, Removed
from zcc_pipeline.pipeline.purging.subject import Subject
from zcc_pipeline.pipeline.purging.traces import find_traces, merge
from zcc_pipeline.pipeline.runtime import Runtime

BATCH = 1_000
"""Entries between two checkpoints."""
REPORTS = "purge_reports"
CARRIED_OUT = "carried-out"
"""What the ledger says once nothing is left anywhere."""
_TRIES = 10

Clear = Callable[[Runtime, Subject], Iterator[Removed]]

PLACES: tuple[tuple[str, Clear], ...] = (
    (archive.PLACE, archive.clear),
    (archive.COPY, archive.clear_copy),
    (files.PLACE, files.clear),
    (inbox.PLACE, inbox.clear),
    (lake.PLACE, lake.clear),
    (dagster_storage.PLACE, dagster_storage.clear),
    (packages.PLACE, packages.clear),
    (warehouse.PLACE, warehouse.clear),
    (files.PLACE, files.clear),
    (ledgers.PLACE, ledgers.clear),
)
"""In this order. Files once more at the end: a download that was under way has come to its end by then."""


def plan_purge(runtime: Runtime, wish: Wish) -> PurgeReport:
    """What a purge would do. Changes nothing."""
    plan = decide(runtime, wish, run_id="")
    pending = runtime.state.purges.pending()
    report = _report_of(plan, is_dry_run=True)
    report.resumed = tuple(each.engagement_id for each in pending)
    rows = _together(pending, plan.chosen)
    if not rows:
        return report
    ids = [row.engagement_id for row in rows]
    found, records = retry_once(lambda: find_traces(runtime, ids))
    subject = Subject(rows, merge(found.values()))
    stored = list(runtime.files.find(subject.file_ids, subject.traces.days))
    report.removed = [
        Removed(archive.PLACE, "objects", sum(1 for row in rows if runtime.archive.objects.head(row.object_id))),
        Removed(files.PLACE, "files", len(stored), sum(each.size_bytes for each in stored)),
        Removed(lake.PLACE, "records", records),
    ]
    report.crm_records = crm.list_records(runtime, ids)
    report.packages = packages.named_packages(runtime, subject)
    return report


def purge(runtime: Runtime, wish: Wish, *, crm_list: Path | None = None) -> PurgeReport:
    """Erase what may be erased of what is asked for, and whatever an earlier purge has left.

    ``crm_list`` takes the list of records in CRMs; by default it lies under home. Raises ``TransientError`` where
    another process is at the archive, ``PermanentError`` where its ledger cannot be trusted, and
    ``ConfigurationError`` where the key of the list of erased engagements is lost.
    """
    with runtime.state.exports.exclusive("archive"):
        return _Purge(runtime, wish).run(crm_list)


class _Purge:
    """One run."""

    def __init__(self, runtime: Runtime, wish: Wish) -> None:
        self._runtime, self._wish = runtime, wish
        self._run_id = runtime.new_id()
        self._report = PurgeReport(is_dry_run=False)

    def run(self, crm_list: Path | None) -> PurgeReport:
        runtime, purges = self._runtime, self._runtime.state.purges
        plan = decide(runtime, self._wish, run_id=self._run_id)
        self._report = report = _report_of(plan, is_dry_run=False)
        self._log([self._refused(each) for each in plan.refused])
        report.resumed = tuple(each.engagement_id for each in purges.pending())
        purges.begin(plan.chosen)
        begun = purges.pending()
        if not begun:
            return report
        traced = purges.traced()
        fresh = [row.engagement_id for row in begun if row.engagement_id not in traced]
        with runtime.warehouse.lock("purge"):  # nobody sweeps what is being read
            purges.add_traces(find_traces(runtime, fresh)[0])
        rows = self._let_the_ledger_say(begun)
        if not rows:
            return report
        subject = Subject(rows, purges.traces(), self._wish.bypass_governance)
        runtime.state.suppression.add(subject.own_ids | subject.file_ids, now=runtime.clock.now())
        self._list_elsewhere(subject, crm_list)
        self._clear(subject)
        if report.remaining:
            report.pending = tuple(sorted(subject.engagement_ids))
        else:
            report.entry = self._log([self._carried_out(subject)])
            purges.finish(subject.engagement_ids)
            report.finished = tuple(sorted(subject.engagement_ids))
        return report

    def _let_the_ledger_say(self, begun: Sequence[PendingPurge]) -> list[PendingPurge]:
        """Those that are erased by the ledger's word, from now on or since before. What may not go any more, because a
        matter has taken hold of it meanwhile, is left alone."""
        purges, ledger = self._runtime.state.purges, self._runtime.archive.ledger
        rows: list[PendingPurge] = list(begun)
        for _ in range(_TRIES):
            known, allowed, refused, size = decide_again(self._runtime, rows)
            try:
                for part in in_parts(allowed, BATCH):
                    appended = ledger.append([self._purged(row) for row in part], onto=size)
                    size = appended.checkpoint.size
                    self._report.unwitnessed |= set(appended.unwitnessed)
            except LedgerMoved:
                continue  # somebody has written to it, perhaps a hold: decide anew, and what is logged is known then
            break
        else:
            raise LedgerMoved("the archive's ledger is being written to all the time; nothing was erased")
        purges.abandon(each.engagement_id for each in refused)
        self._log([self._refused(each) for each in refused])
        self._report.refused += tuple(refused)
        self._report.chosen = tuple(
            each for each in self._report.chosen if each not in {r.engagement_id for r in refused}
        )
        done = [*known, *allowed]
        purges.mark_logged(row.engagement_id for row in done)
        return [replace(row, is_logged=True) for row in done]

    def _list_elsewhere(self, subject: Subject, crm_list: Path | None) -> None:
        """What nothing here can erase: listed before the rows that tell of it go."""
        report, runtime = self._report, self._runtime
        report.crm_records = crm.list_records(runtime, sorted(subject.engagement_ids))
        if report.crm_records:
            default = runtime.config.home / REPORTS / f"crm-records-{self._run_id}.csv"
            report.crm_list = (crm_list or default).absolute()
            crm.write_list(report.crm_list, report.crm_records)
        report.packages = packages.elsewhere(runtime, subject)

    def _clear(self, subject: Subject) -> None:
        """One place after the other; one that cannot be cleared now does not keep the others from it."""
        for name, clear in PLACES:
            if name == ledgers.PLACE and self._report.remaining:
                return  # the ledgers still tell what is left where
            self._try(name, clear, subject)
        self._try(lake.PLACE, lake.check, subject)

    def _try(self, place: str, clear: Clear, subject: Subject) -> None:
        try:
            self._report.removed.extend(clear(self._runtime, subject))
        except (OSError, ZccPipelineError) as error:
            said = error.strerror or type(error).__name__ if isinstance(error, OSError) else str(error)
            self._report.remaining.append(Remaining(place, said))

    def _purged(self, row: PendingPurge) -> Entry:
        head = self._runtime.archive.objects.head(row.object_id)
        return Entry(
            Action.PURGE,
            row.actor,
            row.run_id,
            object_id=row.object_id,
            version=head.version if head else None,
            inventory_sha512=head.inventory_sha512 if head else None,
            matter=row.matter,
            reason="retention-passed",
            day=row.day,
        )

    def _refused(self, refusal: Refusal) -> Entry:
        archive_ = self._runtime.archive
        return Entry(
            Action.REFUSED,
            self._wish.actor or archive_.actor,
            self._run_id,
            object_id=object_id_of(archive_.account, refusal.engagement_id),
            matter=self._wish.matter,
            reason=refusal.ground.value,
        )

    def _carried_out(self, subject: Subject) -> Entry:
        counts = {"engagements": len(subject.engagement_ids)}
        for removed in self._report.removed:
            key = f"{removed.place} {removed.what}"
            if removed.count:
                counts[key] = counts.get(key, 0) + removed.count
        return Entry(
            Action.PURGE,
            self._wish.actor or self._runtime.archive.actor,
            self._run_id,
            matter=self._wish.matter,
            reason=CARRIED_OUT,
            counts=counts,
        )

    def _log(self, entries: Sequence[Entry]) -> int | None:
        """Number of the last one; nothing is written where there is nothing to say."""
        last: Logged | None = None
        for part in in_parts(entries, BATCH):
            appended = self._runtime.archive.ledger.append(part)
            self._report.unwitnessed |= set(appended.unwitnessed)
            last = appended.logged[-1]
        return None if last is None else last.seq


def _report_of(plan: Plan, *, is_dry_run: bool) -> PurgeReport:
    return PurgeReport(
        is_dry_run=is_dry_run,
        chosen=tuple(each.engagement_id for each in plan.chosen),
        refused=plan.refused,
        already=plan.already,
        held=plan.held,
        locked=plan.locked,
    )


def _together(begun: Sequence[PendingPurge], chosen: Sequence[PendingPurge]) -> list[PendingPurge]:
    return list({row.engagement_id: row for row in (*chosen, *begun)}.values())
