"""A stand-in on a thread, and the environment that points the commands at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from zcc_pipeline.cli.main import app
from zcc_pipeline.simulator.zoom.account.spec import AccountSpec
from zcc_pipeline.simulator.zoom.server import RunningSimulator
from zcc_pipeline_tests.checked_simulator import checked_simulator
from zcc_pipeline_tests.parsed_project import give_parsed_project

YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)
Command = Callable[..., Result]


@pytest.fixture(scope="session")
def standin() -> Iterator[RunningSimulator]:
    spec = AccountSpec(last_day=YESTERDAY, days=2, engagements_per_day=40)
    with checked_simulator(spec, plan="pro") as (running, _):
        yield running


def point_at(monkeypatch: pytest.MonkeyPatch, running: RunningSimulator) -> None:
    for name, value in {
        "ZCC_ZOOM_API_URL": running.api_url,
        "ZCC_ZOOM_OAUTH_URL": running.oauth_url,
        "ZCC_ZOOM_ACCOUNT_ID": "account",
        "ZCC_ZOOM_CLIENT_ID": "client",
        "ZCC_ZOOM_CLIENT_SECRET": "hush-hush",
        "ZCC_ZOOM_PLAN": "unlimited",
        "ZCC_ZOOM_DOWNLOAD_HOSTS": running.api_host,
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZCC_HOME", str(tmp_path / "home"))
    give_parsed_project(tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def zcc(home: Path, monkeypatch: pytest.MonkeyPatch, standin: RunningSimulator) -> Command:
    """Runs a command against the stand-in; what it raises beyond sentences fails the test."""
    point_at(monkeypatch, standin)

    def command(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["--traceback", *arguments], catch_exceptions=False)

    return command


@pytest.fixture
def days(standin: RunningSimulator) -> list[date]:
    spec = standin.standin.account.spec
    return spec.all_days()
