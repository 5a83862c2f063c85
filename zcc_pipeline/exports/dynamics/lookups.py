"""What is there already: rows in flight, and rows of another program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from zcc_pipeline.domain.parts import in_parts
from zcc_pipeline.exports.calls import Safety
from zcc_pipeline.exports.destination import InFlight, Outgoing
from zcc_pipeline.exports.dynamics import queries
from zcc_pipeline.exports.dynamics.client import UNKNOWN_SEGMENT, DynamicsClient, refusal
from zcc_pipeline.exports.dynamics.metadata import Table
from zcc_pipeline.exports.dynamics.multipart import Operation, PartAnswer
from zcc_pipeline.exports.dynamics.people import part_rows
from zcc_pipeline.exports.dynamics.rows import Place, Plan, place_of
from zcc_pipeline.exports.outcomes import Outcome, RemoteRef, Status

_VALUES_AT_ONCE = 50


async def resolve(
    client: DynamicsClient, plans: Mapping[str, Plan], flights: Sequence[InFlight]
) -> Mapping[str, Outcome]:
    """Rows have keys, so a look at the key tells: there (and written again), or never arrived."""
    asked = [(flight, place) for flight in flights for place in _places(plans, flight)]
    operations = [Operation("GET", f"{place.address}?$select=createdon") for _, place in asked]
    answers = await client.batch(operations, "resolve rows", Safety.READ) if operations else []
    found: dict[str, Outcome] = {}
    for (flight, place), part in zip(asked, answers, strict=True):
        outcome = _resolved(flight, place, part)
        before = found.get(flight.engagement_id)
        if before is None or before.status is not Status.CREATED:
            found[flight.engagement_id] = outcome
    for flight in flights:
        found.setdefault(flight.engagement_id, _unknown(flight, "no_target"))
    return found


async def find_logged(
    client: DynamicsClient, table: Table, column: str, wanted: Sequence[Outgoing]
) -> Mapping[str, RemoteRef]:
    """Rows whose column holds the value that an engagement is looked for by."""
    by_value: dict[str, list[str]] = {}
    for outgoing in wanted:
        if outgoing.logged_as:
            by_value.setdefault(outgoing.logged_as.casefold(), []).append(outgoing.engagement_id)
    values = sorted(by_value)
    operations = [
        Operation("GET", f"{queries.name(table.entity_set)}{_either(table, column, some)}")
        for some in in_parts(values, _VALUES_AT_ONCE)
    ]
    answers = await client.batch(operations, "find logged rows", Safety.READ) if operations else []
    found: dict[str, RemoteRef] = {}
    for part in answers:
        if not part.is_success:
            raise refusal("find logged rows", part)
        for row in part_rows(part.body):
            for engagement_id in by_value.get(str(row.get(column)).casefold(), ()):
                found.setdefault(engagement_id, RemoteRef(table.entity_set, str(row[table.primary_id])))
    return found


def _either(table: Table, column: str, values: Sequence[str]) -> str:
    tests = queries.any_of(queries.equals(column, value) for value in values)
    return queries.query({"$select": f"{table.primary_id},{queries.name(column)}", "$filter": tests})


def _places(plans: Mapping[str, Plan], flight: InFlight) -> Iterator[Place]:
    """Where it could be: by the ledger, by the mapping as it is now, or in any of our tables."""
    if flight.remote is not None:
        yield Place(flight.remote.object, flight.remote.id)
    elif flight.outgoing is not None and flight.outgoing.target in plans:
        yield place_of(plans[flight.outgoing.target], flight.engagement_id)
    else:
        for plan in plans.values():
            yield place_of(plan, flight.engagement_id)


def _resolved(flight: InFlight, place: Place, part: PartAnswer) -> Outcome:
    if part.is_success:
        return Outcome(flight.engagement_id, Status.CREATED, place.ref)
    if part.status == 404 and part.code != UNKNOWN_SEGMENT:
        return Outcome(flight.engagement_id, Status.FAILED_RETRYABLE, code="never_arrived")
    return _unknown(flight, f"http_{part.status}")


def _unknown(flight: InFlight, code: str) -> Outcome:
    return Outcome(flight.engagement_id, Status.UNKNOWN, flight.remote, code)
