"""The file store: recordings, transcripts and voicemails, streamed to immutable files named by their content."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from datetime import date, datetime
from pathlib import Path
from typing import BinaryIO, cast

from zcc_pipeline.domain.byte_sources import Body, ByteSource
from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import HostUnreachable, QuotaExhausted, TransientError
from zcc_pipeline.domain.ports import StoredFile
from zcc_pipeline.landing.file_names import file_path, is_inside, safe_id
from zcc_pipeline.landing.part_file import PartFile
from zcc_pipeline.landing.sniffing import error_page, sniff
from zcc_pipeline.landing.storage import PART_SUFFIX, STAGING_KEPT, Storage, StoredObject

ATTEMPTS = 5
"""Times in a row that a download may break off without getting further."""

SLOWEST_BYTES = 1 << 20
WITHIN_SECONDS = 60.0
"""A body that brings less than so many bytes in so many seconds is given up like one that breaks off: a few that drip
would hold every place for downloads for ever."""

_PROGRESS_BYTES = 1 << 20
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0


class FileStore:
    """Files by kind and day: each appears whole, synced and checked, or not at all; the same content is stored once."""

    def __init__(self, storage: Storage, *, clock: Clock) -> None:
        self._storage, self._clock = storage, clock

    @property
    def storage(self) -> Storage:
        """Where the files lie."""
        return self._storage

    async def store(self, *, kind: str, source_id: str, day: date, source: ByteSource) -> StoredFile:
        """Download to ``<kind>/date=<day>/<id>.<first 12 of SHA-256>.<extension>`` in bounded memory.

        A body that breaks off is resumed where the server's ETag vouches for the content, else begun again. Raises
        ``TransientError`` after repeated attempts without progress, or for an empty body or an error page with status
        200; what the source raises for good (``NotFound``) passes through, and so does ``HostUnreachable``.
        """
        part = await asyncio.to_thread(self._open_part)
        try:
            media_type = await _Download(part, source, self._clock).run()
            found = sniff(part.head, media_type)

            def publish(digest: str, long_digest: str) -> StoredFile:
                path = file_path(kind=kind, source_id=source_id, day=day, digest=digest, extension=found.extension)
                self._publish_once(part, path)
                return StoredFile(path, part.size_bytes, digest, long_digest, found.media_type, found.extension)

            return await part.finish(publish)
        finally:
            await part.close()

    def open(self, path: str) -> BinaryIO:
        """A stored file, for reading. ``FileNotFoundError`` where there is none."""
        return cast("BinaryIO", self._storage.open_input(_checked(path)))

    def read(self, path: str) -> bytes:
        """All of a stored file; for transcripts, which are small. ``FileNotFoundError`` where there is none."""
        with self.open(path) as source:
            return source.read()

    def exists(self, path: str) -> bool:
        """Whether the file is there."""
        return self._storage.exists(_checked(path))

    def url_for(self, path: str) -> str:
        """Absolute path or ``s3://`` URL of a stored file."""
        return self._storage.url_for(_checked(path))

    async def rewrite(
        self, stored: StoredFile, content: bytes, *, kind: str, source_id: str, day: date, keeps_old: bool = False
    ) -> StoredFile:
        """Store ``content`` instead of a file, which is gone afterwards unless told otherwise; for text without what
        must not be kept."""
        part = await asyncio.to_thread(self._open_part)
        try:
            await part.append(content)

            def publish(digest: str, long_digest: str) -> StoredFile:
                path = file_path(kind=kind, source_id=source_id, day=day, digest=digest, extension=stored.extension)
                self._storage.publish(part.path, path)
                return StoredFile(path, len(content), digest, long_digest, stored.media_type, stored.extension)

            rewritten = await part.finish(publish)
        finally:
            await part.close()
        if rewritten.path != stored.path and not keeps_old:
            await asyncio.to_thread(self._storage.delete, stored.path)
        return rewritten

    def find(self, source_ids: AbstractSet[str], days: Iterable[date]) -> Iterator[StoredObject]:
        """Files of all kinds that are named by one of those ids and lie on one of those days."""
        names = {safe_id(each) for each in source_ids}
        folders = [f"date={day.isoformat()}" for day in sorted(set(days))]
        for kind in self._storage.list_folders("") if names else ():
            for folder in folders:
                for stored in self._storage.list_files(f"{kind}/{folder}"):
                    if stored.path.rpartition("/")[2].partition(".")[0] in names:
                        yield stored

    def sweep(self, now: datetime) -> int:
        """Remove what killed downloads left in staging more than a day ago; returns how many."""
        return self._storage.sweep_staging(before=now - STAGING_KEPT)

    def _publish_once(self, part: PartFile, path: str) -> None:
        if not self._storage.exists(path):
            self._storage.publish(part.path, path)

    def _open_part(self) -> PartFile:
        folder = self._storage.staging_path("file").parent
        descriptor, name = tempfile.mkstemp(suffix=PART_SUFFIX, prefix="file-", dir=folder)
        return PartFile(Path(name), descriptor)


