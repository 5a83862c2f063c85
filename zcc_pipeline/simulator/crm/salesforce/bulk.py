"""Bulk API 2.0: ingest jobs that take a CSV file and progress while they are looked at.

https://developer.salesforce.com/docs/platform/api-asynch/guide/bulk-api-2-0-ingest.html
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from zcc_pipeline.simulator.crm.salesforce.errors import RowError, RowRefusedError, not_found, refuse
from zcc_pipeline.simulator.crm.salesforce.records import Record, Records
from zcc_pipeline.simulator.crm.salesforce.values import length_of, read_cell

LARGEST_FILE = 150_000_000
LONGEST_FIELD = 32_000
LONGEST_RECORD = 400_000
_JOB_PREFIX = "750"
_FINAL = frozenset({"JobComplete", "Failed", "Aborted"})


@dataclass(slots=True)
class Job:
    """One job and what became of its rows."""

    id: str
    object: str
    operation: str
    key: str
    line_ending: str
    state: str = "Open"
    file: bytes = b""
    looks: int = 0
    """How often its state was asked for since the upload was complete."""
    error: str = ""
    columns: list[str] = field(default_factory=list)
    done: list[tuple[str, bool, list[str]]] = field(default_factory=list)
    failed: list[tuple[str, RowError, list[str]]] = field(default_factory=list)
    unprocessed: list[list[str]] = field(default_factory=list)

    def describe(self, version: str) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "id": self.id,
            "state": self.state,
            "object": self.object,
            "operation": self.operation,
            "externalIdFieldName": self.key,
            "contentType": "CSV",
            "lineEnding": self.line_ending,
            "columnDelimiter": "COMMA",
            "apiVersion": float(version.removeprefix("v")),
            "concurrencyMode": "Parallel",
            "jobType": "V2Ingest",
            "contentUrl": f"services/data/{version}/jobs/ingest/{self.id}/batches",
            "numberRecordsProcessed": len(self.done) + len(self.failed),
            "numberRecordsFailed": len(self.failed),
            "errorMessage": self.error,
        }


class Bulk:
    """All jobs. A job is processed ``looks_needed`` looks after its upload was completed; until then it says so."""

    def __init__(self, records: Records, *, count: Callable[[str], None], looks_needed: int) -> None:
        self._records = records
        self._count = count
        self.looks_needed = looks_needed
        self.fail_after: int | None = None
        """Jobs fail after so many rows; what is left stays unprocessed."""
        self.jobs: dict[str, Job] = {}

    def create(self, body: Mapping[str, Any]) -> Job:
        """POST of a job."""
        name, operation, key = body.get("object"), body.get("operation"), body.get("externalIdFieldName", "")
        if operation != "upsert":
            raise refuse(400, "INVALIDOPERATION", f"operation {operation} is not offered by this stand-in")
        if not isinstance(name, str) or name not in self._records.org:
            raise refuse(400, "INVALIDENTITY", f"{name}: no such object")
        if not key:
            raise refuse(400, "INVALIDJOB", "externalIdFieldName is required for upsert")
        if body.get("contentType", "CSV") != "CSV" or body.get("columnDelimiter", "COMMA") != "COMMA":
            raise refuse(400, "INVALIDJOB", "only CSV with commas")
        self._records.key_spec(name, key)
        job = Job(f"{_JOB_PREFIX}{len(self.jobs) + 1:012d}AAA", name, operation, key, body.get("lineEnding", "LF"))
        self.jobs[job.id] = job
        return job

    def find(self, job_id: str) -> Job:
        """A job; 404 where there is none (any more)."""
        if job_id not in self.jobs:
            raise not_found()
        return self.jobs[job_id]

    def upload(self, job: Job, file: bytes) -> None:
        """PUT of the one file of a job."""
        if job.state != "Open" or job.file:
            raise refuse(400, "INVALIDJOBSTATE", f"Uploading data not allowed in state {job.state}")
        if len(file) > LARGEST_FILE:
            raise refuse(400, "FILE_SIZE_LIMIT_EXCEEDED", "the file is larger than 150 MB")
        job.file = file

    def change(self, job: Job, state: object) -> None:
        """PATCH of a job's state."""
        if state == "Aborted" and job.state not in _FINAL:
            job.state = "Aborted"
        elif state == "UploadComplete" and job.state == "Open":
            job.state = "UploadComplete"
        else:
            raise refuse(400, "INVALIDJOBSTATE", f"Not allowed in state {job.state}: {state}")

    def look(self, job: Job) -> None:
        """GET of a job: it goes on while it is watched."""
        if job.state in _FINAL or job.state == "Open":
            return
        job.looks += 1
        job.state = "InProgress"
        if job.looks > self.looks_needed:
            self._process(job)

    def _process(self, job: Job) -> None:
        rows = _read(job)
        if rows is None:
            return
        unknown = [column for column in job.columns if column not in self._records.spec(job.object).fields]
        if unknown:
            job.state, job.error, job.unprocessed = (
                "Failed",
                f"InvalidBatch : Field name not found : {unknown[0]}",
                rows,
            )
            return
        for number, row in enumerate(rows):
            if self.fail_after is not None and number >= self.fail_after:
                job.state, job.unprocessed = "Failed", rows[number:]
                job.error = "InternalServerError : the job was stopped"
                return
            self._row(job, row)
        job.state = "JobComplete"

    def _row(self, job: Job, cells: list[str]) -> None:
        try:
            written = self._records.upsert(job.object, job.key, self._parse(job, cells))
        except RowRefusedError as refused:
            job.failed.append(("", refused.error, cells))
            self._count("refused")
        else:
            job.done.append((written.id, written.is_created, cells))
            self._count("created" if written.is_created else "updated")

    def _parse(self, job: Job, cells: list[str]) -> Record:
        """An empty cell changes nothing, ``#N/A`` empties the field."""
        if len(cells) != len(job.columns):
            raise RowRefusedError("INVALID_CSV", f"expected {len(job.columns)} columns, found {len(cells)}")
        if sum(map(length_of, cells)) > LONGEST_RECORD:
            raise RowRefusedError("RECORD_TOO_LARGE", "a record of more than 400,000 characters")
        spec = self._records.spec(job.object)
        row = {}
        for column, cell in zip(job.columns, cells, strict=True):
            if length_of(cell) > LONGEST_FIELD:
                raise RowRefusedError("STRING_TOO_LONG", f"{column}: a field of more than 32,000 characters", column)
            if cell:
                row[column] = read_cell(spec.fields[column], cell)
        return row


def results(job: Job, kind: str) -> bytes:
    """One of the three result files."""
    if job.state not in _FINAL:
        raise refuse(400, "INVALIDJOBSTATE", f"No results in state {job.state}")
    if kind == "successfulResults":
        rows = [[record_id, str(is_new).lower(), *cells] for record_id, is_new, cells in job.done]
        return _write(["sf__Id", "sf__Created", *job.columns], rows)
    if kind == "failedResults":
        rows = [[record_id, error.as_text(), *cells] for record_id, error, cells in job.failed]
        return _write(["sf__Id", "sf__Error", *job.columns], rows)
    return _write(job.columns, job.unprocessed)


def _read(job: Job) -> list[list[str]] | None:
    """The file's rows below its header; None, and the job has failed, where it cannot be read."""
    try:
        text = job.file.decode()
    except UnicodeDecodeError:
        job.state, job.error = "Failed", "InvalidBatch : the file is not UTF-8"
        return None
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    if not rows:
        job.state, job.error = "Failed", "InvalidBatch : the file is empty"
        return None
    job.columns = rows[0]
    return rows[1:]


def _write(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue().encode()
