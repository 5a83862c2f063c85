"""A download on its way to disk: written and hashed in threads while the next bytes arrive."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from zcc_pipeline.landing.sniffing import HEAD_BYTES

Published = TypeVar("Published")

_BLOCK_BYTES = 4 << 20
"""Handed to the threads at once: so large that hashing, without the interpreter's lock, outweighs the handing over."""

_BLOCKS = 2
"""That the lanes may have before them, so that neither waits for the other; a third is being gathered."""

_WRITE_BACK_BYTES = 64 << 20
"""How much may be written before the system is asked to begin putting it on disk."""


class PartFile:
    """Bytes appended in order, with both digests of exactly what is in the file.

    SHA-256 names the file, SHA-512 goes into the archive's inventory; computing both now saves reading the file again.
    For what is larger than a block two lanes, a thread each, run beside the download: one writes and hashes SHA-256,
    the other, as much work, hashes SHA-512. At most three blocks of arrived chunks are in memory, whatever the size of
    the file. What is smaller, as most transcripts are, is written and hashed at the end in one go: starting two threads
    costs more than that.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._lanes: tuple[ThreadPoolExecutor, ThreadPoolExecutor] | None = None
        self._last_words: asyncio.Future[Any] | None = None
        self._handed_over: deque[tuple[Future[None], ...]] = deque()
        self._block: list[bytes] = []
        self._filled = 0
        self.head = b""
        self.size_bytes = 0
        self._begin()

    def _begin(self) -> None:
        self._written = self._written_back = 0
        self._sha256, self._sha512 = hashlib.sha256(), hashlib.sha512()

    async def append(self, chunk: bytes) -> None:
        """Take bytes in; waits while the lanes are behind, so that memory stays flat."""
        if len(self.head) < HEAD_BYTES:
            self.head += chunk[: HEAD_BYTES - len(self.head)]
        self.size_bytes += len(chunk)
        self._block.append(chunk)
        self._filled += len(chunk)
        if self._filled >= _BLOCK_BYTES:
            await self._hand_over()

    async def settle(self) -> None:
        """Wait until everything appended is written and hashed."""
        if self._lanes is None:
            await self._in_thread(self._write_rest)
            return
        if self._filled:
            await self._hand_over()
        while self._handed_over:
            await self._take_back()

    async def restart(self) -> None:
        """Forget everything: the next bytes are the first ones."""
        self._block, self._filled = [], 0
        await self.settle()
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        self.head, self.size_bytes = b"", 0
        self._begin()

    async def finish(self, publish: Callable[[str, str], Published]) -> Published:
        """Wait until the disk has it, and return what ``publish`` makes of SHA-256 and SHA-512 in hexadecimal.

        It is called in the thread that wrote the end; whoever is cancelled meanwhile leaves that to go on.
        """
        if self._lanes is not None:
            await self.settle()

        def end() -> Published:
            self._end()
            return publish(self._sha256.hexdigest(), self._sha512.hexdigest())

        return await self._in_thread(end)

    async def close(self) -> None:
        """Let go of the file, and remove it if nobody has published it."""
        # threads must not write to a descriptor that has got another file
        for lanes in self._handed_over:
            await _done(lanes)
        if self._last_words is not None and not self._last_words.done():
            await asyncio.wait([self._last_words])
        for lane in self._lanes or ():
            lane.shutdown(wait=False)
        os.close(self._descriptor)
        self.path.unlink(missing_ok=True)

    async def _hand_over(self) -> None:
        if self._lanes is None:
            self._lanes = ThreadPoolExecutor(1, "write"), ThreadPoolExecutor(1, "hash")
        writer, hasher = self._lanes
        block, self._block, self._filled = self._block, [], 0
        self._handed_over.append((writer.submit(self._write, block), hasher.submit(self._hash, block)))
        if len(self._handed_over) > _BLOCKS:
            await self._take_back()

    async def _take_back(self) -> None:
        """Wait until both lanes are through with the block handed over longest ago."""
        lanes = self._handed_over[0]
        await _done(lanes)
        self._handed_over.popleft()
        for lane in lanes:
            lane.result()

    async def _in_thread(self, work: Callable[[], Published]) -> Published:
        """Whoever is cancelled here leaves a thread behind, for which ``close`` waits."""
        self._last_words = working = asyncio.get_running_loop().run_in_executor(None, work)
        return await asyncio.shield(working)

    def _write_rest(self) -> None:
        """Without lanes."""
        block, self._block, self._filled = self._block, [], 0
        self._write(block)
        self._hash(block)

    def _end(self) -> None:
        self._write_rest()
        os.fsync(self._descriptor)

    def _hash(self, block: list[bytes]) -> None:
        for chunk in block:
            self._sha512.update(chunk)

    def _write(self, block: list[bytes]) -> None:
        for chunk in block:
            self._sha256.update(chunk)
            rest = memoryview(chunk)
            while rest:
                count = os.write(self._descriptor, rest)
                self._written += count
                rest = rest[count:]
        if self._written - self._written_back >= _WRITE_BACK_BYTES:
            self._write_back()

    def _write_back(self) -> None:
        """Begin to put on disk what is written, so that the sync at the end finds little left to do.

        On Linux this advice starts writing and waits for nothing; elsewhere it means nothing of the kind.
        """
        if sys.platform == "linux":
            length = self._written - self._written_back
            os.posix_fadvise(self._descriptor, self._written_back, length, os.POSIX_FADV_DONTNEED)
        self._written_back = self._written


async def _done(lanes: tuple[Future[None], ...]) -> None:
    waiting = [asyncio.wrap_future(lane) for lane in lanes if not lane.done()]
    if waiting:
        await asyncio.wait(waiting)
