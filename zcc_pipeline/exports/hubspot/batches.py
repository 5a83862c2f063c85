"""Writes batches, and says of every record what became of it, whatever way HubSpot chose to answer.

One value that does not fit often refuses a whole batch (400) without naming the record. So records whose values look
wrong against the property definitions go alone, to be refused in HubSpot's own words, and a batch that is refused all
the same is halved until the refused records stand alone. Where HubSpot answers 207, errors name their records by id or
by write trace id; what neither the results nor the errors mention is sent once more by itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from zcc_pipeline.domain.errors import NotFound, QuotaExhausted, TransientError
from zcc_pipeline.exports.outcomes import Status
from zcc_pipeline.exports.session import CrmRefused, OutcomeUnknown, safe_code

Json = dict[str, Any]

_CONCERNS_ALL = frozenset({"PROPERTY_DOESNT_EXIST", "INVALID_AUTHENTICATION", "MISSING_SCOPES"})
_NOT_UNIQUE = "by non-unique"
_PASSING = frozenset({"RATE_LIMITS", "INTERNAL_ERROR", "LOCKED", "MIGRATION_IN_PROGRESS", "TIMEOUT"})


@dataclass(frozen=True, slots=True)
class Input:
    """One record. ``key`` is the engagement id; ``id`` what HubSpot addresses it by."""

    key: str
    id: str
    properties: Mapping[str, str]
    is_suspect: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """It is there."""

    id: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class NotWritten:
    """It is not, or nobody knows. ``message`` is HubSpot's own words."""

    status: Literal[Status.FAILED_PERMANENT, Status.FAILED_RETRYABLE, Status.UNKNOWN]
    code: str
    message: str = ""


Result = Written | NotWritten


class BatchWriter:
    """One kind of batch call: an upsert by a unique property, or an update by record id."""

    def __init__(
        self, send: Callable[[Sequence[Json]], Awaitable[Json]], *, id_property: str | None, wanted: frozenset[str]
    ) -> None:
        """``wanted`` are the keys that belong to the batch: only they are believed when HubSpot names a record."""
        self._send = send
        self._id_property = id_property
        self._wanted = wanted
        self._results: dict[str, Result] = {}

    async def write(self, inputs: Sequence[Input]) -> Mapping[str, Result]:
        """Send all, each until it is decided. Raises what ends the run for all."""
        await self._write_part([each for each in inputs if not each.is_suspect])
        suspects = [each for each in inputs if each.is_suspect]
        while suspects:
            suspect = suspects.pop()
            await self._write_part([suspect])
            if isinstance(self._results.get(suspect.key), Written):
                # The suspicion was wrong: the others need not go alone either.
                await self._write_part(suspects)
                break
        return self._results

    async def _write_part(self, part: Sequence[Input]) -> None:
        if not part:
            return
        try:
            answer = await self._send([self._as_json(each) for each in part])
        except (CrmRefused, NotFound) as refused:
            await self._halve(part, refused)
        except QuotaExhausted:
            raise
        except OutcomeUnknown:
            self._note(part, NotWritten(Status.UNKNOWN, "no_answer"))
        except TransientError:
            self._note(part, NotWritten(Status.FAILED_RETRYABLE, "unavailable"))
        else:
            await self._read(answer, part)

    async def _halve(self, part: Sequence[Input], refused: CrmRefused | NotFound) -> None:
        if isinstance(refused, CrmRefused) and _concerns_all(refused):
            raise refused
        if len(part) > 1:
            await self._write_part(part[: len(part) // 2])
            await self._write_part(part[len(part) // 2 :])
        elif isinstance(refused, CrmRefused):
            self._note(part, NotWritten(Status.FAILED_PERMANENT, refused.code, refused.message))
        else:
            # One record that is gone (an update of another program's call) must not stop the others.
            self._note(part, NotWritten(Status.FAILED_PERMANENT, "not_found"))

    def _as_json(self, one: Input) -> Json:
        found: Json = {"id": one.id, "properties": dict(one.properties), "objectWriteTraceId": one.key}
        return found | ({"idProperty": self._id_property} if self._id_property else {})

    def _note(self, part: Iterable[Input], result: Result) -> None:
        self._results.update((each.key, result) for each in part)

    async def _read(self, answer: Json, part: Sequence[Input]) -> None:
        by_id = {each.id: each for each in part}
        for result in _objects(answer.get("results")):
            one = self._whose(result, by_id)
            if one is not None and isinstance(result.get("id"), str):
                self._results[one.key] = Written(result["id"], result.get("new") is True)
        left = [each for each in part if each.key not in self._results]
        if not left:
            return
        errors = list(_objects(answer.get("errors")))
        for error in errors:
            for one in _named(error, left):
                self._results[one.key] = _refusal(error)
        left = [each for each in left if each.key not in self._results]
        if len(part) == 1 and left:
            self._note(left, _refusal(errors[0]) if errors else NotWritten(Status.UNKNOWN, "not_mentioned"))
            return
        for each in left:
            await self._write_part([each])

    def _whose(self, result: Json, by_id: Mapping[str, Input]) -> Input | None:
        """Results come in any order: the record says itself which it is."""
        if self._id_property is None:
            return by_id.get(str(result.get("id")))
        properties = result.get("properties")
        key = properties.get(self._id_property) if isinstance(properties, dict) else None
        key = key or result.get("objectWriteTraceId")
        return by_id.get(key) if isinstance(key, str) and key in self._wanted else None


def _concerns_all(refused: CrmRefused) -> bool:
    """A missing property, or a key that is not unique: every other record would be refused alike."""
    return refused.code in _CONCERNS_ALL or _NOT_UNIQUE in refused.message


def _refusal(error: Json) -> NotWritten:
    category = str(error.get("category") or "")
    status: Literal[Status.FAILED_PERMANENT, Status.FAILED_RETRYABLE] = (
        Status.FAILED_RETRYABLE if category in _PASSING else Status.FAILED_PERMANENT
    )
    return NotWritten(status, safe_code(category) or "refused", str(error.get("message") or "")[:2_000])


def _named(error: Json, left: Sequence[Input]) -> list[Input]:
    """The records that an error's context names, under whatever word (``ids``, ``objectWriteTraceId``)."""
    context = error.get("context")
    values: set[str] = set()
    for found in context.values() if isinstance(context, dict) else ():
        values.update(str(each) for each in (found if isinstance(found, list) else [found]))
    return [each for each in left if each.key in values or each.id in values]


def _objects(found: Any) -> Iterable[Json]:  # noqa: ANN401 JSON
    return (each for each in found if isinstance(each, dict)) if isinstance(found, list) else ()
