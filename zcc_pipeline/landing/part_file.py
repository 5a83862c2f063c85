"""A download on its way to disk: written and hashed in threads while the next bytes arrive."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from zcc_pipeline.landing.sniffing import HEAD_BYTES

_BLOCK_BYTES = 4 << 20
"""Handed to the threads at once: so large that hashing, without the interpreter's lock, outweighs the handing over."""

_BLOCKS = 3
"""Per file: one that is filled, and two for the lanes, so that neither waits for the other."""

_WRITE_BACK_BYTES = 8 << 20
"""How much may be written before the system is asked to begin putting it on disk."""


class PartFile:
    """Bytes appended in order, with both digests of exactly what is in the file.

    SHA-256 names the file, SHA-512 goes into the archive's inventory; computing both now saves reading the file again.
    Two lanes, a thread each, run beside the download: one writes and hashes SHA-256, the other, as much work, hashes
    SHA-512. At most ``_BLOCKS`` blocks are in memory, whatever the size of the file.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._writer, self._hasher = ThreadPoolExecutor(1, "write"), ThreadPoolExecutor(1, "hash")
        self._handed_over: deque[tuple[bytearray, tuple[Future[None], ...]]] = deque()
        self._block, self._filled = bytearray(_BLOCK_BYTES), 0
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
        rest = memoryview(chunk)
        while rest:
            piece = rest[: _BLOCK_BYTES - self._filled]
            self._block[self._filled : self._filled + len(piece)] = piece
            self._filled += len(piece)
            rest = rest[len(piece) :]
            if self._filled == _BLOCK_BYTES:
                await self._hand_over()

    async def settle(self) -> None:
        """Wait until everything appended is written and hashed."""
        if self._filled:
            await self._hand_over()
        while self._handed_over:
            await self._take_back()

    async def restart(self) -> None:
        """Forget everything: the next bytes are the first ones."""
        self._filled = 0
        await self.settle()
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        self.head, self.size_bytes = b"", 0
        self._begin()

    async def finish(self) -> tuple[str, str]:
        """Wait until the disk has it; returns SHA-256 and SHA-512 in hexadecimal."""
        await self.settle()
        await asyncio.to_thread(os.fsync, self._descriptor)
        return self._sha256.hexdigest(), self._sha512.hexdigest()

    async def close(self) -> None:
        """Let go of the file, and remove it if nobody has published it."""
        for _, lanes in self._handed_over:
            await _done(lanes)  # threads must not write to a descriptor that has got another file
        self._writer.shutdown(wait=False)
        self._hasher.shutdown(wait=False)
        os.close(self._descriptor)
        self.path.unlink(missing_ok=True)

    async def _hand_over(self) -> None:
        filled = memoryview(self._block)[: self._filled]
        lanes = self._writer.submit(self._write, filled), self._hasher.submit(self._sha512.update, filled)
        self._handed_over.append((self._block, lanes))
        self._filled = 0
        self._block = await self._take_back() if len(self._handed_over) == _BLOCKS else bytearray(_BLOCK_BYTES)

    async def _take_back(self) -> bytearray:
        """The block handed over longest ago, once both lanes are through with it."""
        block, lanes = self._handed_over[0]
        await _done(lanes)
        self._handed_over.popleft()
        for lane in lanes:
            lane.result()
        return block

    def _write(self, block: memoryview) -> None:
        self._sha256.update(block)
        while block:
            count = os.write(self._descriptor, block)
            self._written += count
            block = block[count:]
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
