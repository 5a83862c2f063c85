"""Writing what has changed to one CRM, so that it is there once, whatever happens on the way.

```
ids and hashes ─► ledger: nothing to do? ─► activity ─► still open? resolve ─► decide ─► batch of one target
                                                                                            │
 ledger: outcome, quarantine ◄─ write ◄─ ledger: in flight ◄─ customers, owners, other programs' records
```

Order is the promise: in flight is on disk before anything is sent, the outcome of each record before the next batch. A
run that dies leaves records in flight; the next one asks the CRM what became of them before it sends anything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import date

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import PermanentError, QuotaExhausted, TransientError
from zcc_pipeline.domain.export_ledger import ExportLedger, ExportResult, ExportRow
from zcc_pipeline.domain.ports import Progress, Quarantine, Silence
from zcc_pipeline.exports.activity import Activity
from zcc_pipeline.exports.addressing import UNLINKED, Addressing, Pieces
from zcc_pipeline.exports.batches import Waiting
from zcc_pipeline.exports.destination import Addressed, Destination, Files, InFlight, Outgoing
from zcc_pipeline.exports.mapping import CrmMapping, map_activity
from zcc_pipeline.exports.outcomes import TAKEN, Outcome, Status
from zcc_pipeline.exports.planning import Decision, Known, NotDue, Send, Settle, decide, is_open, unchanged
from zcc_pipeline.exports.refusals import ROOM, Refusals, dataset
from zcc_pipeline.exports.relinking import Relinking
from zcc_pipeline.exports.report import ExportReport
from zcc_pipeline.exports.written_down import LedgerLog, as_told, found_again, no_outcome, remote_of, result_of, safe

__all__ = ["ROOM", "Source", "Wanted", "dataset", "sync"]

Wanted = Callable[[Sequence[Known]], Collection[str]]
Source = Callable[[Wanted], Iterable[list[Activity]]]
"""Activities in chunks. It tells ids and hashes first and reads whole only those that are wanted, each once."""

_BATCHES_IN_VAIN = 3
"""After so many batches in a row of which the CRM took nothing, and refused nothing, the run ends."""


async def sync(
    source: Source,
    destination: Destination,
    *,
    mapping: CrmMapping,
    ledger: ExportLedger,
    quarantine: Quarantine,
    files: Files,
    clock: Clock,
    is_whole: bool = True,
    is_dry_run: bool = False,
    preview_of: str | None = None,
    progress: Progress | None = None,
) -> ExportReport:
    """Bring the CRM up to date with ``source``; ``destination`` has been entered.

    ``is_whole``: the source holds all there is, so that a record in flight that is not among it has left it. A dry run
    writes nothing anywhere, and shows the requests for one record: ``preview_of``, or the first that would be sent.
    Raises ``ConfigurationError`` where the CRM's metadata contradicts the mapping, ``ExportBusy`` where another process
    exports to the same CRM, ``PermanentError`` where nothing can be written at all. A used-up quota or a CRM that does
    not answer ends the run early; the report says so, and the next run goes on.
    """
    run = _Run(destination, mapping, ledger, quarantine, files, clock, is_dry_run, preview_of, progress or Silence())
    with nullcontext() if is_dry_run else ledger.exclusive(mapping.crm):
        try:
            await run.all(source, is_whole=is_whole)
        except QuotaExhausted as error:
            run.report.stopped = str(error)
        except _Unanswered as error:
            run.report.stopped = error.said
        finally:
            run.report.usage = destination.usage()
    return run.report


class _Unanswered(Exception):
    """The CRM does not answer; the run ends, and the next one goes on."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


@contextmanager
def _asking() -> Iterator[None]:
    """Of a CRM that does not answer there is nothing to be had in this run."""
    try:
        yield
    except QuotaExhausted:
        raise
    except TransientError as error:
        raise _Unanswered(str(error)) from error


