"""Downloads against a source that breaks off, changes, lies and drips."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from zcc_pipeline.domain.errors import NotFound, QuotaExhausted, TransientError
from zcc_pipeline.domain.ports import StoredFile
from zcc_pipeline.landing import FileStore, open_storage
from zcc_pipeline.landing.part_file import PartFile
from zcc_pipeline_tests.lakes import SteppingClock

DAY = date(2026, 11, 22)
WAV = b"RIFF\x00\x00\x00\x00WAVE" + bytes(range(256)) * 12_000  # 3 MB: several blocks


@dataclass
class FakeBody:
    content: bytes
    status: int = 200
    total_size: int | None = None
    etag: str | None = None
    media_type: str | None = "application/octet-stream"
    file_name: str | None = None
    is_partial: bool = False
    breaks_after: int | None = None
    error: BaseException = field(default_factory=lambda: TransientError("connection reset"))

    async def chunks(self) -> AsyncIterator[bytes]:
        end = len(self.content) if self.breaks_after is None else self.breaks_after
        for start in range(0, end, 50_000):
            await asyncio.sleep(0)
            yield self.content[start : min(end, start + 50_000)]
        if self.breaks_after is not None:
            raise self.error


@dataclass
class FakeSource:
    """Serves one content; ``answers`` may change what an attempt gets, by its number."""

    content: bytes = WAV
    etag: str | None = '"v1"'
    knows_size: bool = True
    honours_range: bool = True
    breaks_after: dict[int, int] = field(default_factory=dict)
    errors: dict[int, Exception] = field(default_factory=dict)
    changes_at: dict[int, tuple[bytes, str]] = field(default_factory=dict)
    requests: list[tuple[int, str | None]] = field(default_factory=list)

    @asynccontextmanager
    async def open(self, offset: int, etag: str | None) -> AsyncIterator[FakeBody]:
        attempt = len(self.requests)
        self.requests.append((offset, etag))
        if attempt in self.errors:
            raise self.errors[attempt]
        if attempt in self.changes_at:
            self.content, self.etag = self.changes_at[attempt]
        is_partial = offset > 0 and self.honours_range and etag == self.etag
        yield FakeBody(
            self.content[offset:] if is_partial else self.content,
            status=206 if is_partial else 200,
            total_size=len(self.content) if self.knows_size else None,
            etag=self.etag,
            is_partial=is_partial,
            breaks_after=self.breaks_after.get(attempt),
        )


def store(folder: Path, source: FakeSource, clock: SteppingClock | None = None, **more: str) -> StoredFile:
    files = FileStore(open_storage(str(folder)), clock=clock or SteppingClock())
    wanted = {"kind": "recording", "source_id": "rec-1"} | more
    return asyncio.run(files.store(day=DAY, source=source, **wanted))


def everything_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def assert_is(stored: StoredFile, folder: Path, content: bytes) -> None:
    assert (folder / stored.path).read_bytes() == content
    assert stored.size_bytes == len(content)
    assert stored.sha256 == hashlib.sha256(content).hexdigest()
    assert stored.sha512 == hashlib.sha512(content).hexdigest()
    assert everything_in(folder) == [stored.path]


def test_a_file_is_stored_under_its_content_with_both_digests(tmp_path: Path) -> None:
    stored = store(tmp_path, FakeSource())
    assert_is(stored, tmp_path, WAV)
    assert stored.path == f"recording/date=2026-11-22/rec-1.{stored.sha256[:12]}.wav"
    assert (stored.media_type, stored.extension) == ("audio/wav", "wav")


def test_the_same_content_again_is_the_same_file(tmp_path: Path) -> None:
    first = store(tmp_path, FakeSource())
    inode = (tmp_path / first.path).stat().st_ino
    assert store(tmp_path, FakeSource()) == first
    assert (tmp_path / first.path).stat().st_ino == inode
    assert everything_in(tmp_path) == [first.path]


def test_changed_content_is_a_second_file_and_the_first_stays(tmp_path: Path) -> None:
    first = store(tmp_path, FakeSource(b"WEBVTT\n\none"))
    second = store(tmp_path, FakeSource(b"WEBVTT\n\ntwo"))
    assert everything_in(tmp_path) == sorted([first.path, second.path])


def test_a_body_that_breaks_off_is_resumed_and_the_digests_are_right(tmp_path: Path) -> None:
    source = FakeSource(breaks_after={0: 1_234_567, 1: 1_000_001, 2: 7})
    stored = store(tmp_path, source)
    assert_is(stored, tmp_path, WAV)
    assert source.requests == [(0, None), (1_234_567, '"v1"'), (2_234_568, '"v1"'), (2_234_575, '"v1"')]


@dataclass
class DrippingBody(FakeBody):
    """Brings so many bytes each second of a clock."""

    clock: SteppingClock = field(default_factory=SteppingClock)
    bytes_per_second: int = 10_000

    async def chunks(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self.content), self.bytes_per_second):
            await self.clock.sleep(1)
            yield self.content[start : start + self.bytes_per_second]


@dataclass
class DrippingSource(FakeSource):
    """As fast as ``rates`` says for each attempt, and at once after these."""

    clock: SteppingClock = field(default_factory=SteppingClock)
    rates: list[int] = field(default_factory=list)

    @asynccontextmanager
    async def open(self, offset: int, etag: str | None) -> AsyncIterator[FakeBody]:
        attempt = len(self.requests)
        async with super().open(offset, etag) as body:
            if attempt >= len(self.rates):
                yield body
            else:
                rate = self.rates[attempt]
                yield DrippingBody(**vars(body), clock=self.clock, bytes_per_second=rate)


def test_a_body_that_drips_is_left_after_a_minute_and_resumed(tmp_path: Path) -> None:
    clock = SteppingClock()
    source = DrippingSource(clock=clock, rates=[10_000])
    assert_is(store(tmp_path, source, clock), tmp_path, WAV)
    assert source.requests == [(0, None), (600_000, '"v1"')]


def test_a_file_that_only_ever_drips_is_given_up_within_minutes(tmp_path: Path) -> None:
    clock = SteppingClock()
    source = DrippingSource(clock=clock, rates=[1_000] * 100)
    with pytest.raises(TransientError, match="brought only 60000 bytes in 60 seconds"):
        store(tmp_path, source, clock)
    assert sum(clock.slept) < 10 * 60
    assert everything_in(tmp_path) == []


def test_a_slow_line_that_gets_there_is_let_do_so(tmp_path: Path) -> None:
    clock = SteppingClock()
    source = DrippingSource(clock=clock, rates=[20_000])
    assert_is(store(tmp_path, source, clock), tmp_path, WAV)
    assert len(source.requests) == 1
    assert sum(clock.slept) > 120


def test_a_server_that_ignores_range_is_read_from_the_beginning(tmp_path: Path) -> None:
    source = FakeSource(honours_range=False, breaks_after={0: 2_000_000})
    assert_is(store(tmp_path, source), tmp_path, WAV)


def test_content_that_changes_in_between_is_read_from_the_beginning(tmp_path: Path) -> None:
    other = WAV[:12] + b"other" * 500_000
    source = FakeSource(breaks_after={0: 2_000_000}, changes_at={1: (other, '"v2"')})
    assert_is(store(tmp_path, source), tmp_path, other)


def test_a_part_with_another_etag_is_never_glued_on(tmp_path: Path) -> None:
    class Careless(FakeSource):
        @asynccontextmanager
        async def open(self, offset: int, etag: str | None) -> AsyncIterator[FakeBody]:
            self.requests.append((offset, etag))
            if len(self.requests) == 1:
                yield FakeBody(WAV, total_size=len(WAV), etag='"v1"', breaks_after=1_500_000)
            elif offset:
                yield FakeBody(b"x" * (len(WAV) - offset), 206, len(WAV), '"v2"', is_partial=True)
            else:
                yield FakeBody(WAV, total_size=len(WAV), etag='"v1"')

    assert_is(store(tmp_path, Careless()), tmp_path, WAV)


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_without_a_strong_etag_nothing_is_resumed(tmp_path: Path, etag: str | None) -> None:
    source = FakeSource(etag=etag, breaks_after={0: 2_000_000})
    assert_is(store(tmp_path, source), tmp_path, WAV)
    assert source.requests == [(0, None), (0, None)]


def test_a_short_body_is_noticed_by_its_size(tmp_path: Path) -> None:
    class Short(FakeSource):
        @asynccontextmanager
        async def open(self, offset: int, etag: str | None) -> AsyncIterator[FakeBody]:
            self.requests.append((offset, etag))
            content = WAV[offset:][: 1_700_000 if len(self.requests) == 1 else None]
            yield FakeBody(content, 206 if offset else 200, len(WAV), '"v1"', is_partial=offset > 0)

    source = Short()
    assert_is(store(tmp_path, source), tmp_path, WAV)
    assert [offset for offset, _ in source.requests] == [0, 1_700_000]


def test_more_bytes_than_announced_are_not_stored(tmp_path: Path) -> None:
    class Long(FakeSource):
        @asynccontextmanager
        async def open(self, offset: int, etag: str | None) -> AsyncIterator[FakeBody]:
            self.requests.append((offset, etag))
            yield FakeBody(WAV, total_size=100, etag='"v1"')

    source = Long()
    with pytest.raises(TransientError, match="100 were announced"):
        store(tmp_path, source)
    assert {offset for offset, _ in source.requests} == {0}
    assert everything_in(tmp_path) == []


def test_a_size_that_nobody_announced_is_no_obstacle(tmp_path: Path) -> None:
    assert_is(store(tmp_path, FakeSource(knows_size=False, breaks_after={0: 1_100_000})), tmp_path, WAV)


@pytest.mark.parametrize(
    "content",
    [b"", b"<!DOCTYPE html><p>Bad gateway</p>", b'{"code":300,"message":"no"}'],
    ids=["empty", "html", "error"],
)
def test_what_is_no_file_is_refused_after_bounded_attempts_and_leaves_nothing(tmp_path: Path, content: bytes) -> None:
    source, clock = FakeSource(content), SteppingClock()
    with pytest.raises(TransientError, match="in the place of the file"):
        store(tmp_path, source, clock)
    assert len(source.requests) == 5
    assert clock.slept == [0.5, 1.0, 2.0, 4.0]
    assert everything_in(tmp_path) == []


def test_an_error_page_that_goes_away_is_no_loss(tmp_path: Path) -> None:
    source = FakeSource(b"<html>busy</html>", changes_at={1: (WAV, '"v1"')})
    assert_is(store(tmp_path, source), tmp_path, WAV)


def test_attempts_count_again_once_the_download_gets_further(tmp_path: Path) -> None:
    content = WAV[:12] + bytes(12_000_000)
    breaks = dict.fromkeys(range(9), 1_200_000)
    source = FakeSource(content, breaks_after=breaks)
    assert_is(store(tmp_path, source), tmp_path, content)
    assert len(source.requests) == 10


def test_a_download_that_never_gets_further_ends(tmp_path: Path) -> None:
    source = FakeSource(etag=None, breaks_after=dict.fromkeys(range(100), 2_000_000))
    with pytest.raises(TransientError, match="without progress"):
        store(tmp_path, source)
    assert len(source.requests) < 10
    assert everything_in(tmp_path) == []


def test_what_the_source_says_for_good_passes_through_at_once(tmp_path: Path) -> None:
    source = FakeSource(errors={0: NotFound("no such recording", http_status=404, code=2801)})
    with pytest.raises(NotFound):
        store(tmp_path, source)
    assert len(source.requests) == 1
    assert everything_in(tmp_path) == []


def test_a_used_up_quota_burns_no_attempts(tmp_path: Path) -> None:
    source, clock = FakeSource(errors={0: QuotaExhausted("daily cap", retry_after_seconds=9000)}), SteppingClock()
    with pytest.raises(QuotaExhausted):
        store(tmp_path, source, clock)
    assert (len(source.requests), clock.slept) == (1, [])


def test_a_short_wait_that_the_source_asks_for_is_kept_and_a_long_one_is_handed_on(tmp_path: Path) -> None:
    clock = SteppingClock()
    store(tmp_path, FakeSource(errors={0: TransientError("busy", retry_after_seconds=7)}), clock)
    assert clock.slept == [7]
    with pytest.raises(TransientError) as caught:
        store(tmp_path, FakeSource(errors={0: TransientError("busy", retry_after_seconds=600)}), clock)
    assert caught.value.retry_after_seconds == 600


def test_a_cancelled_download_leaves_nothing_behind(tmp_path: Path) -> None:
    class Endless(FakeSource):
        @asynccontextmanager
        async def open(self, offset: int, etag: str | None) -> AsyncIterator[FakeBody]:
            body = FakeBody(b"")

            async def chunks() -> AsyncIterator[bytes]:
                while True:
                    await asyncio.sleep(0.001)
                    yield bytes(300_000)

            body.chunks = chunks  # type: ignore[method-assign]
            yield body

    async def cancelled() -> None:
        files = FileStore(open_storage(str(tmp_path)), clock=SteppingClock())
        task = asyncio.create_task(files.store(kind="recording", source_id="x", day=DAY, source=Endless()))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert everything_in(tmp_path) == []


def test_a_small_file_that_is_cancelled_while_a_thread_writes_it_is_closed_once_that_thread_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, is_at_it, may_go_on = tmp_path / "part", threading.Event(), threading.Event()
    sync = os.fsync

    def sync_slowly(descriptor: int) -> None:
        is_at_it.set()
        assert may_go_on.wait(30)
        sync(descriptor)  # fails where the descriptor was closed meanwhile

    monkeypatch.setattr(os, "fsync", sync_slowly)

    async def work() -> None:
        part = PartFile(path, os.open(path, os.O_CREAT | os.O_RDWR))
        await part.append(b"small")
        finishing = asyncio.create_task(part.finish(lambda *digests: digests))
        assert await asyncio.to_thread(is_at_it.wait, 30)
        finishing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await finishing
        closing = asyncio.create_task(part.close())
        await asyncio.sleep(0.05)
        assert not closing.done()
        may_go_on.set()
        await closing

    asyncio.run(work())
    assert not path.exists()


def test_stored_files_are_read_by_their_path_and_no_other(tmp_path: Path) -> None:
    stored = store(tmp_path, FakeSource(b"WEBVTT\n\nhello"))
    files = FileStore(open_storage(str(tmp_path)), clock=SteppingClock())
    assert files.read(stored.path) == b"WEBVTT\n\nhello"
    with files.open(stored.path) as opened:
        assert opened.read(6) == b"WEBVTT"
    assert files.exists(stored.path)
    assert not files.exists("recording/date=2026-11-22/other.wav")
    with pytest.raises(FileNotFoundError):
        files.read("recording/date=2026-11-22/other.wav")
    with pytest.raises(ValueError, match="outside"):
        files.read("../secret")


def test_what_a_killed_download_left_is_swept_after_a_day(tmp_path: Path) -> None:
    storage = open_storage(str(tmp_path))
    left = storage.staging_path("file-left")
    left.write_bytes(b"RIFF")
    files = FileStore(storage, clock=SteppingClock())
    now = datetime.fromtimestamp(left.stat().st_mtime, UTC)
    assert files.sweep(now + timedelta(hours=1)) == 0
    assert files.sweep(now + timedelta(hours=25)) == 1
    assert everything_in(tmp_path) == []
