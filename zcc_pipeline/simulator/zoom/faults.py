"""What goes wrong, how often, and never for ever.

Whether a call fails is decided by the fault seed, the call itself (operation, filters, page) and how often it was
made before: not by the order in which calls arrive. Each call suffers at most ``per_call`` faults in a server's life
and each listing at most one dead and one repeated page token, so a client that retries a few times and restarts a
broken listing always gets everything.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

FaultProfileName = Literal["none", "realistic", "harsh"]


class FaultKind(StrEnum):
    """Everything that can be injected; the control route counts by these names."""

    SERVER_ERROR = "server_error"
    """HTTP 500, 502 or 503."""
    CONNECTION_RESET = "connection_reset"
    """A TCP reset in mid body."""
    SHORT_BODY = "short_body"
    """The connection closes before Content-Length is reached."""
    SLOW_DRIP = "slow_drip"
    """The body comes in crumbs."""
    HTML_PAGE = "html_page"
    """A maintenance page with status 200."""
    RATE_LIMITED_BY_OTHERS = "rate_limited_by_others"
    """Another app of the account used up the second."""
    TOKEN_REVOKED = "token_revoked"  # noqa: S105
    """The bearer token dies before its time."""
    DUPLICATE_ROWS = "duplicate_rows"
    """A page begins with the row that ended the page before."""
    REPEATED_PAGE_TOKEN = "repeated_page_token"  # noqa: S105
    """A page answers with the token that asked for it."""
    EXPIRED_PAGE_TOKEN = "expired_page_token"  # noqa: S105
    """A page token dies in the middle of a listing."""
    NOT_YET_THERE = "not_yet_there"
    """A file, or what belongs to an engagement that just ended, answers 404 once."""


@dataclass(frozen=True, slots=True)
class FaultProfile:
    """Chances per call, and the bounds."""

    chances: dict[FaultKind, float] = field(default_factory=dict)
    per_call: int = 0
    """Transport faults that one call can suffer, ever."""
    calls_per_token: int | None = None
    """A token is revoked after so many calls."""
    clock_skew_seconds: int = 0
    """Added to the ``Date`` header."""


PROFILES: dict[FaultProfileName, FaultProfile] = {
    "none": FaultProfile(),
    "realistic": FaultProfile(
        chances={
            FaultKind.SERVER_ERROR: 0.004,
            FaultKind.CONNECTION_RESET: 0.001,
            FaultKind.SHORT_BODY: 0.001,
            FaultKind.SLOW_DRIP: 0.001,
            FaultKind.HTML_PAGE: 0.0005,
            FaultKind.RATE_LIMITED_BY_OTHERS: 0.002,
            FaultKind.DUPLICATE_ROWS: 0.01,
            FaultKind.EXPIRED_PAGE_TOKEN: 0.001,
            FaultKind.NOT_YET_THERE: 0.003,
        },
        per_call=1,
        calls_per_token=5000,
        clock_skew_seconds=2,
    ),
    "harsh": FaultProfile(
        chances={
            FaultKind.SERVER_ERROR: 0.04,
            FaultKind.CONNECTION_RESET: 0.02,
            FaultKind.SHORT_BODY: 0.02,
            FaultKind.SLOW_DRIP: 0.005,
            FaultKind.HTML_PAGE: 0.01,
            FaultKind.RATE_LIMITED_BY_OTHERS: 0.02,
            FaultKind.DUPLICATE_ROWS: 0.1,
            FaultKind.REPEATED_PAGE_TOKEN: 0.01,
            FaultKind.EXPIRED_PAGE_TOKEN: 0.02,
            FaultKind.NOT_YET_THERE: 0.03,
        },
        per_call=2,
        calls_per_token=400,
        clock_skew_seconds=97,
    ),
}

_TRANSPORT = (
    FaultKind.SERVER_ERROR,
    FaultKind.HTML_PAGE,
    FaultKind.RATE_LIMITED_BY_OTHERS,
    FaultKind.CONNECTION_RESET,
    FaultKind.SHORT_BODY,
    FaultKind.SLOW_DRIP,
)


class Faults:
    """Decides and counts."""

    def __init__(self, profile: FaultProfile, *, seed: int) -> None:
        self._seed = str(seed).encode()
        self.counts: Counter[str] = Counter()
        self.set_profile(profile)

    def set_profile(self, profile: FaultProfile) -> None:
        """Change what may go wrong from now on; the bounds count afresh, the totals go on."""
        self.profile = profile
        self._tries: Counter[str] = Counter()
        self._suffered: Counter[str] = Counter()
        self.is_active = bool(profile.chances)

    def on_transport(self, call: str) -> FaultKind | None:
        """Fault of this try of a call, if any."""
        if not self.is_active or self._suffered[call] >= self.profile.per_call:
            return None
        self._tries[call] += 1
        roll = self._roll("transport", call, self._tries[call])
        for kind in _TRANSPORT:
            chance = self.profile.chances.get(kind, 0.0)
            if roll < chance:
                self._suffered[call] += 1
                self.counts[kind] += 1
                return kind
            roll -= chance
        return None

    def once(self, kind: FaultKind, subject: str, *, unit: str | None = None) -> bool:
        """Whether ``kind`` strikes here: at most once for each ``subject``, rolled for each ``unit`` of it."""
        chance = self.profile.chances.get(kind, 0.0)
        marker = f"{kind}:{subject}"
        if not chance or self._suffered[marker] or self._roll(kind, unit or subject, 0) >= chance:
            return False
        self._suffered[marker] += 1
        self.counts[kind] += 1
        return True

    def revokes_token(self, calls_with_token: int) -> bool:
        """Whether a token dies at this call."""
        limit = self.profile.calls_per_token
        if limit is None or calls_with_token != limit:
            return False
        self.counts[FaultKind.TOKEN_REVOKED] += 1
        return True

    def server_error_status(self, call: str) -> int:
        """500, 502 or 503."""
        return (500, 502, 503)[int(self._roll("status", call, self._tries[call]) * 3)]

    def _roll(self, kind: str, subject: str, turn: int) -> float:
        digest = hashlib.blake2b(b"|".join((self._seed, kind.encode(), subject.encode(), b"%d" % turn)), digest_size=7)
        return int.from_bytes(digest.digest(), "big") / 2**56
