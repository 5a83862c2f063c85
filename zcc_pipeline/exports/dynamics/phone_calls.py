"""Phone calls: written open, given their notes, closed; opened again to be changed.

A completed or cancelled phone call is read-only, and its state cannot be set when it is made (entity reference
``phonecall``). Which code a change of a closed one is refused with is not documented, so its state is read instead.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from zcc_pipeline.domain.errors import TransientError
from zcc_pipeline.exports.calls import Safety
from zcc_pipeline.exports.destination import Addressed
from zcc_pipeline.exports.dynamics.answers import check_not_all_refused, failed, outcome_of
from zcc_pipeline.exports.dynamics.client import UPDATE_ONLY, DynamicsClient, is_for_later
from zcc_pipeline.exports.dynamics.multipart import Operation, PartAnswer
from zcc_pipeline.exports.dynamics.notes import missing_items
from zcc_pipeline.exports.dynamics.rows import Place, Plan, is_outgoing, place_of, upsert
from zcc_pipeline.exports.dynamics.table_writing import not_heard
from zcc_pipeline.exports.outcomes import Outcome, Status

PHONE_CALLS = "phonecalls"
MADE, RECEIVED = 2, 4
"""``statuscode`` of a completed call."""

_OPEN = {"statecode": 0, "statuscode": 1}
_COMPLETED = 1

AddNotes = Callable[[Sequence[tuple[Addressed, Place, Outcome]]], Awaitable[list[Outcome]]]


@dataclass(frozen=True, slots=True)
class _Call:
    """One phone call on its way."""

    one: Addressed
    place: Place
    change: Operation
    state: Mapping[str, int]
    """What it is closed with."""

    def reopen(self) -> Operation:
        return Operation("PATCH", self.place.address, dict(_OPEN), UPDATE_ONLY)

    def close(self) -> Operation:
        return Operation("PATCH", self.place.address, dict(self.state), UPDATE_ONLY)


def calls_steps(plan: Plan, one: Addressed, place: Place) -> tuple[list[Operation], list[Operation]]:
    """What goes out before a call's notes, and what after them."""
    call = _call(plan, one, place)
    return [*([call.reopen()] if one.remote is not None else []), call.change], [call.close()]


def _call(plan: Plan, one: Addressed, place: Place) -> _Call:
    state = {"statecode": _COMPLETED, "statuscode": MADE if is_outgoing(dict(one.fields)) else RECEIVED}
    return _Call(one, place, upsert(plan, one, place), state)


