"""Engagements as tickets: looked up before every creation, imported in bulk, appended to one comment a piece."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from zcc_pipeline.domain.errors import NotFound, PermanentError, TransientError
from zcc_pipeline.domain.parts import in_weighed_parts
from zcc_pipeline.exports.destination import Addressed, WriteLog
from zcc_pipeline.exports.outcomes import SETTLED, Outcome, RemoteRef, Status
from zcc_pipeline.exports.session import failed
from zcc_pipeline.exports.together import together
from zcc_pipeline.exports.zendesk.api import Json, ZendeskApi
from zcc_pipeline.exports.zendesk.batches import JobRunner, Row, row_outcome
from zcc_pipeline.exports.zendesk.comments import (
    WHOLE,
    Piece,
    comment_row,
    marked_keys,
    missing_pieces,
    must_be_looked_for,
    pieces_of,
)
from zcc_pipeline.exports.zendesk.lookups import PeopleLookup, TicketLookup
from zcc_pipeline.exports.zendesk.options import TICKET, TicketOptions
from zcc_pipeline.exports.zendesk.rows import changes, ticket_row, voice_comment

UPLOADED_AT_ONCE = 500_000_000
"""Bytes of files before the tickets to which they belong are made."""

_MOST_ROUNDS = 25
"""Zendesk takes 30 updates of one ticket in ten minutes; what is left goes out in the next run."""

_WORTH_AN_EXAMPLE = 10


@dataclass(slots=True)
class Existing:
    """A ticket that is there, and what it still lacks."""

    one: Addressed
    ticket_id: str
    there: frozenset[str]
    ticket: Json | None = None
    is_new: bool = False
    row: Json = field(default_factory=dict)
    left: list[Piece] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The engagement's."""
        return self.one.outgoing.engagement_id

    @property
    def ref(self) -> RemoteRef:
        """Where it is."""
        return RemoteRef(TICKET, self.ticket_id)

    def outcome(self, status: Status, code: str = "", message: str = "") -> Outcome:
        """Of this one."""
        return Outcome(self.id, status, self.ref, code, message)

    def success(self) -> Outcome:
        """Everything is there."""
        return self.outcome(Status.CREATED if self.is_new else Status.UPDATED)


