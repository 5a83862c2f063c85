"""A contact centre and a pipeline that reads it, for tests that tell a story over days and weeks.

The account moves by its control routes; the pipeline moves by its own clock. Neither moves the other.
Every exchange between the two is held to the published definition of the API; a story that ends well fails where one
does not conform.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from zcc_pipeline.cli.demo_events import receiving
from zcc_pipeline.domain.clock import ShiftedClock
from zcc_pipeline.pipeline.build import build, publish
from zcc_pipeline.pipeline.event_refresh import EventsReport, refresh_from_events
from zcc_pipeline.pipeline.pull import pull
from zcc_pipeline.pipeline.reconcile import ReconcileReport, reconcile
from zcc_pipeline.pipeline.refresh import RefreshReport, refresh_due, refresh_late_closers
from zcc_pipeline.pipeline.reports import PullReport
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.settings import Settings, open_runtime, pipeline_config
from zcc_pipeline.simulator.zoom.account.spec import AccountSpec
from zcc_pipeline.simulator.zoom.server import RunningSimulator
from zcc_pipeline.sources.receiver.serve import Listening
from zcc_pipeline.warehouse import BuildResult
from zcc_pipeline_tests.checked_simulator import Exchanges, checked_simulator
from zcc_pipeline_tests.event_senders import FLOW_TOKEN, SECRET
from zcc_pipeline_tests.parsed_project import give_parsed_project
from zcc_pipeline_tests.truth_comparison import compare, expected_engagements

RECEIVING = {
    "webhook_secret_tokens": (SECRET,),
    "flow_tokens": (FLOW_TOKEN,),
    "metrics_port": 0,
    # webhooks are signed by the machine's time, and the pipeline's may be days ahead of it
    "webhook_tolerance_seconds": 30 * 24 * 3600,
}


@dataclass
class Story:
    """One account, one home folder, one clock that only this pipeline reads."""

    simulator: RunningSimulator
    spec: AccountSpec
    home: Path
    clock: ShiftedClock
    exchanges: Exchanges
    account_id: str = "account"
    """Whose events are taken; the stand-in's own come under ``pushed_account_id``."""

    @property
    def days(self) -> list[date]:
        """The account's whole days."""
        first = self.spec.last_day - timedelta(days=self.spec.days - 1)
        return [first + timedelta(days=offset) for offset in range(self.spec.days)]

    @property
    def settings(self) -> Settings:
        return settings_for(self.simulator, self.home, zoom_account_id=self.account_id)

    @property
    def pushed_account_id(self) -> str:
        return self.simulator.standin.account.population.account_id

    @property
    def variables(self) -> dict[str, str]:
        """The same settings for a process of its own."""
        return {
            "ZCC_HOME": str(self.home),
            "ZCC_ZOOM_ACCOUNT_ID": "account",
            "ZCC_ZOOM_CLIENT_ID": "client",
            "ZCC_ZOOM_CLIENT_SECRET": "secret",
            "ZCC_ZOOM_API_URL": self.simulator.api_url,
            "ZCC_ZOOM_OAUTH_URL": self.simulator.oauth_url,
            "ZCC_ZOOM_PLAN": "unlimited",
            "ZCC_ZOOM_DOWNLOAD_HOSTS": self.simulator.api_host,
        }

    @contextmanager
    def runtime(self) -> Iterator[Runtime]:
        with open_runtime(self.settings, clock=self.clock) as runtime:
            yield runtime

    def pull(self, days: list[date] | None = None, only: tuple[str, ...] = ()) -> PullReport:
        with self.runtime() as runtime:
            return pull(runtime, days or self.days, only=only)

    def settle(self, days: list[date] | None = None) -> RefreshReport:
        with self.runtime() as runtime:
            return refresh_due(runtime, days or self.days)

    @contextmanager
    def receiving(self, *, port: int = 0, websocket: bool = False) -> Iterator[Listening]:
        """The production receiver, on any port or on one that it had before; as a listener, too."""
        config = pipeline_config(
            settings_for(
                self.simulator,
                self.home,
                receiver_port=port,
                websocket_url=self.simulator.websocket_url,
                **RECEIVING,
            ),
            self.clock,
        )
        with receiving(config, self.clock, websocket=websocket) as listening:
            yield listening

    def push(self, start: datetime, end: datetime | None = None, **body: object) -> dict[str, Any]:
        """Events of that span, by default until the account's now, sent as ``body`` says."""
        span = {"from": start.isoformat()} | ({"to": end.isoformat()} if end else {})
        return self.control("push", **span, **{"secret": SECRET, "flow_token": FLOW_TOKEN, **body})

    def refresh_from_events(self) -> EventsReport:
        with self.runtime() as runtime:
            return refresh_from_events(runtime)

    def reconcile(self, days: list[date] | None = None) -> ReconcileReport:
        with self.runtime() as runtime:
            return reconcile(runtime, days or self.days)

    def late_closers(self, days: list[date]) -> RefreshReport:
        with self.runtime() as runtime:
            return refresh_late_closers(runtime, days)

    def build(self, *, full_refresh: bool = False) -> BuildResult:
        with self.runtime() as runtime:
            result = build(runtime, full_refresh=full_refresh)
            publish(runtime)
            return result

    def control(self, command: str, **body: object) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{self.simulator.control_url}/{command}",
            data=json.dumps(body).encode(),
            headers={"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
            return found

    def ask(self, what: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.simulator.control_url}/{what}", timeout=30) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
            return found

    def closed_engagements(self) -> list[dict[str, Any]]:
        """What the truth has of engagements that started on the account's days and are listed."""
        return list(expected_engagements(self.ask("truth"), self.days[0], self.days[-1]).values())

    def pass_days(self, days: float) -> None:
        """Time passes for both."""
        self.control("advance", days=days)
        self.clock.shift += timedelta(days=days)

    def disagreements(self, first: date | None = None) -> list[str]:
        """What the pipeline has against what is true."""
        return compare(self.home, self.ask("truth"), first or self.days[0], self.days[-1], now=self.clock.now())


def settings_for(simulator: RunningSimulator, home: Path, **changes: Any) -> Settings:
    """Settings of a pipeline that reads the stand-in."""
    values: dict[str, Any] = {
        "home": home,
        "zoom_account_id": "account",
        "zoom_client_id": "client",
        "zoom_client_secret": "secret",
        "zoom_api_url": simulator.api_url,
        "zoom_oauth_url": simulator.oauth_url,
        "zoom_plan": "unlimited",
        "zoom_download_hosts": (simulator.api_host,),
        **changes,
    }
    return Settings(**values)


@contextmanager
def story(home: Path, *, days: int, per_day: int, settled: bool = True, **options: Any) -> Iterator[Story]:
    """An account that ended yesterday; ``settled`` puts the pipeline three days later, when all grace has passed."""
    clock = ShiftedClock(timedelta(days=3) if settled else timedelta(0))
    now = clock.now()
    spec = AccountSpec(last_day=datetime.now(UTC).date() - timedelta(days=1), days=days, engagements_per_day=per_day)
    give_parsed_project(home)
    with checked_simulator(spec, plan="unlimited", clock=lambda: now, **options) as (simulator, exchanges):
        yield Story(simulator, spec, home, clock, exchanges)
