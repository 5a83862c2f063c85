"""Background jobs: queued, working, then done or failed; rows may fail in a job that is completed.

States, results and the limit of 30 jobs: https://developer.zendesk.com/api-reference/ticketing/ticket-management/job_statuses/
and …/introduction/rate-limits (read November 2026). A job's data is kept for a day by the current page, for an hour by
older ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from zcc_pipeline.simulator.crm.zendesk.refusals import InvalidRecordError, missing, refuse

JOBS_AT_ONCE = 30

Result = dict[str, Any]
Work = Callable[[int], Result]
"""Carries out the row of that index and tells what became of it; raises ``InvalidRecordError``."""


@dataclass(slots=True)
class Job:
    """One job. ``on_refusal`` names the row of a refused record in a result."""

    id: str
    kind: str
    total: int
    work: Work = field(repr=False)
    action: str
    row_id: Callable[[int], int] | None
    starts_at: float
    ends_at: float
    status: str = "queued"
    progress: int = 0
    results: list[Result] | None = None
    message: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether it still counts against the limit."""
        return self.status in ("queued", "working")


class Jobs:
    """All jobs of the account. Time moves them: whoever looks settles what has become due."""

    def __init__(
        self, *, seconds: float, kept_seconds: float, names_index: bool, monotonic: Callable[[], float]
    ) -> None:
        self.seconds = seconds
        self.names_index = names_index
        self.kept_seconds = kept_seconds
        self.is_held = False
        """No job starts until it is off again."""
        self.fail_next = 0
        """So many jobs fail halfway and tell nothing of their rows."""
        self._monotonic = monotonic
        self._jobs: dict[str, Job] = {}

    def add(self, kind: str, total: int, work: Work, *, action: str, row_id: Callable[[int], int] | None = None) -> Job:
        """Queue one; ``TooManyJobs`` where 30 wait or work."""
        self.settle()
        if sum(job.is_open for job in self._jobs.values()) >= JOBS_AT_ONCE:
            raise refuse(
                429,
                "TooManyJobs",
                "Too many jobs are currently queued or running. Try again later.",
                headers={"retry-after": "1"},
            )
        now = self._monotonic()
        job_id = f"{len(self._jobs) + 1:032x}"
        job = Job(job_id, kind, total, work, action, row_id, now + self.seconds / 2, now + self.seconds)
        self._jobs[job_id] = job
        return job

    def settle(self) -> None:
        """Carry out what has become due."""
        if self.is_held:
            return
        now = self._monotonic()
        for job in self._jobs.values():
            if job.status == "queued" and now >= job.starts_at:
                job.status = "working"
            if job.status == "working" and now >= job.ends_at:
                self._run(job)

    def find(self, job_id: str) -> Job:
        """One job; 404 once its data is gone."""
        self.settle()
        job = self._jobs.get(job_id)
        if job is None or self._is_forgotten(job):
            raise missing()
        return job

    def known(self, ids: list[str]) -> list[Job]:
        """Those of these that are still known."""
        self.settle()
        return [self._jobs[each] for each in ids if each in self._jobs and not self._is_forgotten(self._jobs[each])]

    def newest(self) -> list[Job]:
        """The last hundred that are known."""
        self.settle()
        return [job for job in reversed(self._jobs.values()) if not self._is_forgotten(job)][:100]

    def _is_forgotten(self, job: Job) -> bool:
        return not job.is_open and self._monotonic() - job.ends_at >= self.kept_seconds

    def _run(self, job: Job) -> None:
        fails = self.fail_next > 0
        self.fail_next -= fails
        rows = job.total // 2 if fails else job.total
        results = [self._row(job, index) for index in range(rows)]
        job.progress = rows
        if fails:
            job.status, job.message = "failed", "The job failed because of an internal error"
        else:
            job.status, job.message, job.results = "completed", "Completed", results

    def _row(self, job: Job, index: int) -> Result:
        try:
            return job.work(index)
        except InvalidRecordError as invalid:
            where = {"id": job.row_id(index)} if job.row_id else {"index": index} if self.names_index else {"id": 0}
            error = "TicketCreateFailed" if job.action == "create" else "RecordInvalid"
            return {**where, "action": job.action, "success": False, "error": error, "details": str(invalid)}


def job_json(job: Job, base_url: str) -> dict[str, Any]:
    """As the API shows it."""
    return {
        "id": job.id,
        "job_type": job.kind,
        "url": f"{base_url}/api/v2/job_statuses/{job.id}.json",
        "total": job.total,
        "progress": job.progress,
        "status": job.status,
        "message": job.message,
        "results": job.results,
    }
