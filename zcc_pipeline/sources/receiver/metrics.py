"""What the receiver counts: by intake and result, never by anything that identifies a call or a person."""

from __future__ import annotations

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.inbox import EventSink
from zcc_pipeline.transport.metrics import Registry

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0)  # Zoom gives up after 3 s


class ReceiverMetrics:
    """Metrics of the HTTP intakes and of the inbox behind them."""

    def __init__(self, registry: Registry, inbox: EventSink, clock: Clock) -> None:
        self.requests = registry.counter(
            "zcc_receiver_requests_total", "Requests by intake and how they ended.", ("intake", "result")
        )
        self.seconds = registry.histogram(
            "zcc_receiver_request_seconds", "Time from the head of a request to its answer.", _SECONDS
        )
        self.clock_skew = registry.gauge(
            "zcc_receiver_clock_skew_seconds",
            "Distance between the signed time of the last authentic webhook and this machine's clock.",
        )
        self._inbox, self._clock = inbox, clock
        registry.gauge("zcc_inbox_alive", "1 while events can be kept.", lambda: float(inbox.health().is_alive))
        registry.gauge("zcc_inbox_waiting", "Events not yet on disk.", lambda: float(inbox.health().waiting))
        registry.gauge("zcc_inbox_free_bytes", "Free space where the inbox lies.", lambda: inbox.health().free_bytes)
        registry.gauge(
            "zcc_inbox_last_commit_age_seconds", "Time since an event was last put on disk.", self.last_commit_age
        )

    def last_commit_age(self) -> float | None:
        """Seconds; None before the first event."""
        last = self._inbox.health().last_commit_at
        return None if last is None else (self._clock.now() - last).total_seconds()
