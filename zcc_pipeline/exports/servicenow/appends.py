"""What cannot be taken back: journal entries and files. Each once.

A journal takes every write as a new entry, and a file of the same name is a second file. So each one is written down
before it is sent, and what was sent without an answer is looked for before it is sent again: journal entries by the
marker that each of ours ends with, files by name and content.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from zcc_pipeline.domain.errors import PermanentError, TransientError
from zcc_pipeline.domain.parts import in_parts
from zcc_pipeline.exports.calls import failed as call_failed
from zcc_pipeline.exports.destination import Attachment, Entry, FileMissing, WriteLog
from zcc_pipeline.exports.outcomes import Outcome, RemoteRef, Status
from zcc_pipeline.exports.servicenow.client import NOT_REACHED, Client, Item, Reply, Row, listing, table_path
from zcc_pipeline.exports.servicenow.queries import ids, is_sys_id
from zcc_pipeline.exports.servicenow.records import Job, failed
from zcc_pipeline.exports.servicenow.values import file_name, marker, note_text
from zcc_pipeline.exports.session import Safety

_RECORDS_A_QUERY = 25
_FILES_A_QUERY = 1_000
_RANK = (Status.UNKNOWN, Status.FAILED_RETRYABLE, Status.FAILED_PERMANENT)


@dataclass(frozen=True, slots=True)
class Written:
    """A record that is there, and what the run knows of what hangs on it."""

    job: Job
    outcome: Outcome
    ref: RemoteRef
    done: frozenset[str]
    is_new: bool
    """Made just now: nothing can hang on it yet."""

    @property
    def may_have_entries(self) -> bool:
        """Whether a note of it may be there that the ledger does not know as done: one that was on its way, or any,
        where the record itself was not known."""
        one = self.job.one
        return not self.is_new and (one.remote is None or any(entry.key in one.unsure for entry in self.entries()))

    def entries(self) -> list[Entry]:
        """Those that are not there for certain."""
        return [entry for entry in self.job.one.outgoing.entries if entry.key not in self.done]

    def files(self) -> list[Attachment]:
        """Those that are not there for certain."""
        return [file for file in self.job.one.outgoing.attachments if file.key not in self.done]


def written(job: Job, outcome: Outcome, ref: RemoteRef) -> Written:
    """A record that took the place of one that is gone has nothing of it."""
    one = job.one
    is_another = one.remote is not None and one.remote.id != ref.id
    done = frozenset() if is_another else one.written
    is_new = outcome.status is Status.CREATED and not one.unsure and (one.remote is None or is_another)
    return Written(job, outcome, ref, done, is_new)


class Appends:
    """Brings records' notes and files up to date."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def bring(self, records: Sequence[Written], log: WriteLog) -> list[Outcome]:
        """The records' outcomes, with what became of their notes and files."""
        outcomes = {each.job.id: each.outcome for each in records}
        for outcome in [*await self._notes(records, log), *await self._files(records, log)]:
            outcomes[outcome.engagement_id] = _worse(outcomes[outcome.engagement_id], outcome)
        return list(outcomes.values())

    # Journal entries

    async def _notes(self, records: Sequence[Written], log: WriteLog) -> list[Outcome]:
        """What a batch did not get to is looked for and sent again, as long as something gets through."""
        outcomes: list[Outcome] = []
        records = [each for each in records if each.entries()]
        suspects = [each for each in records if each.may_have_entries]
        while records:
            journals = await self._journals(suspects)
            readable = [each for each in records if each not in suspects or each.ref.id in journals]
            outcomes += [_unreadable(each) for each in records if each not in readable]
            unreached, done = await self._send_notes(_missing(readable, journals, log), log)
            outcomes += done
            if not done:
                outcomes += [_of_part(failed(each.job.id, NOT_REACHED, each.ref), "note") for each in unreached]
                break
            records = suspects = unreached
        return outcomes

    async def _send_notes(
        self, wanted: Sequence[tuple[Written, Entry]], log: WriteLog
    ) -> tuple[list[Written], list[Outcome]]:
        """Records of which a note was not reached, and the outcomes of all notes that were."""
        if not wanted:
            return [], []
        log.begun_all([(each.job.id, entry.key) for each, entry in wanted])
        items = [note_item(each.job, each.ref, entry) for each, entry in wanted]
        replies = await self._client.write_all(items, "add work notes", Safety.ONCE)
        outcomes, left, done = [], {}, []
        for (each, entry), reply in zip(wanted, replies, strict=True):
            if reply is NOT_REACHED:
                left[each.job.id] = each
            elif reply.is_success:
                done.append((each.job.id, entry.key, each.ref.id))
                outcomes.append(Outcome(each.job.id, Status.UPDATED, each.ref))
            else:
                outcomes.append(_of_part(failed(each.job.id, reply, each.ref), "note"))
        log.done_all(done)
        failing = {outcome.engagement_id for outcome in outcomes if outcome.status is not Status.UPDATED}
        return [each for job_id, each in left.items() if job_id not in failing], outcomes

    async def _journals(self, records: Sequence[Written]) -> dict[str, str]:
        """What the journals of records show; those that are not shown are left out."""
        found: dict[str, str] = {}
        for table, column in dict.fromkeys((each.ref.object, each.job.shape.options.notes_column) for each in records):
            some = [each.ref.id for each in records if each.ref.object == table]
            items = [
                listing(table, ids("sys_id", part), ("sys_id", column), display=True)
                for part in in_parts(some, _RECORDS_A_QUERY)
            ]
            for reply in await self._client.read_all(items, "read work notes"):
                for row in reply.rows:
                    if isinstance(row.get(column), str):
                        found[str(row.get("sys_id"))] = str(row[column])
        return found

    # Files

    async def _files(self, records: Sequence[Written], log: WriteLog) -> list[Outcome]:
        wanting = [each for each in records if each.files()]
        there = await self._attached([each for each in wanting if not each.is_new])
        uploads = (self._attach(each, there.get(each.ref.id, []), log) for each in wanting)
        outcomes: list[Outcome] = []
        # Where one ends the run, the others are let finish: each of them is in the ledger as begun.
        for made in await asyncio.gather(*uploads, return_exceptions=True):
            if isinstance(made, BaseException):
                raise made
            outcomes += made
        return outcomes

    async def _attached(self, records: Sequence[Written]) -> dict[str, list[Row]]:
        fields = ("sys_id", "table_sys_id", "file_name", "size_bytes", "hash")
        items = []
        for part in in_parts([each.ref.id for each in records], _RECORDS_A_QUERY):
            item = listing("sys_attachment", ids("table_sys_id", part), fields, limit=_FILES_A_QUERY)
            items.append(Item("GET", "/api/now/attachment?" + item.path.partition("?")[2]))
        found: dict[str, list[Row]] = {}
        for reply in await self._client.read_all(items, "look files up") if items else []:
            if not reply.is_success:
                raise TransientError(f"look files up: {reply.status}")
            for row in reply.rows:
                found.setdefault(str(row.get("table_sys_id")), []).append(row)
        return found

    async def _attach(self, each: Written, there: Sequence[Row], log: WriteLog) -> list[Outcome]:
        outcomes = []
        for file in each.files():
            same = next((row for row in there if _is_same(file, row)), None)
            if same is not None:
                log.done(each.job.id, file.key, str(same.get("sys_id")))
                continue
            log.begun(each.job.id, file.key)
            outcomes.append(await self._upload(each, file, log))
        return outcomes

    async def _upload(self, each: Written, file: Attachment, log: WriteLog) -> Outcome:
        try:
            reply = await self._client.attach(each.ref.object, each.ref.id, file_name(file), file)
        except FileMissing as missing:
            return call_failed(each.job.id, missing, remote=each.ref)
        except (TransientError, PermanentError) as error:
            return _of_part(call_failed(each.job.id, error, remote=each.ref), "file")
        if not reply.is_success:
            return _of_part(failed(each.job.id, reply, each.ref), "file")
        log.done(each.job.id, file.key, _id_of(reply))
        return Outcome(each.job.id, Status.UPDATED, each.ref)


