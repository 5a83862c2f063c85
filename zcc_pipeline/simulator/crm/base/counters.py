"""What a stand-in counted; shown by the control route."""

from __future__ import annotations

from collections import Counter


class Counters:
    """Since the start, or since they were set back."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start over."""
        self.by_route: Counter[str] = Counter()
        self.by_label: Counter[str] = Counter()
        """API calls by the rate limit that they fall under."""
        self.by_status: Counter[int] = Counter()
        self.changes: Counter[str] = Counter()
        """What handlers say they did with records: created, updated, refused, appended …"""
        self.api_calls = 0
        """Calls that need a token, whatever became of them."""
        self.writes = 0
        """Calls that wrote: answered with success, or carried out and never answered."""
        self.limited = 0
        self.unanswered = 0

    def as_dict(self) -> dict[str, object]:
        """For the control route."""
        return {
            "api_calls": self.api_calls,
            "writes": self.writes,
            "limited": self.limited,
            "unanswered": self.unanswered,
            "by_route": dict(self.by_route),
            "by_label": dict(self.by_label),
            "by_status": {str(status): count for status, count in self.by_status.items()},
            "changes": dict(self.changes),
        }
