"""A download on its way to disk: written and hashed in threads while the next bytes arrive."""

from __future__ import annotations

import asyncio
import hashlib
import os
from asyncio import Future
from pathlib import Path

from zcc_pipeline.landing.sniffing import HEAD_BYTES

_BLOCK_BYTES = 1 << 20
"""Handed to the threads at once: so large that hashing, without the interpreter's lock, outweighs the handing over."""


class PartFile:
    """Bytes appended in order, with both digests of exactly what is in the file.

    SHA-256 names the file, SHA-512 goes into the archive's inventory; computing both now saves reading the file again.
    Two lanes of one block each run beside the download: one writes and hashes SHA-256, the other SHA-512.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._lanes: list[Future[None]] = []
        self._block = bytearray()
        self.head = b""
        self.size_bytes = 0
        self._sha256, self._sha512 = hashlib.sha256(), hashlib.sha512()

    async def append(self, chunk: bytes) -> None:
        """Take bytes in; waits while the lanes are behind, so that memory stays flat."""
        if len(self.head) < HEAD_BYTES:
            self.head += chunk[: HEAD_BYTES - len(self.head)]
        self.size_bytes += len(chunk)
        self._block += chunk
        if len(self._block) >= _BLOCK_BYTES:
            await self._hand_over()

    async def settle(self) -> None:
        """Wait until everything appended is written and hashed."""
        if self._block:
            await self._hand_over()
        await self._wait_for_lanes()

    async def restart(self) -> None:
        """Forget everything: the next bytes are the first ones."""
        self._block = bytearray()
        await self._wait_for_lanes()
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        self.head, self.size_bytes = b"", 0
        self._sha256, self._sha512 = hashlib.sha256(), hashlib.sha512()

    async def finish(self) -> tuple[str, str]:
        """Wait until the disk has it; returns SHA-256 and SHA-512 in hexadecimal."""
        await self.settle()
        await asyncio.to_thread(os.fsync, self._descriptor)
        return self._sha256.hexdigest(), self._sha512.hexdigest()

    async def close(self) -> None:
        """Let go of the file, and remove it if nobody has published it."""
        if self._lanes:
            await asyncio.wait(self._lanes)  # threads must not write to a descriptor that has got another file
        os.close(self._descriptor)
        self.path.unlink(missing_ok=True)

    async def _hand_over(self) -> None:
        block, self._block = self._block, bytearray()
        await self._wait_for_lanes()
        loop = asyncio.get_running_loop()
        self._lanes = [
            loop.run_in_executor(None, self._write, block),
            loop.run_in_executor(None, self._sha512.update, block),
        ]

    async def _wait_for_lanes(self) -> None:
        if self._lanes:
            await asyncio.wait(self._lanes)
            lanes, self._lanes = self._lanes, []
            for lane in lanes:
                lane.result()

    def _write(self, block: bytearray) -> None:
        self._sha256.update(block)
        view = memoryview(block)
        while view:
            view = view[os.write(self._descriptor, view) :]
