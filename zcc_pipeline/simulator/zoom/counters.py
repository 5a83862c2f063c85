"""What the stand-in counted; shown by the control route."""

from __future__ import annotations

from collections import Counter


class Counters:
    """Calls and mishaps since the start."""

    def __init__(self) -> None:
        self.by_route: Counter[str] = Counter()
        self.by_label: Counter[str] = Counter()
        self.rate_limited: Counter[str] = Counter()
        self.leaked_tokens = 0
        """Bearer tokens that arrived at the file host, where none may go."""
        self.files_served = 0
        self.bytes_served = 0

    def count_request(self, route: str, label: str) -> None:
        """One API call."""
        self.by_route[route] += 1
        self.by_label[label] += 1

    def as_dict(self) -> dict[str, object]:
        """For the control route."""
        return {
            "requests": {"by_route": dict(self.by_route), "by_label": dict(self.by_label)},
            "rate_limited": dict(self.rate_limited),
            "leaked_tokens": self.leaked_tokens,
            "files_served": self.files_served,
            "bytes_served": self.bytes_served,
        }
