"""Stored recordings and voicemails as attachments read them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from zcc_pipeline.landing import FileStore

_MEBIBYTE = 1 << 20


class StoredFiles:
    """Reads files of the store piece by piece, without holding up the event loop."""

    def __init__(self, store: FileStore) -> None:
        self._store = store

    async def read(self, path: str) -> AsyncIterator[bytes]:
        """The file's bytes, at most a mebibyte at a time. ``FileNotFoundError`` where it is not there any more."""
        stream = await asyncio.to_thread(self._store.open, path)
        try:
            while piece := await asyncio.to_thread(stream.read, _MEBIBYTE):
                yield piece
        finally:
            stream.close()
