"""A file as a multipart body that is never in memory whole.

https://developer.salesforce.com/docs/platform/api-rest/guide/dome-sobject-insert-update-blob.html
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import msgspec

from zcc_pipeline.domain.errors import PermanentError
from zcc_pipeline.exports.destination import Attachment

_UNSAFE = re.compile(r'[^\x20-\x7e]|["\\]')


@dataclass(frozen=True, slots=True)
class MultipartBody:
    """Head, file, tail. ``length`` is exact, as Salesforce takes no body in chunks of unknown number."""

    boundary: str
    head: bytes = field(repr=False)
    tail: bytes = field(repr=False)
    attachment: Attachment = field(repr=False)

    @property
    def content_type(self) -> str:
        """With the boundary."""
        return f'multipart/form-data; boundary="{self.boundary}"'

    @property
    def length(self) -> int:
        """Bytes in all."""
        return len(self.head) + self.attachment.size_bytes + len(self.tail)

    async def stream(self) -> AsyncIterator[bytes]:
        """From the first byte. ``PermanentError``, and a body that is cut off, where the file has another size now."""
        yield self.head
        left = self.attachment.size_bytes
        async for piece in self.attachment.open():
            left -= len(piece)
            if left < 0:
                break
            yield piece
        if left != 0:
            raise PermanentError("a file to be attached has another size than it was stored with")
        yield self.tail


def multipart(described: Mapping[str, Any], attachment: Attachment) -> MultipartBody:
    """The two parts that a ContentVersion is made of. The boundary follows from the file's key."""
    boundary = "zcc-" + blake2b(attachment.key.encode(), digest_size=24).hexdigest()
    file_name = _UNSAFE.sub("_", attachment.file_name)
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="entity_content"\r\n'
        "Content-Type: application/json\r\n\r\n"
    ).encode()
    head += msgspec.json.encode(described)
    head += (
        f'\r\n--{boundary}\r\nContent-Disposition: form-data; name="VersionData"; filename="{file_name}"\r\n'
        f"Content-Type: {_UNSAFE.sub('', attachment.media_type)}\r\n\r\n"
    ).encode()
    return MultipartBody(boundary, head, f"\r\n--{boundary}--\r\n".encode(), attachment)
