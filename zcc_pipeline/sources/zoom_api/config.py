"""What the client must be told, and Zoom's rate limits for Contact Center."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from zcc_pipeline.domain.datasets import Label
from zcc_pipeline.transport import RetryPolicy, Timeouts

Plan = Literal["pro", "business", "unlimited"]
GrantType = Literal["account_credentials", "client_credentials"]

RATES_PER_SECOND: dict[str, dict[Label, int]] = {
    "pro": {Label.LIGHT: 20, Label.MEDIUM: 10, Label.HEAVY: 5},
    "business": {Label.LIGHT: 40, Label.MEDIUM: 20, Label.HEAVY: 10},
}
"""Calls per second and account (https://developers.zoom.us/docs/api/rate-limits/, the Contact Center table)."""

HEAVY_PER_DAY: dict[str, int] = {"pro": 15_000, "business": 30_000}
"""HEAVY calls per day and account, shared with every other app of the account (same page)."""


@dataclass(frozen=True, slots=True)
class ZoomCredentials:
    """A server-to-server OAuth app. ``client_credentials`` is for general apps, which have no account id to name."""

    account_id: str
    client_id: str
    client_secret: str = field(repr=False)
    grant_type: GrantType = "account_credentials"


@dataclass(frozen=True, slots=True)
class ZoomApiConfig:
    """Where Zoom is, how fast it may be asked, and who may see the token."""

    api_url: str = "https://api.zoom.us/v2"
    oauth_url: str = "https://zoom.us/oauth/token"
    plan: Plan = "pro"
    rate_share: float = 0.8
    """Share of the account's limits that this pipeline takes, in (0, 1]."""
    download_hosts: tuple[str, ...] = ("zoom.us",)
    """Hosts, and all below them, that may see the token when a file is fetched; ``host:port`` binds the port too."""
    max_concurrency: int = 16
    """Calls under way at once."""
    timeouts: Timeouts = field(default_factory=Timeouts)
    retries: RetryPolicy = field(default_factory=RetryPolicy)

    def __post_init__(self) -> None:
        if not 0 < self.rate_share <= 1:
            raise ValueError(f"rate_share must be above 0 and at most 1, not {self.rate_share}")
        if self.max_concurrency < 1:
            raise ValueError(f"max_concurrency must be at least 1, not {self.max_concurrency}")

    def calls_per_second(self, label: Label) -> float:
        """What this pipeline may use of a label; infinite without limits."""
        if self.plan == "unlimited":
            return math.inf
        return RATES_PER_SECOND[self.plan][label] * self.rate_share

    def heavy_calls_per_day(self) -> int | None:
        """What this pipeline may use of the daily budget; ``None`` without limits."""
        return None if self.plan == "unlimited" else int(HEAVY_PER_DAY[self.plan] * self.rate_share)
