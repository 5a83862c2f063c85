"""Files at the source as the file store reads them: from any offset, and only while the content is the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Body(Protocol):
    """One answer to a download, its head read and its bytes still to come."""

    @property
    def status(self) -> int:
        """HTTP status: 200 for the whole file, 206 for the part asked for."""
        ...

    @property
    def total_size(self) -> int | None:
        """Bytes of the whole file (also where this is only a part); None where the server does not say."""
        ...

    @property
    def etag(self) -> str | None:
        """The server's strong name for this content, quotes included; None where it gives none."""
        ...

    @property
    def media_type(self) -> str | None:
        """The declared type without parameters: a hint, often ``application/octet-stream``."""
        ...

    @property
    def file_name(self) -> str | None:
        """The name the server suggests: a hint, never a path."""
        ...

    @property
    def is_partial(self) -> bool:
        """Whether the bytes begin at the offset asked for; False means they begin at zero."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The bytes, in order. Raises ``TransientError`` where they break off before the announced size."""
        ...


class ByteSource(Protocol):
    """A file at the source that can be read again from any offset."""

    def open(self, offset: int, etag: str | None) -> AbstractAsyncContextManager[Body]:
        """Start a download at ``offset`` bytes; with ``etag`` only if the content is still that one (``If-Range``).

        Raises ``NotFound`` where the source has no such file, ``TransientError`` where trying again may help.
        """
        ...