def _missing(records: Sequence[Written], journals: Mapping[str, str], log: WriteLog) -> list[tuple[Written, Entry]]:
    """Notes that are not in the journals; of those that are, the ledger is told."""
    wanted = []
    for each in records:
        for entry in each.entries():
            if marker(entry.key) in journals.get(each.ref.id, ""):
                log.done(each.job.id, entry.key, each.ref.id)
            else:
                wanted.append((each, entry))
    return wanted


def _unreadable(each: Written) -> Outcome:
    return Outcome(each.job.id, Status.FAILED_RETRYABLE, each.ref, "journal_unreadable")


def note_item(job: Job, ref: RemoteRef, entry: Entry) -> Item:
    """One journal entry, and nothing else: a column beside it could be refused and take the note with it."""
    column = job.shape.options.notes_column
    return Item("PATCH", table_path(ref.object, ref.id, sysparm_fields="sys_id"), {column: note_text(entry)})


def _is_same(file: Attachment, row: Row) -> bool:
    """By name, and by content as far as the instance tells of it."""
    if row.get("file_name") != file_name(file):
        return False
    digest, known = str(row.get("hash") or "").lower(), file.key.rpartition(":")[2].lower()
    if len(digest) == 64 and len(known) == 12:
        return digest.startswith(known)
    return str(row.get("size_bytes")) == str(file.size_bytes)


def _id_of(reply: Reply) -> str:
    result = reply.body.get("result") if isinstance(reply.body, dict) else None
    sys_id = result.get("sys_id") if isinstance(result, dict) else None
    return str(sys_id) if is_sys_id(sys_id) else ""


def _of_part(outcome: Outcome, part: str) -> Outcome:
    return replace(outcome, code=f"{part}_{outcome.code}")


def _worse(record: Outcome, part: Outcome) -> Outcome:
    """A record is what the worst of its parts is; one that was the same and got a note is updated."""
    for status in _RANK:
        for outcome in (record, part):
            if outcome.status is status:
                return outcome
    return part if record.status is Status.UNCHANGED else record