class _Run:
    def __init__(
        self,
        destination: Destination,
        mapping: CrmMapping,
        ledger: ExportLedger,
        quarantine: Quarantine,
        files: Files,
        clock: Clock,
        is_dry_run: bool,
        preview_of: str | None,
        progress: Progress,
    ) -> None:
        self.report = ExportReport(mapping.crm, is_dry_run)
        self._destination, self._mapping, self._crm = destination, mapping, mapping.crm
        self._ledger, self._files = ledger, files
        self._clock, self._is_dry_run, self._preview_of, self._progress = clock, is_dry_run, preview_of, progress
        self._shown = frozenset([preview_of] if preview_of is not None and is_dry_run else ())
        self._addressing = Addressing(destination, mapping, creates=not is_dry_run)
        self._relinking = Relinking(ledger, mapping.crm, self._addressing, now=clock.now())
        self._waiting = Waiting(destination.batch_size)
        self._refusals = Refusals(quarantine, self.report, clock)
        self._is_validated = False
        self._in_vain = 0
        self._task = f"export to {mapping.crm}"

    async def all(self, source: Source, *, is_whole: bool) -> None:
        """Everything that the source has, then what is still open and no longer in it."""
        self._progress.start(self._task, None)
        open_before = {row.engagement_id: row for row in self._ledger.unsettled(self._crm)}
        if self._is_dry_run:
            await self._validate()
        for chunk in source(self._wanted):
            for activity in chunk:
                open_before.pop(activity.engagement_id, None)
            await self._take(chunk)
        for batch in self._waiting.rest():
            await self._flush(batch)
        if is_whole and open_before and not self._is_dry_run:
            gone = {engagement_id: (row, None) for engagement_id, row in open_before.items()}
            await self._resolve(gone, is_written_again=False)
        self._progress.finish(self._task)

    def _wanted(self, known: Sequence[Known]) -> Collection[str]:
        rows = self._ledger.get(self._crm, [each.engagement_id for each in known])
        done = unchanged(known, rows, self._mapping) - self._shown - self._relinking.due
        for engagement_id in done:
            self._count(as_told(rows[engagement_id]))
        return [each.engagement_id for each in known if each.engagement_id not in done]

    async def _take(self, chunk: list[Activity]) -> None:
        """Decide about a chunk; what is to be sent waits until a batch of its target is full."""
        chunk = self._each_once(chunk)
        rows = self._ledger.get(self._crm, [activity.engagement_id for activity in chunk])
        unknown = await self._settle_open(chunk, rows)
        settled: list[Settle] = []
        for activity in chunk:
            if activity.engagement_id in unknown:
                self._count(Status.UNKNOWN)
                continue
            decision = self._decide(activity, rows, resend=activity.engagement_id in self._shown)
            if isinstance(decision, Send):
                self._waiting.add(decision)
            elif isinstance(decision, Settle):
                settled.append(decision)
            else:
                self._not_due(decision)
        self._settle(await self._without_relinked(settled, rows))
        for batch in self._waiting.full():
            await self._flush(batch)

    def _decide(self, activity: Activity, rows: Mapping[str, ExportRow], *, resend: bool) -> Decision:
        row, now = rows.get(activity.engagement_id), self._clock.now()
        return decide(activity, row, mapping=self._mapping, files=self._files, now=now, resend=resend)

    async def _without_relinked(self, settled: list[Settle], rows: Mapping[str, ExportRow]) -> list[Settle]:
        """What stays as it was; records whose customer is in the CRM by now are sent again."""
        asked = {}
        for each in settled:
            if each.plan.engagement_id in self._relinking.due and each.code in UNLINKED:
                again = self._decide(each.activity, rows, resend=True)
                if isinstance(again, Send):
                    asked[each.plan.engagement_id] = again
        if not asked:
            return settled
        await self._validate()
        with _asking():
            found = await self._relinking.found(list(asked.values()))
        for engagement_id in found:
            self._waiting.add(asked[engagement_id])
        return [each for each in settled if each.plan.engagement_id not in found]

    def _each_once(self, chunk: list[Activity]) -> list[Activity]:
        """CRMs refuse a batch that holds a key twice. What comes again after its batch was written is unchanged."""
        found = {each.engagement_id: each for each in chunk if each.engagement_id not in self._waiting}
        return list(found.values())

    async def _settle_open(self, chunk: list[Activity], rows: dict[str, ExportRow]) -> set[str]:
        """Ask what became of records in flight; ``rows`` then hold it. Returns those of which not even the CRM can tell
        now."""
        flights = {}
        for activity in chunk:
            row = rows.get(activity.engagement_id)
            if row is not None and is_open(row):
                mapped = map_activity(activity, self._mapping, self._files)
                flights[activity.engagement_id] = (row, mapped if isinstance(mapped, Outgoing) else None)
        if not flights or self._is_dry_run:
            return set()
        outcomes = await self._resolve(flights, is_written_again=True)
        rows.update(self._ledger.get(self._crm, flights))
        return {key for key, outcome in outcomes.items() if outcome.status is Status.UNKNOWN}

    async def _resolve(
        self, flights: Mapping[str, tuple[ExportRow, Outgoing | None]], *, is_written_again: bool
    ) -> dict[str, Outcome]:
        """Ask the CRM, and write down where each record is. That it is there does not say with which content: one that
        is written again stays unsettled until then."""
        asked = [
            InFlight(outgoing, engagement_id, remote_of(row), row.job_id)
            for engagement_id, (row, outgoing) in flights.items()
        ]
        with _asking():
            answered = await self._destination.resolve(asked)
        outcomes = {key: safe(answered.get(key) or no_outcome(key)) for key in flights}
        self._refusals.hold([(outcome, flights[key][0].day, flights[key][1]) for key, outcome in outcomes.items()])
        self._refusals.release([key for key, outcome in outcomes.items() if outcome.status in TAKEN])
        kept = [found_again(each) if is_written_again and each.status in TAKEN else each for each in outcomes.values()]
        results = [result_of(each, is_foreign=flights[each.engagement_id][0].is_foreign) for each in kept]
        self._ledger.finish(self._crm, results, now=self._clock.now())
        return outcomes

    async def _flush(self, batch: list[Send]) -> None:
        """Write one batch of a target."""
        await self._validate()
        if self._is_dry_run:
            await self._rehearse(batch)
            return
        with _asking():
            addressed, decided = await self._addressing.address(batch, self._pieces(batch))
        self._decided(decided)
        if addressed:
            await self._write(addressed, {send.plan.engagement_id: send for send in batch})

    async def _write(self, addressed: list[Addressed], sends: Mapping[str, Send]) -> None:
        ids = [one.outgoing.engagement_id for one in addressed]
        self._ledger.begin(self._crm, [sends[each].plan for each in ids], now=self._clock.now())
        try:
            answered = await self._destination.write(addressed, LedgerLog(self._ledger, self._crm, self._clock))
        except QuotaExhausted:
            raise
        except TransientError:
            answered = [Outcome(each, Status.UNKNOWN, code="no_answer") for each in ids]
        outcomes = {outcome.engagement_id: safe(outcome) for outcome in answered}
        if outcomes.keys() - set(ids):
            raise PermanentError(f"{self._crm}: an outcome for a record that was not sent")
        results = [
            (one, self._relinking.marked(one, outcomes.get(engagement_id) or no_outcome(engagement_id)))
            for engagement_id, one in zip(ids, addressed, strict=True)
        ]
        self._refusals.hold(
            [(outcome, sends[outcome.engagement_id].plan.day, one.outgoing) for one, outcome in results]
        )
        self._refusals.release([outcome.engagement_id for _, outcome in results if outcome.status in TAKEN])
        self._ledger.finish(
            self._crm,
            [result_of(outcome, is_foreign=one.is_enriching) for one, outcome in results],
            now=self._clock.now(),
        )
        for _, outcome in results:
            self._count(outcome.status, day=sends[outcome.engagement_id].plan.day)
        self._watch([outcome.status for _, outcome in results])

    def _watch(self, statuses: list[Status]) -> None:
        is_in_vain = all(status in (Status.FAILED_RETRYABLE, Status.UNKNOWN) for status in statuses)
        self._in_vain = self._in_vain + 1 if is_in_vain else 0
        if self._in_vain >= _BATCHES_IN_VAIN:
            raise _Unanswered(f"{self._crm} took nothing of {self._in_vain} batches in a row")

    async def _rehearse(self, batch: list[Send]) -> None:
        """Count what would become of a batch, and prepare the requests for one record."""
        shown = next((send for send in batch if self._preview_of in (None, send.plan.engagement_id)), None)
        shown = shown if not self.report.preview else None
        asked = batch if self._addressing.decides else [shown] if shown else []
        with _asking():
            addressed, decided = await self._addressing.address(asked, self._pieces(asked)) if asked else ([], [])
        for one in addressed:
            if shown is not None and one.outgoing.engagement_id == shown.plan.engagement_id:
                self.report.preview, self.report.preview_of = self._destination.preview(one), shown.plan.engagement_id
        kept = {send.plan.engagement_id for send, _ in decided}
        for send, outcome in decided:
            if outcome.status is Status.FAILED_PERMANENT:
                self._refusals.tell(outcome, send.plan.day, send.outgoing)
            self._count(outcome.status)
        for send in batch:
            if send.plan.engagement_id not in kept:
                is_there = send.row is not None and send.row.remote_id is not None
                self._count(Status.UPDATED if is_there else Status.CREATED, day=send.plan.day)

    async def _validate(self) -> None:
        """The mapping against the CRM's metadata, once, and only where something is to be written."""
        if self._is_validated:
            return
        with _asking():
            problems = await self._destination.validate()
        if problems:
            raise self._mapping.problems(list(problems))
        self._is_validated = True

    def _settle(self, settled: list[Settle]) -> None:
        """Write down what was decided without the CRM."""
        for each in settled:
            self._count(each.status)
        news = [each for each in settled if each.status is Status.FAILED_PERMANENT and each.is_news]
        for each in news:
            outcome = Outcome(each.plan.engagement_id, each.status, code=each.code)
            self._refusals.tell(outcome, each.plan.day, None, each.detail)
        if self._is_dry_run:
            return
        self._refusals.hold_unmapped(news)
        self._refusals.release([each.plan.engagement_id for each in settled if each.status is Status.SKIPPED])
        results = [(each.plan, ExportResult(each.plan.engagement_id, each.status, each.code)) for each in settled]
        self._ledger.settle(self._crm, results, now=self._clock.now())

    def _decided(self, decided: list[tuple[Send, Outcome]]) -> None:
        """Write down what customers or other programs' records decide."""
        self._refusals.hold([(outcome, send.plan.day, send.outgoing) for send, outcome in decided])
        self._refusals.release([outcome.engagement_id for _, outcome in decided if outcome.status is Status.SKIPPED])
        results = [(send.plan, result_of(outcome, is_foreign=outcome.remote is not None)) for send, outcome in decided]
        self._ledger.settle(self._crm, results, now=self._clock.now())
        for _, outcome in decided:
            self._count(outcome.status)

    def _pieces(self, batch: Sequence[Send]) -> dict[str, Pieces]:
        ids = [send.plan.engagement_id for send in batch if send.row is not None]
        return {
            engagement_id: Pieces(
                frozenset(piece.key for piece in pieces if piece.is_done),
                frozenset(piece.key for piece in pieces if not piece.is_done),
            )
            for engagement_id, pieces in self._ledger.pieces(self._crm, ids).items()
        }

    def _not_due(self, decision: NotDue) -> None:  # noqa: ARG002 - all alike
        self.report.not_due += 1
        self._progress.advance(self._task)

    def _count(self, status: Status, *, day: date | None = None) -> None:
        self.report.counts[status] += 1
        if day is not None and status in (Status.CREATED, Status.UPDATED):
            self.report.days.add(day)
        self._progress.advance(self._task)
