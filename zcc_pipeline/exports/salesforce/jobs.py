"""One Bulk API 2.0 job from its opening to the results of its rows.

https://developer.salesforce.com/docs/platform/api-asynch/guide/bulk-api-2-0-ingest.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import NotFound, QuotaExhausted, TransientError
from zcc_pipeline.exports.calls import CrmRefused
from zcc_pipeline.exports.salesforce.answers import Problem, RowResult, bulk_problem
from zcc_pipeline.exports.salesforce.client import Record, SalesforceClient
from zcc_pipeline.exports.salesforce.rows import read_csv

_FINAL = frozenset({"JobComplete", "Failed", "Aborted"})
_UPLOADED = frozenset({"UploadComplete", "InProgress", "JobComplete"})
_LONGEST_LOOK_SECONDS = 30.0
_NOT_SENT = Problem("BULK_UPLOAD_FAILED")
_NOT_PROCESSED = Problem("BULK_NOT_PROCESSED")


class Jobs:
    """Runs jobs. What a result file does not name has no result: it is looked up by its key later."""

    def __init__(self, client: SalesforceClient, *, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    async def run(
        self, source: str, key: str, ids: Sequence[str], file: bytes, begun: Callable[[Sequence[str], str], None]
    ) -> dict[str, RowResult]:
        """Results by engagement id. ``begun`` is told which job carries them before it may be processed."""
        job_id = await self._client.open_job(source, key)
        begun(ids, job_id)
        if not await self._send(job_id, file):
            return {each: RowResult(None, is_created=False, problem=_NOT_SENT) for each in ids}
        return await self.results(job_id, (key,)) or {}

    async def results(self, job_id: str, keys: Sequence[str]) -> dict[str, RowResult] | None:
        """Of a job that may still be under way; None where it is not done in time or no longer known. ``keys``: the
        fields of which one holds the engagement id.

        A job that was never given all of its data is given up: nothing of it was or will be done.
        """
        try:
            job = await self._client.job(job_id)
            if job.get("state") == "Open":
                await self._client.change_job(job_id, "Aborted")
                return {}
            finished = await self._until_done(job_id, job)
        except (NotFound, CrmRefused):
            return None
        return None if finished is None else await self._read(job_id, keys, finished)

    async def _send(self, job_id: str, file: bytes) -> bool:
        """Whether the job has its data and may begin. Where not, it is given up and certainly does nothing."""
        try:
            await self._client.fill_job(job_id, file)
        except QuotaExhausted:
            raise
        except TransientError:
            await self._client.change_job(job_id, "Aborted")
            return False
        try:
            await self._client.change_job(job_id, "UploadComplete")
        except CrmRefused:
            # Said twice (the first answer was lost) it is refused, though the job is on its way.
            return (await self._client.job(job_id)).get("state") in _UPLOADED
        return True

    async def _until_done(self, job_id: str, job: Record) -> Record | None:
        wait, ends_at = self._client.config.first_look_seconds, self._clock.monotonic()
        ends_at += self._client.config.bulk_wait_seconds
        while job.get("state") not in _FINAL:
            if self._clock.monotonic() + wait > ends_at:
                return None
            await self._clock.sleep(wait)
            wait = min(wait * 1.6, _LONGEST_LOOK_SECONDS)
            job = await self._client.job(job_id)
        return job

    async def _read(self, job_id: str, keys: Sequence[str], job: Record) -> dict[str, RowResult]:
        processed, failed = job.get("numberRecordsProcessed"), job.get("numberRecordsFailed")
        results: dict[str, RowResult] = {}
        if processed is None or processed != failed:
            for line in await self._lines(job_id, "successfulResults"):
                results[_key(line, keys)] = RowResult(line["sf__Id"], line["sf__Created"].lower() == "true")
        if failed != 0:
            for line in await self._lines(job_id, "failedResults"):
                problem = bulk_problem(line["sf__Error"])
                results[_key(line, keys)] = RowResult(None, is_created=False, problem=problem)
        if job.get("state") != "JobComplete":
            for line in await self._lines(job_id, "unprocessedrecords"):
                results[_key(line, keys)] = RowResult(None, is_created=False, problem=_NOT_PROCESSED)
        return results

    async def _lines(self, job_id: str, kind: str) -> list[dict[str, str]]:
        return list(read_csv(await self._client.job_results(job_id, kind)))


def _key(line: Mapping[str, str], keys: Sequence[str]) -> str:
    return next((line[key] for key in keys if key in line), "")
