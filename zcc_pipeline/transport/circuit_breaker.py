"""A circuit breaker: patience with one outage is spent once, not by every call anew.

Each call tries again for a while, which carries a run over a short outage. Over a long one thousands of calls would
each be patient by themselves, one after the other, for hours. Written here for the reason told in ``retry``: it goes by
the injected clock.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import HostUnreachable, QuotaExhausted, TransientError, ZccPipelineError

T = TypeVar("T")


class CircuitBreaker:
    """Lets calls through until they have been given up for ``patience_seconds``, one after the other and none answered;
    from then on they fail at once, and ``probe_seconds`` after the last was given up the next goes to see. Any answer,
    a refusal too, closes it again, and so does as long a time in which nobody asked.

    Shared by everybody who calls the same service. A call counts as unanswered when it is given up, with all its
    repetitions: a record that fails for itself is outweighed by the next one that does not.
    """

    def __init__(self, clock: Clock, *, patience_seconds: float = 300.0, probe_seconds: float = 30.0) -> None:
        self._clock = clock
        self._patience = patience_seconds
        self._probe = probe_seconds
        self._away_since: float | None = None
        self._given_up_at = 0.0
        self._next_probe = 0.0
        self._reason = ""

    async def call(self, operation: Callable[[], Awaitable[T]]) -> T:
        """Run it, unless there is no point: then ``HostUnreachable`` tells since when and why."""
        self._refuse_if_pointless()
        began = self._clock.monotonic()
        try:
            result = await operation()
        except QuotaExhausted:
            self._away_since = None
            raise
        except TransientError as error:
            self._note_given_up(began, error)
            raise
        except ZccPipelineError:
            self._away_since = None
            raise
        self._away_since = None
        return result

    def _refuse_if_pointless(self) -> None:
        now = self._clock.monotonic()
        if now - self._given_up_at > self._patience:
            self._away_since = None  # what was known is old
        if self._away_since is None or self._given_up_at - self._away_since < self._patience:
            return
        if now >= self._next_probe:
            self._next_probe = now + self._probe  # the others do not follow while it is on its way
            return
        minutes = (now - self._away_since) / 60
        raise HostUnreachable(f"not asked: no answer of use for {minutes:.0f} minutes (last: {self._reason})")

    def _note_given_up(self, began: float, error: TransientError) -> None:
        self._reason = str(error)
        self._given_up_at = self._clock.monotonic()
        self._next_probe = self._given_up_at + self._probe
        if self._away_since is None:
            self._away_since = began