class TicketWriter:
    """Writes tickets. One at a time in a run."""

    def __init__(
        self,
        api: ZendeskApi,
        runner: JobRunner,
        lookup: TicketLookup,
        people: PeopleLookup,
        options: Mapping[str, TicketOptions],
    ) -> None:
        self._api, self._runner, self._lookup, self._people, self._options = api, runner, lookup, people, options
        self._authors: dict[str, int | None] = {}
        self._own_id: int | None = None

    async def write(self, batch: Sequence[Addressed], log: WriteLog) -> list[Outcome]:
        """An outcome for each."""
        unknown = [one for one in batch if one.remote is None]
        if self._lookup.wants_example and len(unknown) > _WORTH_AN_EXAMPLE:
            first = await self._write([unknown[0]], log)
            return first + await self._write([one for one in batch if one is not unknown[0]], log)
        return await self._write(batch, log)

    async def _write(self, batch: Sequence[Addressed], log: WriteLog) -> list[Outcome]:
        outcomes: dict[str, Outcome] = {}
        await self._find_authors(batch)
        new, existing = await self._separate(batch)
        for part in by_weight([one for one in new if self.options_of(one).create == "import"]):
            await self._import(part, log, outcomes)
        singly = [one for one in new if self.options_of(one).create != "import"]
        existing += await self._create_singly(singly, log, outcomes)
        await self._complete(existing, log, outcomes)
        return list(outcomes.values())

    def row_for_preview(self, one: Addressed) -> Json:
        """A new ticket with everything that goes with it; files stand for themselves."""
        pieces = pieces_of(one.outgoing, one.fields, self.options_of(one))
        return self._import_row(one, pieces, {piece.key: f"(upload of {piece.key})" for piece in pieces})

    def options_of(self, one: Addressed) -> TicketOptions:
        """Of its target."""
        return self._options.get(one.outgoing.target) or TicketOptions()

    # What is there already

    async def _separate(self, batch: Sequence[Addressed]) -> tuple[list[Addressed], list[Existing]]:
        unknown = [one for one in batch if one.remote is None]
        found = await self._lookup.find([one.outgoing.engagement_id for one in unknown])
        new = [one for one in unknown if one.outgoing.engagement_id not in found and not one.is_enriching]
        existing = [Existing(one, one.remote.id, one.written) for one in batch if one.remote is not None]
        adopted = ((one, found.get(one.outgoing.engagement_id)) for one in unknown)
        existing += [Existing(one, str(those[0]["id"]), one.written, those[0]) for one, those in adopted if those]
        return new, existing

    async def _find_authors(self, batch: Sequence[Addressed]) -> None:
        emails = {entry.author_email for one in batch for entry in one.outgoing.entries if entry.author_email}
        asked = sorted(emails - self._authors.keys())
        if asked:
            found = await self._people.agents(asked)
            self._authors |= {email: int(found[email]) if email in found else None for email in asked}

    # New tickets, in bulk

    async def _import(self, new: Sequence[Addressed], log: WriteLog, outcomes: dict[str, Outcome]) -> None:
        made = await together(self._prepared(one, outcomes) for one in new)
        rows = [row for row in made if row is not None]
        results = await self._runner.run([row for row, _ in rows], self._api.import_tickets, log, outcomes)
        unclear = [each for each, result in results.items() if not result.id and not result.code]
        found = await self._lookup.find(unclear) if unclear else {}
        arrived: list[tuple[str, str, str]] = []
        for row, pieces in rows:
            if (result := results.get(row.id)) is None:
                continue
            tickets = found.get(row.id)
            ticket_id = result.id or (str(tickets[0]["id"]) if tickets else None)
            if ticket_id is not None:
                self._lookup.know(row.id)
                ref = RemoteRef(TICKET, ticket_id)
                arrived += [(row.id, key, ticket_id) for key in (*(piece.key for piece in pieces), WHOLE)]
                outcomes[row.id] = Outcome(row.id, Status.CREATED, ref)
            elif result.code:
                outcomes[row.id] = row_outcome(row, result)
            else:
                outcomes[row.id] = Outcome(row.id, Status.FAILED_RETRYABLE, code="job_failed")
        log.done_all(arrived)

    async def _prepared(self, one: Addressed, outcomes: dict[str, Outcome]) -> tuple[Row, Sequence[Piece]] | None:
        """Uploads come just before the import: their tokens are good for an hour."""
        pieces = pieces_of(one.outgoing, one.fields, self.options_of(one))
        try:
            uploads = {each.key: await self._api.upload(each.attachment) for each in pieces if each.attachment}
        except (TransientError, PermanentError) as error:
            outcomes[one.outgoing.engagement_id] = _not_uploaded(failed(one.outgoing.engagement_id, error))
            return None
        return Row(one, self._import_row(one, pieces, uploads)), pieces

    def _import_row(self, one: Addressed, pieces: Sequence[Piece], uploads: Mapping[str, str]) -> Json:
        row = ticket_row(one, self.options_of(one))
        row["comments"] = [
            self._comment(piece, uploads.get(piece.key) if piece.attachment else None, with_time=True)
            for piece in pieces
        ] or [{"html_body": "<p>(no text)</p>", "public": False}]
        return row

    def _comment(self, piece: Piece, upload: str | None, *, with_time: bool) -> Json:
        author = self._authors.get(piece.author_email) if piece.author_email else None
        return comment_row(piece, author_id=author, upload=upload, with_time=with_time)

    # New tickets, one by one

    async def _create_singly(
        self, new: Sequence[Addressed], log: WriteLog, outcomes: dict[str, Outcome]
    ) -> list[Existing]:
        made = await together(self._create(one, log, outcomes) for one in new)
        return [item for item in made if item is not None]

    async def _create(self, one: Addressed, log: WriteLog, outcomes: dict[str, Outcome]) -> Existing | None:
        engagement_id = one.outgoing.engagement_id
        try:
            ticket, there = await self._created(one)
        except (TransientError, PermanentError) as error:
            outcomes[engagement_id] = failed(engagement_id, error)
            return None
        item = Existing(one, str(ticket["id"]), frozenset(there), ticket, is_new=True)
        log.done_all([(engagement_id, key, item.ticket_id) for key in (*there, WHOLE)])
        return item

    async def _created(self, one: Addressed) -> tuple[Json, list[str]]:
        row = ticket_row(one, self.options_of(one))
        if self.options_of(one).create == "voice":
            row["voice_comment"] = voice_comment(one, row.get("via_id"))
            return await self._api.create_voice_ticket(row), []
        pieces = [piece for piece in pieces_of(one.outgoing, one.fields, self.options_of(one)) if not piece.attachment]
        row["comment"] = (
            self._comment(pieces[0], None, with_time=False)
            if pieces
            else {"html_body": "<p>(no text)</p>", "public": False}
        )
        ticket = await self._api.create_ticket(row, key=f"zcc-{one.outgoing.engagement_id}")
        return ticket, [piece.key for piece in pieces[:1]]

    # Tickets that are there

    async def _complete(self, items: Sequence[Existing], log: WriteLog, outcomes: dict[str, Outcome]) -> None:
        """Bring them up to date; one comment of each in a round."""
        await self._show(items)
        judged = await together(self._judge(item, log) for item in items)
        active = []
        for item, outcome in zip(items, judged, strict=True):
            if outcome is None:
                active.append(item)
            else:
                outcomes[item.id] = outcome
        for _ in range(_MOST_ROUNDS):
            active = await self._round(active, log, outcomes)
            if not active:
                return
        for item in active:
            outcomes[item.id] = item.outcome(Status.FAILED_RETRYABLE, "update_limit")

    async def _show(self, items: Sequence[Existing]) -> None:
        missing = [item for item in items if item.ticket is None]
        shown = {str(ticket["id"]): ticket for ticket in await self._api.tickets([item.ticket_id for item in missing])}
        for item in missing:
            item.ticket = shown.get(item.ticket_id)
        if self._own_id is None and any(item.one.customer for item in items):
            self._own_id = (await self._api.me()).get("id")

    async def _judge(self, item: Existing, log: WriteLog) -> Outcome | None:
        """What is to be done with a ticket; the outcome where that is nothing."""
        if item.ticket is None:
            return item.outcome(Status.FAILED_PERMANENT, "not_found", "The ticket was deleted in Zendesk.")
        options = self.options_of(item.one)
        if not item.one.is_enriching:
            try:
                await self._look_for_pieces(item, log)
            except NotFound:
                return item.outcome(Status.FAILED_PERMANENT, "not_found", "The ticket was deleted in Zendesk.")
            except (TransientError, PermanentError) as error:
                return failed(item.id, error, remote=item.ref)
            pieces = pieces_of(item.one.outgoing, item.one.fields, options)
            item.left = missing_pieces(pieces, item.there, options)
        item.row = changes(item.one, item.ticket, options)
        is_ours = self._own_id is not None and item.ticket.get("requester_id") == self._own_id
        if item.one.customer is not None and is_ours and not item.one.is_enriching:
            item.row["requester_id"] = int(item.one.customer.id)
        if not item.row and not item.left:
            return item.success()
        if item.ticket.get("status") == "closed":
            text = "The ticket is closed: Zendesk takes no more changes of it."
            return item.outcome(Status.FAILED_PERMANENT, "ticket_closed", text)
        return None

    async def _look_for_pieces(self, item: Existing, log: WriteLog) -> None:
        if item.is_new or not must_be_looked_for(item.one):
            return
        found = marked_keys(await self._api.comments(item.ticket_id))
        new = [(item.id, key, comment_id) for key, comment_id in found.items() if key not in item.there]
        log.done_all([*new, (item.id, WHOLE, item.ticket_id)])
        item.there |= frozenset(found)

    async def _round(self, items: Sequence[Existing], log: WriteLog, outcomes: dict[str, Outcome]) -> list[Existing]:
        """One update of each; those that lack more."""
        made = await together(self._update_row(item, outcomes) for item in items)
        rows = {row.id: row for row in made if row is not None}
        going = [item for item in items if item.id in rows]
        log.begun_all([(item.id, piece.key) for item in going for piece in item.left[:1]])
        results = await self._runner.run(list(rows.values()), self._start_update, log, outcomes)
        for item in going:
            if (result := results.get(item.id)) is None:
                continue
            if result.id:
                for piece in item.left[:1]:
                    log.done(item.id, piece.key, item.ticket_id)
                item.row, item.left = {}, item.left[1:]
                outcomes[item.id] = item.success()
            elif result.code:
                outcomes[item.id] = row_outcome(rows[item.id], result)
            else:
                outcomes[item.id] = item.outcome(Status.UNKNOWN, "job_failed")
        return [item for item in going if item.left and outcomes[item.id].status in SETTLED]

    async def _update_row(self, item: Existing, outcomes: dict[str, Outcome]) -> Row | None:
        content: Json = {"id": int(item.ticket_id), **item.row}
        if item.left:
            piece = item.left[0]
            try:
                upload = await self._api.upload(piece.attachment) if piece.attachment else None
            except (TransientError, PermanentError) as error:
                outcomes[item.id] = _not_uploaded(failed(item.id, error, remote=item.ref))
                return None
            content["comment"] = self._comment(piece, upload, with_time=False)
        return Row(item.one, content, item.ref)

    async def _start_update(self, rows: list[Json]) -> Json:
        return await self._api.update_tickets(rows, appends=any("comment" in row for row in rows))


def by_weight(batch: Sequence[Addressed]) -> list[list[Addressed]]:
    """Parts whose files are uploaded well within the hour for which an upload is good."""
    return list(in_weighed_parts(batch, len(batch), heaviest=UPLOADED_AT_ONCE, weight=_upload_size))


def _upload_size(one: Addressed) -> int:
    return sum(attachment.size_bytes for attachment in one.outgoing.attachments)


def _not_uploaded(outcome: Outcome) -> Outcome:
    """An upload of which nothing was heard leaves nothing that anybody sees."""
    if outcome.status is Status.UNKNOWN:
        return Outcome(outcome.engagement_id, Status.FAILED_RETRYABLE, outcome.remote, code="upload")
    return outcome