def _checked(path: str) -> str:
    if not is_inside(path):
        raise ValueError("a path outside of the file store")
    return path


class _Pace:
    """What came in how much waiting for it; the time that our own disk takes is not the sender's."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._since, self._waited, self._bytes = clock, clock.monotonic(), 0.0, 0

    def count(self, size: int) -> None:
        """So much came."""
        self._bytes += size
        self._waited += self._clock.monotonic() - self._since

    def go_on(self) -> None:
        """Wait for the sender again; ``TransientError`` where what came is too little for the time it took."""
        if self._waited >= WITHIN_SECONDS:
            if self._bytes < SLOWEST_BYTES:
                raise TransientError(f"the download brought only {self._bytes} bytes in {self._waited:.0f} seconds")
            self._waited, self._bytes = 0.0, 0
        self._since = self._clock.monotonic()


class _Download:
    """One file from its source into a part file, over as many answers as it takes."""

    def __init__(self, part: PartFile, source: ByteSource, clock: Clock) -> None:
        self._part, self._source, self._clock = part, source, clock
        self._etag: str | None = None
        self._total: int | None = None
        self._media_type: str | None = None
        self._furthest = 0
        self._failures = 0

    async def run(self) -> str | None:
        """Returns the declared media type."""
        while True:
            try:
                await self._attempt()
                self._check()
            except (QuotaExhausted, HostUnreachable):
                raise  # the source itself has tried long enough: another address may help, not this one again
            except TransientError as error:
                await self._part.settle()
                await self._pause_or_give_up(error)
            else:
                return self._media_type

    async def _attempt(self) -> None:
        offset = self._part.size_bytes
        if offset and self._etag is None:
            await self._part.restart()  # nothing vouches for the rest being the rest of the same content
            offset = 0
        async with self._source.open(offset, self._etag if offset else None) as body:
            await self._align(body, offset)
            pace = _Pace(self._clock)
            async for chunk in body.chunks():
                pace.count(len(chunk))
                await self._part.append(chunk)
                pace.go_on()

    async def _align(self, body: Body, offset: int) -> None:
        """Make the part file end where the body begins."""
        is_other = body.etag not in (None, self._etag) or body.total_size not in (None, self._total)
        if offset and body.is_partial and is_other:
            await self._part.restart()
            raise TransientError("the file changed at the source while it was read")
        if not body.is_partial or not offset:
            if offset:
                await self._part.restart()
            is_strong = body.etag is not None and not body.etag.startswith("W/")
            self._etag = body.etag if is_strong else None
            self._total, self._media_type = body.total_size, body.media_type

    def _check(self) -> None:
        size = self._part.size_bytes
        if self._total is not None and size < self._total:
            raise TransientError(f"the download ended after {size} of {self._total} bytes")
        if self._total is not None and size > self._total:
            self._etag = None  # begin again: more bytes than there are
            raise TransientError(f"the download brought {size} bytes where {self._total} were announced")
        problem = "an empty body" if size == 0 else error_page(self._part.head)
        if problem:
            self._etag = None
            raise TransientError(f"the source sent {problem} in the place of the file")

    async def _pause_or_give_up(self, error: TransientError) -> None:
        if self._part.size_bytes >= self._furthest + _PROGRESS_BYTES:
            self._furthest, self._failures = self._part.size_bytes, 0
        self._failures += 1
        pause = min(_FIRST_PAUSE_SECONDS * 2 ** (self._failures - 1), _LONGEST_PAUSE_SECONDS)
        if error.retry_after_seconds is not None:
            pause = max(pause, error.retry_after_seconds)
        if self._failures >= ATTEMPTS or pause > _LONGEST_PAUSE_SECONDS:
            raise TransientError(
                f"given up after {self._failures} attempts without progress: {error}",
                retry_after_seconds=error.retry_after_seconds,
            ) from error
        await self._clock.sleep(pause)
