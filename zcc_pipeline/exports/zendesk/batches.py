"""Rows that go out in jobs: cut into jobs, started, written down, waited for, read."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from zcc_pipeline.domain.errors import ConfigurationError, PermanentError, QuotaExhausted, TransientError
from zcc_pipeline.domain.parts import in_weighed_parts
from zcc_pipeline.exports.destination import Addressed, WriteLog
from zcc_pipeline.exports.outcomes import Outcome, RemoteRef, Status
from zcc_pipeline.exports.session import CrmRefused, failed, safe_code
from zcc_pipeline.exports.together import together
from zcc_pipeline.exports.zendesk.answers import PASSING
from zcc_pipeline.exports.zendesk.api import Json
from zcc_pipeline.exports.zendesk.config import CLIENT_SETTING
from zcc_pipeline.exports.zendesk.jobs import JobWatch, RowResult

ROWS_PER_JOB = 100
BYTES_PER_JOB = 4_000_000
"""Zendesk does not say how large a request may be."""

_REFUSED_WHOLE = frozenset({400, 413, 422})

Start = Callable[[list[Json]], Coroutine[Any, Any, Json]]


@dataclass(slots=True)
class Row:
    """A row on its way. ``remote`` is where it is already."""

    one: Addressed
    content: Json
    remote: RemoteRef | None = None

    @property
    def id(self) -> str:
        """The engagement's."""
        return self.one.outgoing.engagement_id


class JobRunner:
    """Sends rows by jobs, several at once."""

    def __init__(self, jobs: JobWatch) -> None:
        self._jobs = jobs

    async def run(
        self, rows: Sequence[Row], start: Start, log: WriteLog, outcomes: dict[str, Outcome]
    ) -> dict[str, RowResult]:
        """Results, by engagement, of all rows whose job came to an end; the others get their outcome here."""
        started = await together(self._start(part, start, log, outcomes) for part in _jobs_of(rows))
        jobs = {job_id: part for found in started for job_id, part in found}
        ended = await self._jobs.wait({job_id: len(part) for job_id, part in jobs.items()}) if jobs else {}
        results: dict[str, RowResult] = {}
        for job_id, part in jobs.items():
            for index, row in enumerate(part):
                if ended[job_id].is_over:
                    results[row.id] = ended[job_id].row(index)
                else:
                    outcomes[row.id] = Outcome(row.id, Status.UNKNOWN, row.remote, code="job_unfinished")
        return results

    async def _start(
        self, rows: list[Row], start: Start, log: WriteLog, outcomes: dict[str, Outcome]
    ) -> list[tuple[str, list[Row]]]:
        """Start one job. A list that is refused as a whole is sent again in halves, down to the row it is about."""
        try:
            job_id = str((await start([row.content for row in rows]))["id"])
        except CrmRefused as refused:
            if refused.status == 403:
                raise _not_allowed(refused) from None
            if refused.status not in _REFUSED_WHOLE or len(rows) == 1:
                _fail_all(rows, refused, outcomes)
                return []
            middle = len(rows) // 2
            first = await self._start(rows[:middle], start, log, outcomes)
            return first + await self._start(rows[middle:], start, log, outcomes)
        except (TransientError, PermanentError) as error:
            _fail_all(rows, error, outcomes)
            return []
        log.job([row.id for row in rows], job_id)
        return [(job_id, rows)]


def _jobs_of(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """As many rows as a job takes, and not more than a request should weigh."""
    return in_weighed_parts(
        rows, ROWS_PER_JOB, heaviest=BYTES_PER_JOB, weight=lambda row: len(msgspec.json.encode(row.content))
    )


def row_outcome(row: Row, result: RowResult) -> Outcome:
    """Of a row that a job has refused."""
    status = Status.FAILED_RETRYABLE if result.code in PASSING else Status.FAILED_PERMANENT
    return Outcome(row.id, status, row.remote, safe_code(result.code) or "row_failed", result.message)


def _not_allowed(refused: CrmRefused) -> ConfigurationError:
    """All records alike are refused: that is no fault of theirs."""
    return ConfigurationError(
        CLIENT_SETTING,
        f"its user may not do this ({refused})",
        purpose="imports of tickets and custom objects want an administrator behind the OAuth client",
    )


def _fail_all(rows: Iterable[Row], error: TransientError | PermanentError, outcomes: dict[str, Outcome]) -> None:
    if isinstance(error, QuotaExhausted):
        raise error
    for row in rows:
        outcomes[row.id] = failed(row.id, error, remote=row.remote)
