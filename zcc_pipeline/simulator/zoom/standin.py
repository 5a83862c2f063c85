"""The state of one running stand-in: the account and everything around it that answers depend on."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import urlsplit

from zcc_pipeline.simulator.zoom.account.account import Account
from zcc_pipeline.simulator.zoom.account.downloads import find_media
from zcc_pipeline.simulator.zoom.account.media import Media
from zcc_pipeline.simulator.zoom.account.truth import write_truth
from zcc_pipeline.simulator.zoom.counters import Counters
from zcc_pipeline.simulator.zoom.faults import PROFILES, FaultKind, FaultProfile, Faults
from zcc_pipeline.simulator.zoom.listing import RowCache
from zcc_pipeline.simulator.zoom.oauth import Tokens
from zcc_pipeline.simulator.zoom.options import SimulatorOptions
from zcc_pipeline.simulator.zoom.paging import PageTokens
from zcc_pipeline.simulator.zoom.push.pusher import Pusher
from zcc_pipeline.simulator.zoom.push.websocket import WebSocketHub
from zcc_pipeline.simulator.zoom.rate_limits import RateLimits

_REPEATED_TOKENS_IN_ALL = 5
_FILES_KEPT = 16


class ZoomStandIn:
    """One account behind one server. Clocks come from outside; the account has its own time, which only control
    moves.
    """

    def __init__(
        self,
        options: SimulatorOptions,
        account: Account,
        *,
        base_url: str,
        scopes: frozenset[str],
        monotonic: Callable[[], float],
        wall_clock: Callable[[], datetime],
    ) -> None:
        self.options = options
        self.account = account
        self.base_url = base_url
        """Scheme, host and port, without ``/v2``."""
        self.api_url = f"{base_url}/v2"
        self.file_url = f"http://{_file_host(options, base_url)}:{urlsplit(base_url).port}"
        self.monotonic = monotonic
        self.latency_seconds = options.latency_ms / 1000
        self.drip_seconds = options.drip_seconds
        self.secret = hashlib.blake2b(b"%d" % options.spec.seed, person=b"zcc-stand-in").digest()
        self.counters = Counters()
        self.rows = RowCache()
        self.faults = Faults(PROFILES[options.faults], seed=options.fault_seed)
        self.tokens = Tokens(
            accepted=options.credentials,
            scopes=scopes if options.scopes is None else options.scopes,
            lifetime_seconds=options.token_lifetime_seconds,
            api_url=base_url,
            secret=self.secret,
            monotonic=monotonic,
        )
        self.page_tokens = PageTokens(
            secret=self.secret, lifetime_seconds=options.page_token_lifetime_seconds, monotonic=monotonic
        )
        self.limits = RateLimits(
            options.plan, monotonic=monotonic, wall_clock=wall_clock, heavy_per_day=options.heavy_calls_per_day
        )
        self.hub = WebSocketHub(self.tokens)
        self.pusher = Pusher(account, self.hub, base_url=self.api_url, monotonic=monotonic, wall_clock=wall_clock)
        self._wall_clock = wall_clock
        self._date = (0, b"")
        self._revision = 0
        self._answers = 0
        self._media: OrderedDict[tuple[str, str, datetime], Media] = OrderedDict()
        self.write_truth()

    def account_now(self) -> datetime:
        """The account's own time, in whole seconds so that answers within a second can share what was rendered."""
        return self.account.now().replace(microsecond=0)

    def account_state(self) -> object:
        """Changes with anything that answers could show differently."""
        return self._revision

    def changed(self) -> None:
        """Note that control changed the account: cached answers go, the truth file is written anew."""
        self._revision += 1
        self._media.clear()
        self.write_truth()

    def write_truth(self) -> None:
        """Write the truth file, where one is wanted."""
        if self.options.truth_path is not None:
            self.options.truth_path.parent.mkdir(parents=True, exist_ok=True)
            write_truth(self.options.truth_path, self.account, self.account.now())

    def set_faults(self, profile: FaultProfile) -> None:
        """Other faults from now on."""
        self.faults.set_profile(profile)
        self._date = (0, b"")

    def repeats_page_token(self, listing: str, offset: int) -> bool:
        """Whether this page of a listing hands out the token it was asked with; a few times in all."""
        if not self.faults.is_active or self.faults.counts[FaultKind.REPEATED_PAGE_TOKEN] >= _REPEATED_TOKENS_IN_ALL:
            return False
        return self.faults.once(FaultKind.REPEATED_PAGE_TOKEN, listing, unit=f"{listing}#{offset}")

    def address_moment(self, at: datetime) -> datetime:
        """``at`` with a fraction that differs from answer to answer: download addresses are made anew from it each
        time.
        """
        self._answers += 1
        return at.replace(microsecond=self._answers % 1_000_000)

    def media(self, kind: str, key: str) -> Media | None:
        """The file behind a download address now; the last few are kept, as a redirect is followed at once."""
        at = self.account_now()
        asked = (kind, key, at)
        found = self._media.get(asked)
        if found is None:
            found = find_media(self.account, kind, key, at)
            if found is not None:
                self._media[asked] = found
                if len(self._media) > _FILES_KEPT:
                    self._media.popitem(last=False)
        return found

    def date_header(self) -> bytes:
        """The server's own idea of the time, rendered once a second."""
        now = self._wall_clock()
        second = int(now.timestamp())
        if second != self._date[0]:
            shown = now.astimezone(UTC) + timedelta(seconds=self.faults.profile.clock_skew_seconds)
            self._date = (second, format_datetime(shown, usegmt=True).encode())
        return self._date[1]


def _file_host(options: SimulatorOptions, base_url: str) -> str:
    if options.file_host:
        return options.file_host
    return "127.0.0.1" if urlsplit(base_url).hostname == "localhost" else "localhost"
