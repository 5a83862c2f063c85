"""A pipeline whose verbs do nothing but report: what Dagster makes of their reports is what these tests are about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline.exports.report import ExportReport
from zcc_pipeline.orchestration import checks, coverage_checks, export_checks
from zcc_pipeline.orchestration.assets import archive, coverage, dbt, events, exports, publish, raw, refresh
from zcc_pipeline.orchestration.build import build_defs
from zcc_pipeline.orchestration.partitions import range_tags
from zcc_pipeline.pipeline.archive_keeping import Keeping
from zcc_pipeline.pipeline.archiving import ArchiveReport
from zcc_pipeline.pipeline.coverage_health import CoverageHealth
from zcc_pipeline.pipeline.event_refresh import EventsReport
from zcc_pipeline.pipeline.export_health import ExportHealth
from zcc_pipeline.pipeline.freshness import NewestEngagement
from zcc_pipeline.pipeline.reconcile import ReconcileReport
from zcc_pipeline.pipeline.refresh import RefreshReport
from zcc_pipeline.pipeline.reports import DatasetReport, DayReport
from zcc_pipeline.pipeline.status import StatusReport
from zcc_pipeline.reconciliation import FlowScript
from zcc_pipeline.warehouse import BuildResult, NodeResult, PublishResult

MANIFEST = Path(__file__).parent / "payloads" / "manifest.json"
TODAY = datetime.now(UTC).date()
DAYS = [TODAY - timedelta(days=3), TODAY - timedelta(days=2), TODAY - timedelta(days=1)]
UNIQUE = "test.zcc_pipeline.unique_engagements_engagement_id.3a27"
OF_NO_MART = "test.zcc_pipeline.no_file_in_quarantine"


class FakeRuntime:
    """As much of a runtime as assets and checks touch themselves."""

    def __init__(self) -> None:
        self.clock = SystemClock()
        self.config = SimpleNamespace(lookback_days=7, deep_lookback_days=35, look_back_limit=None)
        self.state = SimpleNamespace(
            windows=SimpleNamespace(complete_days=lambda *_: {}, unread_days=lambda *_, **__: [])
        )
        self.lake = SimpleNamespace(files=lambda *_: [])

    def __enter__(self) -> FakeRuntime:
        return self

    def __exit__(self, *_: object) -> None: ...

    def today(self) -> date:
        return TODAY

    def trailing_days(self, count: int) -> tuple[date, date]:
        return TODAY - timedelta(days=count), TODAY


@dataclass
class FakePipeline:
    """What the verbs will say; change it, then run."""

    instance: dg.DagsterInstance
    problems: dict[tuple[str, date], str] = field(default_factory=dict)
    errors: dict[str, Exception] = field(default_factory=dict)
    node_status: dict[str, str] = field(default_factory=dict)
    status: StatusReport = field(default_factory=lambda: StatusReport(DAYS[0], DAYS[-1]))
    newest: NewestEngagement | None = None
    health: CoverageHealth = field(default_factory=CoverageHealth)
    flows: list[FlowScript] = field(default_factory=list)
    differences: ReconcileReport = field(default_factory=ReconcileReport)
    reconciled: list[tuple[tuple[date, ...], bool]] = field(default_factory=list)
    published: int = 0
    pulled: list[tuple[str, tuple[date, ...]]] = field(default_factory=list)
    late_closer_days: list[date] = field(default_factory=list)
    patience: list[timedelta] = field(default_factory=list)
    events: EventsReport = field(default_factory=EventsReport)
    crms: tuple[str, ...] = ()
    exported: list[tuple[str, tuple[date, date] | None]] = field(default_factory=list)
    export_report: ExportReport = field(default_factory=lambda: ExportReport("salesforce", is_dry_run=False))
    export_health: ExportHealth = field(default_factory=lambda: ExportHealth("salesforce"))

    landed: dict[str, int] = field(default_factory=dict)
    """More counts of each day that is read."""

    archive_report: ArchiveReport = field(default_factory=ArchiveReport)
    kept: Keeping = field(default_factory=Keeping)
    overdue: dict[date, list[str]] = field(default_factory=dict)

    def run(
        self,
        first: date = DAYS[0],
        last: date = DAYS[-1],
        *,
        job: str = "everything",
        ops: dict[str, Any] | None = None,
        only: Sequence[str] | None = None,
    ) -> dg.ExecuteInProcessResult:
        """``only`` names steps: a run of all takes seconds."""
        defs = build_defs(open_runtime=FakeRuntime, timezone="UTC", manifest=MANIFEST, crms=self.crms)  # type: ignore[arg-type]
        return defs.resolve_job_def(job).execute_in_process(
            instance=self.instance,
            tags=range_tags(first, last),
            raise_on_error=False,
            op_selection=only,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}, "ops": ops or {}},
        )

    def export(self, _runtime: object, crm: str, *, days: tuple[date, date] | None) -> ExportReport:
        self.exported.append((crm, days))
        if crm in self.errors:
            raise self.errors[crm]
        return self.export_report

    def land(self, step: Any, days: Sequence[date]) -> list[DatasetReport]:
        self.pulled.append((step.name, tuple(days)))
        if step.name in self.errors:
            raise self.errors[step.name]
        return [
            DatasetReport(
                name,
                [
                    DayReport(
                        day,
                        received=10 + number,
                        new=2,
                        unchanged=8 + number,
                        api_calls=1,
                        bytes_written=512,
                        is_complete=(name, day) not in self.problems,
                        problem=self.problems.get((name, day)),
                        **self.landed,
                    )
                    for number, day in enumerate(days or [TODAY])
                ],
            )
            for name in step.produces
        ]

    def refresh_from_events(self, _runtime: object, *, patience: timedelta) -> EventsReport:
        self.patience.append(patience)
        return self.events

    def reconcile(self, _runtime: object, days: Sequence[date], *, poll: bool) -> ReconcileReport:
        self.reconciled.append((tuple(days), poll))
        return self.differences

    def build(self, _runtime: object) -> BuildResult:
        names = [
            ("model.zcc_pipeline.stg_zoom__engagements", "model", 30),
            ("model.zcc_pipeline.stg_zoom__files", "model", None),
            ("model.zcc_pipeline.engagements", "model", 30),
            (UNIQUE, "test", None),
            ("test.zcc_pipeline.accepted_values_a.1", "test", None),
            ("test.zcc_pipeline.nothing_lost", "test", None),
            (OF_NO_MART, "test", None),
        ]
        nodes = tuple(
            NodeResult(key, kind, self.node_status.get(key, "success" if kind == "model" else "pass"), 0.25, rows, "")
            for key, kind, rows in names
        )
        return BuildResult(nodes, 1.0, 7, tuple(map(str, DAYS)), 30, full_refresh=False)

    def publish(self, _runtime: object) -> PublishResult:
        self.published += 1
        return PublishResult(path=Path("analytics.duckdb"), tables=("engagements",), bytes_written=99, seconds=0.1)

    def refresh_late_closers(self, _runtime: object, days: Sequence[date]) -> RefreshReport:
        self.late_closer_days = list(days)
        return RefreshReport(
            refreshed=1, late_closers=1, days_touched={DAYS[0]}, not_verified={DAYS[1]: "not verified: scope"}
        )


@contextmanager
def pretending() -> Iterator[FakePipeline]:
    """Inside, whatever runs asks the fake instead of the pipeline."""
    with dg.DagsterInstance.ephemeral() as instance, pytest.MonkeyPatch.context() as monkeypatch:
        fake = FakePipeline(instance)

        def pretend(step: Any) -> Any:
            return replace(step, run=lambda _runtime, days: fake.land(step, days))

        monkeypatch.setattr(raw, "STEPS", tuple(map(pretend, raw.STEPS)))
        monkeypatch.setattr(raw, "status", lambda *_: fake.status)
        monkeypatch.setattr(refresh, "refresh_due", lambda *_: RefreshReport())
        monkeypatch.setattr(refresh, "refresh_late_closers", fake.refresh_late_closers)
        monkeypatch.setattr(events, "refresh_from_events", fake.refresh_from_events)
        monkeypatch.setattr(coverage, "reconcile", fake.reconcile)
        monkeypatch.setattr(coverage, "read_coverage", lambda *_: fake.health.lines)
        monkeypatch.setattr(coverage, "days_to_reconcile", lambda *_, **__: DAYS)
        monkeypatch.setattr(coverage_checks, "coverage_health", lambda *_: fake.health)
        monkeypatch.setattr(coverage_checks, "flow_scripts", lambda *_: fake.flows)
        monkeypatch.setattr(dbt, "build", fake.build)
        monkeypatch.setattr(publish, "publish", fake.publish)
        monkeypatch.setattr(archive, "archive_changes", lambda *_: fake.archive_report)
        monkeypatch.setattr(archive, "count_kept", lambda *_: fake.kept)
        monkeypatch.setattr(archive, "overdue_days", lambda *_: fake.overdue)
        monkeypatch.setattr(exports, "export", fake.export)
        monkeypatch.setattr(export_checks, "export_health", lambda *_: fake.export_health)
        monkeypatch.setattr(checks, "status", lambda *_: fake.status)
        monkeypatch.setattr(checks, "newest_engagement", lambda *_: fake.newest)
        yield fake


@pytest.fixture
def pipeline() -> Iterator[FakePipeline]:
    with pretending() as fake:
        yield fake


@dataclass(frozen=True)
class Ran:
    pipeline: FakePipeline
    result: dg.ExecuteInProcessResult


@pytest.fixture(scope="session")
def whole() -> Ran:
    """A run of everything in which nothing goes wrong, for those who only look at it: it takes seconds."""
    with pretending() as fake:
        return Ran(fake, fake.run())


@pytest.fixture(scope="session")
def today() -> Ran:
    """The same for a run of today."""
    with pretending() as fake:
        return Ran(fake, fake.run(DAYS[2], DAYS[2], job="today"))
