"""Errors sorted by what the caller must do, not by where they came from.

``TransientError`` try again; ``PermanentError`` stop this piece of work and report; ``RecordRejected`` set one record
aside in quarantine and go on; ``ConfigurationError`` tell the operator which setting to change.
No message may carry a secret or personal data: they are printed and logged as they are.
"""

from __future__ import annotations

from pathlib import Path
from traceback import extract_tb


class ZccPipelineError(Exception):
    """Root of every error this package raises on purpose."""


class TransientError(ZccPipelineError):
    """The same call may succeed later."""

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class HostUnreachable(TransientError):
    """No connection to the host: it has no address, nobody listens, or it is not who it should be."""


class QuotaExhausted(TransientError):
    """A daily budget is used up; ``retry_after_seconds`` tells when it is refilled. Burns no retries."""


class PermanentError(ZccPipelineError):
    """The same call will fail again."""


class NotFound(PermanentError):
    """The source says that the thing does not exist (or not yet); ``code`` is the vendor's own number, if any."""

    def __init__(self, message: str, *, http_status: int, code: int | None = None) -> None:
        super().__init__(message)
        self.http_status = http_status
        self.code = code


class ScopeMissing(PermanentError):
    """The token is valid but lacks a scope; ``scopes`` names what would do."""

    def __init__(self, message: str, *, scopes: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.scopes = scopes


class WindowFailed(PermanentError):
    """One window could not be listed (repeated page token, cut listing); the run goes on with the others."""


class RecordRejected(ZccPipelineError):
    """One record cannot be processed; it goes to quarantine with this reason and the rest goes on."""


class ConfigurationError(ZccPipelineError):
    """A setting is missing or wrong: names it, says what it is for, and shows an example."""

    def __init__(self, setting: str, problem: str, *, purpose: str = "", example: str = "") -> None:
        lines = [f"{setting}: {problem}"]
        if purpose:
            lines.append(f"  what it is for: {purpose}")
        if example:
            lines.append(f"  example: {setting}={example}")
        super().__init__("\n".join(lines))
        self.setting = setting


def describe_unexpected(error: Exception) -> str:
    """An error that nobody raised on purpose, by its type and the last place of ours.

    Only the operating system's own words are repeated: any other message may quote a customer's record.
    """
    what = type(error).__name__
    if isinstance(error, OSError) and error.strerror:
        what = f"{what}: {error.strerror}" + (f" ({error.filename})" if error.filename else "")
    ours = [frame for frame in extract_tb(error.__traceback__) if "zcc_pipeline" in Path(frame.filename).parts]
    where = f" in {Path(ours[-1].filename).name}, line {ours[-1].lineno}" if ours else ""
    return f"unexpected {what}{where}"
