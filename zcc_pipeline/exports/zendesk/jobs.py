"""Zendesk's background jobs: waited for, and read row by row, since a completed job may hold rows that failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.exports.zendesk.answers import row_failure
from zcc_pipeline.exports.zendesk.api import ZendeskApi
from zcc_pipeline.exports.zendesk.config import ZendeskConfig

_OPEN = frozenset({"queued", "working"})


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of one row. Without ``id`` and without ``code`` the job did not say."""

    id: str | None = None
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class JobResult:
    """What became of a job. ``is_over`` off: it was still at work when patience ended."""

    is_over: bool
    rows: Sequence[RowResult] = field(default_factory=tuple)

    def row(self, index: int) -> RowResult:
        """Of that row."""
        return self.rows[index] if index < len(self.rows) else RowResult()


class JobWatch:
    """Waits for jobs, all of them with one request."""

    def __init__(self, api: ZendeskApi, config: ZendeskConfig, clock: Clock) -> None:
        self._api, self._config, self._clock = api, config, clock

    async def wait(self, sizes: Mapping[str, int], *, patience: float | None = None) -> dict[str, JobResult]:
        """Results by job; ``sizes`` are the jobs with their number of rows. A job that Zendesk has forgotten is over
        and says nothing."""
        results: dict[str, JobResult] = {}
        ends_at = self._clock.monotonic() + (self._config.job_wait_seconds if patience is None else patience)
        pause = self._config.first_poll_seconds
        while waiting := [job_id for job_id in sizes if job_id not in results]:
            await self._clock.sleep(pause)
            pause = min(pause * 2, self._config.longest_poll_seconds)
            known = {str(job.get("id")): job for job in await self._api.jobs(waiting)}
            is_late = self._clock.monotonic() >= ends_at
            for job_id in waiting:
                job = known.get(job_id)
                if job is None or job.get("status") not in _OPEN:
                    results[job_id] = JobResult(True, read_rows(job or {}, sizes[job_id]))
                elif is_late:
                    results[job_id] = JobResult(False)
        return results

    async def wait_for_all(self, *, patience: float) -> bool:
        """Wait until no job of the account is open; whether that came about."""
        opened = [str(job.get("id")) for job in await self._api.newest_jobs() if job.get("status") in _OPEN]
        results = await self.wait(dict.fromkeys(opened, 0), patience=patience)
        return all(result.is_over for result in results.values())


def read_rows(job: Mapping[str, Any], size: int) -> list[RowResult]:
    """Results in the order of the rows that were sent.

    Rows that were created carry their index; of those that failed Zendesk's description does not say so, and where
    there is a result for every row its place tells which it is about. What cannot be placed is left open.
    """
    given = job.get("results")
    rows = [RowResult()] * size
    if not isinstance(given, list):
        return rows
    for position, entry in enumerate(given):
        if not isinstance(entry, dict):
            continue
        index = entry.get("index", position if len(given) == size else None)
        if isinstance(index, int) and 0 <= index < size:
            rows[index] = _row(entry)
    return rows


def _row(entry: Mapping[str, Any]) -> RowResult:
    if entry.get("success") is False or entry.get("error") or entry.get("errors"):
        code, message = row_failure(dict(entry))
        return RowResult(code=code, message=message)
    found = entry.get("id")
    return RowResult(id=str(found)) if found is not None else RowResult()
