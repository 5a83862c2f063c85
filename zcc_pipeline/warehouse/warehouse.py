"""The room's front door."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from pathlib import Path

from zcc_pipeline.domain.clock import Clock, SystemClock
from zcc_pipeline.warehouse.build import BuildResult, run_build
from zcc_pipeline.warehouse.config import WarehouseConfig
from zcc_pipeline.warehouse.dbt import DbtProcess
from zcc_pipeline.warehouse.lock import warehouse_lock
from zcc_pipeline.warehouse.manifest import ensure_manifest
from zcc_pipeline.warehouse.project import project_dir
from zcc_pipeline.warehouse.publish import PublishedView, PublishResult, publish_marts
from zcc_pipeline.warehouse.withholding import withheld_by


class Warehouse:
    """The warehouse of one account: only this writes it.

    ``lock_wait_seconds`` bounds the wait for another process that builds or publishes.
    """

    def __init__(
        self, config: WarehouseConfig, *, clock: Clock | None = None, lock_wait_seconds: float = 600.0
    ) -> None:
        self.config = config
        self._clock = clock or SystemClock()
        self._wait = lock_wait_seconds
        self._ahead: DbtProcess | None = None

    def close(self) -> None:
        """End what was started and not used."""
        if self._ahead is not None:
            self._ahead.close()
            self._ahead = None

    def get_ready(self) -> None:
        """Start dbt for the next build beside what is done until then; the caller closes the warehouse.

        Nothing is locked by that. It takes a process and its memory until the build, or ``close``, comes.
        """
        self.close()
        self._ahead = DbtProcess(self.config, project_dir(), reads_ahead=True)

    def lock(self, purpose: str) -> AbstractContextManager[int]:
        """Hold the warehouse against builds and publishing, for example while compacting; yields the lock's
        descriptor.
        """
        return warehouse_lock(self.config.warehouse_path, purpose=purpose, clock=self._clock, wait_seconds=self._wait)

    def build(
        self,
        *,
        full_refresh: bool = False,
        select: str | None = None,
        verified_days: Mapping[date, datetime] | None = None,
    ) -> BuildResult:
        """Load what is new in the lake, rebuild what it changes, run the tests.

        ``select`` is dbt's selection; without it everything is built. ``verified_days`` says when each day was last
        checked completely (aware times); the marts carry it. Tests that fail are in the result. Raises
        ``PermanentError`` where a model cannot be built, and ``WarehouseBusy`` where another process keeps the lock
        too long.
        """
        try:
            return run_build(
                self.config,
                clock=self._clock,
                lock_wait_seconds=self._wait,
                full_refresh=full_refresh,
                select=select,
                verified_days=verified_days or {},
                ahead=self._ahead,
            )
        finally:
            self.close()

    def withheld_by(self, result: BuildResult) -> tuple[str, ...]:
        """Names of tests that failed and models that were left out, because of which nothing is to be published."""
        return withheld_by(json.loads(self.manifest_path().read_text()), result.nodes)

    def publish(self, *, views: Sequence[PublishedView] = ()) -> PublishResult:
        """Swap a new analysts' copy in. ``views`` are files read through it."""
        manifest = json.loads(self.manifest_path().read_text())
        return publish_marts(
            self.config, clock=self._clock, lock_wait_seconds=self._wait, manifest=manifest, views=views
        )

    def manifest_path(self) -> Path:
        """The manifest of the dbt project, parsed anew only when a file of the project has changed. Needs no data.

        Raises ``PermanentError`` where dbt cannot read the project, and ``WarehouseBusy`` where another process that
        reads it takes too long.
        """
        return ensure_manifest(self.config, clock=self._clock, lock_wait_seconds=self._wait)
