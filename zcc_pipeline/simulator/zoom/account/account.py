"""The account as a whole: its own time, look-ups by id and by window, and the changes a control route may make."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import TypeVar

from zcc_pipeline.domain.errors import NotFound
from zcc_pipeline.simulator.zoom.account.addresses import media_key_of
from zcc_pipeline.simulator.zoom.account.chance import new_id, stream
from zcc_pipeline.simulator.zoom.account.customers import CustomerBook
from zcc_pipeline.simulator.zoom.account.engagement import Engagement, Note, NoteVersion, Recording, Voicemail
from zcc_pipeline.simulator.zoom.account.generation import iter_engagements
from zcc_pipeline.simulator.zoom.account.population import Population, build_population
from zcc_pipeline.simulator.zoom.account.spec import AccountSpec

T = TypeVar("T")

_start, _end, _created = attrgetter("start"), attrgetter("end"), attrgetter("created_at")


class Account:
    """A Zoom Contact Center account with a past, a present and a scheduled future.

    ``now()`` is the account's own time: the handed-in clock plus what ``advance`` has added. Nothing else moves.
    ``opened_at`` is its time when it was built: what had gone by then, no reader has ever seen.
    Windows include both ends, as Zoom's do.
    """

    def __init__(
        self,
        spec: AccountSpec,
        population: Population,
        customers: CustomerBook,
        engagements: Iterable[Engagement],
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self.spec, self.population, self.customers = spec, population, customers
        self._clock = clock
        self._offset = timedelta(0)
        self.opened_at = self.now()
        self.engagements = sorted(engagements, key=lambda item: (item.start, item.engagement_id))
        self.recordings = sorted((item for each in self.engagements for item in each.recordings), key=_start)
        self.voicemails = sorted((item for each in self.engagements for item in each.voicemails), key=_created)
        self._calls = [item for item in self.engagements if item.call is not None and item.call.has_row]
        self._by_end = sorted(self.engagements, key=_end)
        self._recordings_by_end = sorted(self.recordings, key=_end)
        self._engagement_of = {item.engagement_id: item for item in self.engagements}
        self._recording_of = {item.recording_id: item for item in self.recordings}
        self._recording_of_key = {item.media_key: item for item in self.recordings}
        self._recording_of_transcript = {item.transcript_id: item for item in self.recordings}
        self._voicemail_of = {item.message_id: item for item in self.voicemails}
        self._added = stream(spec.seed, "added")

    @classmethod
    def generate(cls, spec: AccountSpec, *, clock: Callable[[], datetime] | None = None) -> Account:
        """The account of a specification, always the same. Without a clock its time stands at the noon after."""
        population = build_population(spec.seed)
        customers = CustomerBook(spec.seed, spec.engagements_per_day)
        noon = spec.day_start(spec.last_day + timedelta(days=1)) + timedelta(hours=12)
        return cls(
            spec, population, customers, iter_engagements(spec, population, customers), clock=clock or (lambda: noon)
        )

    def now(self) -> datetime:
        """The account's own time, in UTC."""
        return self._clock().astimezone(UTC) + self._offset

    def advance(self, step: timedelta) -> datetime:
        """Move the account's time forward; returns the new time. ``ValueError`` where it would go back."""
        if step < timedelta(0):
            raise ValueError("an account's time never goes back")
        self._offset += step
        return self.now()

    def engagement(self, engagement_id: str) -> Engagement | None:
        """By id, also while it is open; ask ``is_closed`` before showing it."""
        return self._engagement_of.get(engagement_id)

    def recording(self, recording_id: str) -> Recording | None:
        """By id, whether listed or not."""
        return self._recording_of.get(recording_id)

    def voicemail(self, message_id: str) -> Voicemail | None:
        """By id, whether listed or not."""
        return self._voicemail_of.get(message_id)

    def closed_engagements(self, start: datetime, end: datetime, at: datetime) -> list[Engagement]:
        """Engagements that started in the window and are listed at a moment, by start."""
        return [item for item in _window(self.engagements, start, end, _start) if item.is_closed(at)]

    def closed_by_end(self, start: datetime, end: datetime, at: datetime) -> list[Engagement]:
        """Engagements that ended in the window and are listed at a moment, by end."""
        return [item for item in _window(self._by_end, start, end, _end) if item.is_closed(at)]

    def voice_calls_between(self, start: datetime, end: datetime, at: datetime) -> list[Engagement]:
        """Engagements with a row in the voice call log, by start."""
        return [item for item in _window(self._calls, start, end, _start) if item.is_closed(at)]

    def recordings_between(
        self, start: datetime, end: datetime, at: datetime, *, by_end: bool = False
    ) -> list[Recording]:
        """Recordings that started (or ended) in the window and are listed at a moment."""
        ordered, moment = (self._recordings_by_end, _end) if by_end else (self.recordings, _start)
        return [item for item in _window(ordered, start, end, moment) if item.is_listed(at)]

    def messages_between(self, start: datetime, end: datetime, at: datetime) -> list[Voicemail]:
        """Voicemails created in the window and listed at a moment, deleted ones included."""
        return [item for item in _window(self.voicemails, start, end, _created) if item.is_listed(at)]

    def notes_at(self, at: datetime) -> list[tuple[Engagement, Note]]:
        """Every note of listed engagements, in the order of the engagements' start; reads the whole account."""
        return [
            (item, note)
            for item in self.engagements
            if item.notes and item.is_closed(at)
            for note in item.notes
            if note.version_at(at) is not None
        ]

    def resolve_download(self, kind: str, key: str) -> Recording | Engagement | Voicemail | None:
        """What an identifier of a download address stands for.

        Kinds: ``recording``, ``recording_transcript``, ``messaging_transcript``, ``voicemail`` and
        ``voicemail_transcript``.
        """
        if kind == "recording":
            media_key = media_key_of(key)
            return None if media_key is None else self._recording_of_key.get(media_key)
        if kind == "recording_transcript":
            return self._recording_of_transcript.get(key)
        if kind == "messaging_transcript":
            return self._engagement_of.get(key)
        if kind in {"voicemail", "voicemail_transcript"}:
            return self._voicemail_of.get(key)
        raise ValueError(f"no kind of download is called {kind!r}")

    def edit_note(self, engagement_id: str, note_id: str, text: str) -> None:
        """Change a note's text now. ``NotFound`` (2901, 2701) where there is no such engagement or note."""
        item = self._expect_engagement(engagement_id)
        for note in item.notes:
            if note.note_id == note_id:
                author = note.versions[-1].author
                insort(note.versions, NoteVersion(self.now(), text, author), key=attrgetter("since"))
                return
        raise NotFound("the note does not exist", http_status=404, code=2701)

    def add_note(self, engagement_id: str, text: str) -> str:
        """Write one more note now; returns its id. ``NotFound`` (2901) where there is no such engagement."""
        item = self._expect_engagement(engagement_id)
        author = item.agents[-1] if item.agents else self.population.users[0]
        note = Note(new_id(self._added), [NoteVersion(self.now(), text, author)])
        item.notes.append(note)
        return note.note_id

    def delete_recording(self, recording_id: str, *, permanently: bool = False) -> None:
        """Take a recording away at source now, into the trash or for good. ``NotFound`` (2801) where there is none."""
        item = self._recording_of.get(recording_id)
        if item is None:
            raise NotFound("the recording does not exist", http_status=404, code=2801)
        now = self.now()
        item.deleted_at = now if item.deleted_at is None else min(now, item.deleted_at)
        if permanently:
            item.purged_at = now

    def mark_voicemail_deleted(self, message_id: str) -> None:
        """Turn a voicemail's status to deleted now. ``NotFound`` (3002) where there is no such message."""
        item = self._voicemail_of.get(message_id)
        if item is None:
            raise NotFound("the message does not exist", http_status=404, code=3002)
        now = self.now()
        item.marked_deleted_at = now if item.marked_deleted_at is None else min(now, item.marked_deleted_at)

    def _expect_engagement(self, engagement_id: str) -> Engagement:
        item = self._engagement_of.get(engagement_id)
        if item is None:
            raise NotFound("the engagement does not exist", http_status=404, code=2901)
        return item


def _window(ordered: list[T], start: datetime, end: datetime, moment: Callable[[T], datetime]) -> list[T]:
    return ordered[bisect_left(ordered, start, key=moment) : bisect_right(ordered, end, key=moment)]
