"""Files on their way into a comment: a token for 60 minutes, good once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from zcc_pipeline.simulator.crm.zendesk.refusals import InvalidRecordError, refuse

LARGEST_BYTES = 50 * 1024 * 1024


@dataclass(slots=True)
class Attachment:
    """One file; its bytes are kept by length and digest only where a test does not ask for more."""

    id: int
    file_name: str
    media_type: str
    content: bytes = field(repr=False)

    def as_json(self, base_url: str) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "id": self.id,
            "file_name": self.file_name,
            "content_type": self.media_type,
            "content_url": f"{base_url}/attachments/token/{self.id}",
            "size": len(self.content),
        }


class Uploads:
    """What was uploaded and is not in a comment yet."""

    def __init__(self, *, next_id: Callable[[], int], monotonic: Callable[[], float], token_seconds: float) -> None:
        self._next_id, self._monotonic, self._seconds = next_id, monotonic, token_seconds
        self._waiting: dict[str, tuple[float, Attachment]] = {}

    def add(self, file_name: str, media_type: str, content: bytes) -> tuple[str, Attachment]:
        """Keep a file; its token."""
        if not file_name:
            raise refuse(400, "InvalidParameter", "filename is required")
        if len(content) > LARGEST_BYTES:
            raise refuse(422, "AttachmentTooLarge", "The file is larger than 50 MB")
        attachment = Attachment(self._next_id(), file_name, media_type, content)
        token = f"upload{attachment.id:08d}"
        self._waiting[token] = (self._monotonic() + self._seconds, attachment)
        return token, attachment

    def check(self, tokens: list[str]) -> None:
        """Raises where one of these is unknown, used or too old."""
        for token in tokens:
            until, _ = self._waiting.get(token, (float("-inf"), None))
            if self._monotonic() >= until:
                raise InvalidRecordError("uploads", "the upload token is invalid or has expired")

    def take(self, tokens: list[str]) -> list[Attachment]:
        """The files of these tokens, which are good no more."""
        self.check(tokens)
        return [self._waiting.pop(token)[1] for token in tokens]
