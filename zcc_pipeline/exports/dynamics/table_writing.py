"""Rows of a table: all at once where that goes through, else one status each.

UpsertMultiple is one transaction and says nothing about single rows (bulk-operations). So a batch that it refuses is
sent again as ``$batch``, where the good ones go through and each bad one says why.
"""

from __future__ import annotations

from collections.abc import Sequence

from zcc_pipeline.domain.errors import NotFound, QuotaExhausted, TransientError
from zcc_pipeline.exports.calls import CrmRefused, OutcomeUnknown, Safety
from zcc_pipeline.exports.destination import Addressed
from zcc_pipeline.exports.dynamics.answers import check_not_all_refused, failed, outcome_of, written
from zcc_pipeline.exports.dynamics.client import KEY_TAKEN, UPDATE_ONLY, DynamicsClient, is_for_later
from zcc_pipeline.exports.dynamics.multipart import Operation, PartAnswer
from zcc_pipeline.exports.dynamics.rows import Place, Plan, place_of, target_of, upsert
from zcc_pipeline.exports.outcomes import Outcome, Status

_UNSUPPORTED = frozenset({"0x80040800", "0x80060888"})
"""The table does not know UpsertMultiple: not asked again in this run."""


class TableWriter:
    """Writes rows of custom tables, and the few fields that enrich rows of another program."""

    def __init__(self, client: DynamicsClient) -> None:
        self._client = client
        self._without_bulk: set[str] = set()

    async def write(self, plan: Plan, rows: Sequence[Addressed]) -> list[Outcome]:
        """One outcome each, in order."""
        placed = [(one, place_of(plan, one.outgoing.engagement_id, one.remote)) for one in rows]
        if plan.entity_set not in self._without_bulk:
            try:
                targets = [target_of(plan, one, place) for one, place in placed]
                await self._client.upsert_multiple(plan.entity_set, targets)
            except NotFound:
                pass  # one of them links to somebody who is gone: which one, the batch below tells
            except CrmRefused as refused:
                if refused.code in _UNSUPPORTED:
                    self._without_bulk.add(plan.entity_set)
            except OutcomeUnknown:
                # Perhaps all at once takes too long here; singly, what is done stays done. By key it may be repeated.
                self._without_bulk.add(plan.entity_set)
            except TransientError as error:
                return [not_heard(one, error) for one in rows]
            else:
                return [written(one, place) for one, place in placed]
        operations = [(one, place, upsert(plan, one, place)) for one, place in placed]
        return await self.write_singly(plan.entity_set, operations)

    async def write_singly(self, entity_set: str, rows: Sequence[tuple[Addressed, Place, Operation]]) -> list[Outcome]:
        """A status each. What was turned away for a reason that passes is tried once more."""
        operations = [operation for _, _, operation in rows]
        try:
            answers = await self._send(operations, entity_set)
        except TransientError as error:
            return [not_heard(one, error) for one, _, _ in rows]
        check_not_all_refused(answers, entity_set)
        return [outcome_of(one, place, part) for (one, place, _), part in zip(rows, answers, strict=True)]

    async def enrich(self, rows: Sequence[Addressed]) -> list[Outcome]:
        """Add to rows of another program, never make one."""
        operations = [
            (one, place, Operation("PATCH", place.address, dict(one.fields), UPDATE_ONLY))
            for one in rows
            if one.remote is not None and (place := Place(one.remote.object, one.remote.id))
        ]
        return await self.write_singly(operations[0][1].entity_set, operations) if operations else []

    async def _send(self, operations: Sequence[Operation], entity_set: str) -> list[PartAnswer]:
        answers = await self._client.batch(operations, f"upsert {entity_set}", Safety.REPEATABLE)
        # Not after a 429: going on would lengthen the wait (api-limits).
        passes = [part.code in KEY_TAKEN or (is_for_later(part) and part.status != 429) for part in answers]
        again = [index for index, is_worth_it in enumerate(passes) if is_worth_it]
        if again:
            try:
                repeated = [operations[index] for index in again]
                second = await self._client.batch(repeated, f"upsert {entity_set} again", Safety.REPEATABLE)
            except QuotaExhausted:
                raise
            except TransientError:
                return answers  # what the first answers said stands
            for index, part in zip(again, second, strict=True):
                answers[index] = part
        return answers


def not_heard(one: Addressed, error: TransientError) -> Outcome:
    """The outcome where no answer came; raises what ends the run."""
    if isinstance(error, QuotaExhausted):
        raise error
    if isinstance(error, OutcomeUnknown):
        return failed(one, Status.UNKNOWN, "no_answer")
    return failed(one, Status.FAILED_RETRYABLE, "not_reached")