class PhoneCallWriter:
    """Writes phone calls in the order that activities ask for."""

    def __init__(self, client: DynamicsClient) -> None:
        self._client = client

    async def write(self, plan: Plan, rows: Sequence[Addressed], add_notes: AddNotes) -> list[Outcome]:
        """One outcome each, in order."""
        calls = [_call(plan, one, place_of(plan, one.outgoing.engagement_id, one.remote)) for one in rows]
        try:
            return await self._carry_out(calls, add_notes)
        except TransientError as error:
            return [not_heard(one, error) for one in rows]

    async def enrich(self, rows: Sequence[Addressed]) -> list[Outcome]:
        """Add to phone calls of another program; each gets back the state it had."""
        places = [Place(one.remote.object, one.remote.id) for one in rows if one.remote is not None]
        try:
            states = await self._states(places)
            calls, answers = [], [failed(one, Status.FAILED_PERMANENT, "gone") for one in rows]
            for one, place in zip(rows, places, strict=True):
                state = states.get(place.predicate)
                if state is not None:
                    change = Operation("PATCH", place.address, dict(one.fields), UPDATE_ONLY)
                    calls.append(_Call(one, place, change, state))
            found = {outcome.engagement_id: outcome for outcome in await self._through_closed(calls)}
        except TransientError as error:
            return [not_heard(one, error) for one in rows]
        return [found.get(each.engagement_id, each) for each in answers]

    async def _carry_out(self, calls: Sequence[_Call], add_notes: AddNotes) -> list[Outcome]:
        has_notes = any(missing_items(call.one) for call in calls)
        answers = await self._change(calls, closes=not has_notes)
        outcomes = [outcome_of(call.one, call.place, part) for call, part in zip(calls, answers, strict=True)]
        if has_notes:
            outcomes = await add_notes([(c.one, c.place, o) for c, o in zip(calls, outcomes, strict=True)])
            await self._close(calls, outcomes)
        return outcomes

    async def _change(self, calls: Sequence[_Call], *, closes: bool) -> list[PartAnswer]:
        """Write all, opening those known to be closed; then those found closed. Answers to the changes themselves."""
        steps = []
        for call in calls:
            opening = [call.reopen()] if call.one.remote is not None else []
            steps.append([*opening, call.change, *([call.close()] if closes else [])])
        answers = await self._run(steps)
        changes = [parts[1 if call.one.remote is not None else 0] for call, parts in zip(calls, answers, strict=True)]
        check_not_all_refused(changes, PHONE_CALLS)
        refused = [index for index, part in enumerate(changes) if not part.is_success and not is_for_later(part)]
        if refused:
            closed = await self._states([calls[index].place for index in refused])
            again = [index for index in refused if closed.get(calls[index].place.predicate, _OPEN)["statecode"] != 0]
            repeated = await self._run(
                [
                    [calls[index].reopen(), calls[index].change, *([calls[index].close()] if closes else [])]
                    for index in again
                ]
            )
            for index, parts in zip(again, repeated, strict=True):
                changes[index], answers[index] = parts[1], parts
        if closes:
            return [_worst(change, parts[-1]) for change, parts in zip(changes, answers, strict=True)]
        return changes

    async def _through_closed(self, calls: Sequence[_Call]) -> list[Outcome]:
        steps = []
        for call in calls:
            is_open = call.state["statecode"] == 0
            steps.append([call.change] if is_open else [call.reopen(), call.change, call.close()])
        answers = await self._run(steps)
        return [
            outcome_of(call.one, call.place, parts[0] if len(parts) == 1 else _worst(parts[1], parts[2]))
            for call, parts in zip(calls, answers, strict=True)
        ]

    async def _close(self, calls: Sequence[_Call], outcomes: list[Outcome]) -> None:
        """Close what was written, and what was opened and then refused; an open one left behind is no success."""
        answers = await self._run([[call.close()] for call in calls])
        for index, (call, (part,)) in enumerate(zip(calls, answers, strict=True)):
            if outcomes[index].status in (Status.CREATED, Status.UPDATED) and not part.is_success:
                outcomes[index] = outcome_of(call.one, call.place, part)

    async def _run(self, steps: Sequence[Sequence[Operation]]) -> list[list[PartAnswer]]:
        """Operations are carried out in the order in which they stand in a batch, and batches one after the other."""
        flat = [operation for each in steps for operation in each]
        if not flat:
            return []
        answers = iter(await self._client.batch(flat, "write phone calls", Safety.REPEATABLE))
        return [[next(answers) for _ in each] for each in steps]

    async def _states(self, places: Sequence[Place]) -> dict[str, Mapping[str, int]]:
        """State and status by predicate; a phone call that is not there is left out."""
        operations = [Operation("GET", f"{place.address}?$select=statecode,statuscode") for place in places]
        if not operations:
            return {}
        answers = await self._client.batch(operations, "read states of phone calls", Safety.READ)
        found: dict[str, Mapping[str, int]] = {}
        for place, part in zip(places, answers, strict=True):
            if part.is_success and isinstance(part.body, dict):
                found[place.predicate] = {
                    "statecode": int(part.body.get("statecode") or 0),
                    "statuscode": int(part.body.get("statuscode") or 1),
                }
        return found


def _worst(change: PartAnswer, close: PartAnswer) -> PartAnswer:
    return change if not change.is_success else close
