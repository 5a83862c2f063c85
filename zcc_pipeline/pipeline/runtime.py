"""What every verb works with: rooms opened once from plain values, closed together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

import pyarrow as pa
from ulid import ULID

from zcc_pipeline.archive.opening import Archive, ArchiveAccess
from zcc_pipeline.domain.clock import Clock, SystemClock
from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.domain.ports import Progress, Silence
from zcc_pipeline.domain.suppression import SuppressionList
from zcc_pipeline.domain.window import day_of, trailing_days
from zcc_pipeline.landing import FileStore, Lake, S3Options, Storage, open_storage
from zcc_pipeline.pipeline.card_data import CardDataPolicy, CardDataScreen
from zcc_pipeline.pipeline.crms import CrmAccess
from zcc_pipeline.reconciliation import BusinessHours
from zcc_pipeline.sources.receiver import ReceiverConfig
from zcc_pipeline.sources.zoom_api import ZoomApi, ZoomApiConfig, ZoomCredentials
from zcc_pipeline.sources.zoom_api.config import GrantType
from zcc_pipeline.sources.zoom_api.quota_pause import QuotaPause
from zcc_pipeline.state import StateStore
from zcc_pipeline.transport import CircuitBreaker
from zcc_pipeline.warehouse import Warehouse, WarehouseConfig


@dataclass(frozen=True, slots=True)
class Alerts:
    """From where on checks warn about what is pushed."""

    coverage_share: float = 0.95
    """Share of due events that must arrive."""
    latency: timedelta = timedelta(minutes=5)
    """From event to lake, within which 95 % must be."""
    business_hours: BusinessHours = BusinessHours.parse("mon-fri 08:00-18:00")  # noqa: RUF009 - immutable
    silence: timedelta = timedelta(hours=4)
    """Business time without any event or challenge."""


@dataclass(frozen=True)
class PipelineConfig:
    """Plain values; ``settings`` makes them from the environment, tests by hand."""

    home: Path
    timezone: ZoneInfo
    start_date: date
    """First day of interest, as set or counted from today."""
    lookback_days: int
    deep_lookback_days: int
    zoom: ZoomApiConfig
    credentials: ZoomCredentials | None
    state_url: str = field(repr=False)
    lake_url: str
    files_url: str
    s3: S3Options | None
    warehouse: WarehouseConfig
    inbox_url: str = field(repr=False)
    inbox_retention_days: int
    receiver: ReceiverConfig
    websocket_url: str | None = field(repr=False)
    websocket_grant: GrantType = "account_credentials"
    alerts: Alerts = field(default_factory=Alerts)
    exports: Mapping[str, CrmAccess] = field(default_factory=dict)
    """CRMs of which something is set, by name."""
    crm_mapping: Path | None = None
    """The mapping file; None for the one that comes along."""
    card_data: CardDataPolicy | None = None
    """What becomes of texts with card data; None where nobody looks for any."""
    archive: ArchiveAccess | None = None
    """Where the compliance archive lies; None for a folder under ``home``."""
    look_back_limit: date | None = None
    """The start date that somebody set: no look-back reaches before it. One that moves along with today is none."""


def new_ulid() -> str:
    """A sortable id for a file or a batch."""
    return str(ULID())


class Runtime:
    """Rooms of one run. Use it as a context manager; rooms open when first used."""

    def __init__(
        self,
        config: PipelineConfig,
        *,
        clock: Clock | None = None,
        new_id: Callable[[], str] = new_ulid,
        progress: Progress | None = None,
    ) -> None:
        self.config = config
        self.clock = clock or SystemClock()
        self.new_id = new_id
        self.progress: Progress = progress or Silence()
        self.waits_for_quota = False
        """Whether reading goes on once a used-up quota is refilled, hours later; else what is left fails at once."""
        self._pause = QuotaPause(self.clock, self.progress)
        self._breaker, self._file_breaker = CircuitBreaker(self.clock), CircuitBreaker(self.clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close what was opened."""
        if "state" in self.__dict__:
            self.state.close()
            del self.__dict__["state"]
        if "warehouse" in self.__dict__:
            self.warehouse.close()

    @cached_property
    def state(self) -> StateStore:
        """The ledgers; refused where data has landed in days of another time zone."""
        self.config.home.mkdir(parents=True, exist_ok=True)
        state = StateStore.open(self.config.state_url, keys_folder=self.config.home / "keys")
        if state.settings.timezone() is not None:
            state.settings.freeze_timezone(self.config.timezone.key)
        return state

    @cached_property
    def lake(self) -> Lake:
        """The lake, seeded so that a glob never fails."""
        # Arrow's own allocator keeps what it ever needed beside what Python keeps: 70 MB more in a pull.
        pa.set_memory_pool(pa.system_memory_pool())
        storage = self._open(self.config.lake_url)
        lake = Lake(storage, timezone=self.config.timezone, clock=self.clock, new_id=self.new_id)
        lake.ensure_seeded(DATASETS.values())
        lake.suppressed = self.suppressed
        if self.config.card_data is not None:
            lake.screen = CardDataScreen(
                lake, lambda: self.state.quarantine, self.clock, self.config.timezone, self.config.card_data
            ).of
        return lake

    def suppressed(self) -> SuppressionList:
        """What was erased as of now: no record of it lands, is asked for or is handed on."""
        return self.state.suppression.snapshot()

    @cached_property
    def files(self) -> FileStore:
        """The store of media and transcripts."""
        return FileStore(self._open(self.config.files_url), clock=self.clock)

    def _open(self, url: str) -> Storage:
        """Parts on their way to a bucket wait under home: a recording may be larger than the system's scratch space."""
        return open_storage(url, s3=self.config.s3, scratch=self.config.home / "scratch")

    @cached_property
    def warehouse(self) -> Warehouse:
        """The models and the analysts' copy."""
        return Warehouse(self.config.warehouse)

    @cached_property
    def archive(self) -> Archive:
        """The compliance archive; nothing of it is made before something is archived."""
        home, access = self.config.home, self.config.archive
        if access is None:
            account = self.config.credentials.account_id if self.config.credentials else None
            access = ArchiveAccess(str(home / "archive"), account, home / "archive-keys")
        return Archive(access, clock=self.clock)

    def zoom(self, *, live: bool = False, lands: bool = True) -> ZoomApi:
        """A client of the API, to be entered by the caller; ``live`` work may use the reserve of the rate limits.

        What is read will land unless ``lands`` is off, and with the first landing the time zone is fixed.
        """
        credentials = self.require_credentials()
        if lands:
            self.state.settings.freeze_timezone(self.config.timezone.key)
        return ZoomApi(
            self.config.zoom,
            credentials,
            budget=self.state.budget,
            clock=self.clock,
            live=live,
            breaker=self._breaker,
            file_breaker=self._file_breaker,
            pause=self._pause if self.waits_for_quota and not live else None,
        )

    def require_credentials(self) -> ZoomCredentials:
        """Credentials for Zoom, or a ``ConfigurationError`` that names what to set; touches nothing else."""
        if self.config.credentials is None:
            raise ConfigurationError(
                "ZCC_ZOOM_ACCOUNT_ID, ZCC_ZOOM_CLIENT_ID, ZCC_ZOOM_CLIENT_SECRET",
                "all three are needed to read from Zoom",
                purpose="credentials of a server-to-server OAuth app (or run `zcc demo`, which needs none)",
            )
        return self.config.credentials

    def today(self) -> date:
        """The current day in the account's time zone."""
        return day_of(self.clock.now(), self.config.timezone)

    def trailing_days(self, count: int) -> tuple[date, date]:
        """The last ``count`` days up to today, not before a start date that was set."""
        return trailing_days(self.today(), count, limit=self.config.look_back_limit)
