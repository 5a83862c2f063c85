"""What HTTP adds to the errors of ``domain.errors``: the numbers a caller may want to look at."""

from __future__ import annotations

from zcc_pipeline.domain.errors import PermanentError, TransientError


class RequestRefused(PermanentError):
    """The server understood the request and will not answer it, now or later; ``code`` is the vendor's own
    number, if any."""

    def __init__(self, message: str, *, http_status: int, code: int | None = None) -> None:
        super().__init__(message)
        self.http_status = http_status
        self.code = code


class MalformedAnswer(TransientError):
    """A success by its status whose body is not what was promised: cut off, no JSON, an HTML page, an array that
    is none."""
