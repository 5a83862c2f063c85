"""A person opens Dagster's UI on a materialised home and finds groups, partitions and metadata there.

Chromium comes from the system (Debian: ``apt-get install chromium``); without it these tests are skipped, and say so.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import pytest

from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.orchestration.run import run_range
from zcc_pipeline_tests.story import story

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((path for name in BROWSERS if (path := shutil.which(name))), None)

pytestmark = [
    pytest.mark.integration,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install -y chromium"),
]

VIRTUAL_MILLISECONDS = 20_000
"""Time that passes for the page; it stands still while a request is under way, so a slow machine changes nothing."""


@dataclass(frozen=True)
class Site:
    """A running web server of Dagster."""

    url: str
    days: tuple[str, ...]
    profile: Path

    def open(self, path: str) -> str:
        """Text of the page once it has rendered."""
        assert CHROMIUM is not None
        done = subprocess.run(
            [
                CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--disable-dev-shm-usage", "--window-size=1800,2600", f"--user-data-dir={self.profile}",
                f"--virtual-time-budget={VIRTUAL_MILLISECONDS}", "--dump-dom", f"{self.url}{path}",
            ],
            capture_output=True, text=True, check=True, timeout=180,
        )  # fmt: skip
        return unescape(done.stdout)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("ui")
    with story(folder / "home", days=2, per_day=30) as told:
        summary = run_range(told.days[0], told.days[-1], settings=told.settings, clock=told.clock)
        assert summary.is_success, summary.failed_steps
    with running_webserver(folder / "home", folder) as url:
        yield Site(url, tuple(map(str, told.days)), folder / "profile")


@contextmanager
def running_webserver(home: Path, folder: Path) -> Iterator[str]:
    """As a person starts it: only two variables and no credentials."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ZCC_", "DAGSTER_"))}
    environment |= {"ZCC_HOME": str(home), "DAGSTER_HOME": str(home / "dagster")}
    log = folder / "webserver.log"
    with log.open("wb") as stream:
        server = subprocess.Popen(
            [sys.executable, "-m", "dagster_webserver", "-m", "zcc_pipeline.definitions", f"--port={port}"],
            env=environment, cwd=folder, stdout=stream, stderr=stream,
        )  # fmt: skip
        try:
            wait_until_it_answers(f"http://127.0.0.1:{port}/server_info", server, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(60)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_it_answers(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - loopback
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
        else:
            return
    raise AssertionError(log.read_text())


def missing(page: str, expected: list[str]) -> list[str]:
    return [text for text in expected if text not in page]


def test_the_lineage_page_shows_every_group(site: Site) -> None:
    page = site.open("/asset-groups")
    groups = ["reference", "engagements", "recordings", "voicemails", "files", "refresh", "completeness"]
    groups += ["staging", "intermediate", "core", "operations", "publish"]
    assert missing(page, groups) == []


def test_an_asset_page_tells_what_it_is_where_it_comes_from_and_what_the_last_run_did(site: Site) -> None:
    page = site.open("/assets/zoom/engagements")
    assert missing(page, [DATASETS["zoom/engagements"].description, "GET /contact_center/engagements"]) == []
    assert missing(page, ["record_id", "payload", "content_hash", "Parquet", "data-engineering"]) == []
    assert missing(page, ["received", "unchanged", "API calls", "bytes written", "preview (masked)", "‹time›"]) == []
    assert missing(page, ["everything", "today"]) == []


def test_its_partitions_are_days(site: Site) -> None:
    assert missing(site.open("/assets/zoom/engagements?view=partitions"), list(site.days)) == []


def test_a_mart_shows_its_columns_and_rows(site: Site) -> None:
    page = site.open("/assets/engagements")
    assert missing(page, ["One row per engagement", "engagement_id", "started_at", "Row count", "DuckDB"]) == []


def test_the_checks_of_completeness_are_there(site: Site) -> None:
    page = site.open("/assets/zoom/completeness?view=checks")
    assert (
        missing(page, ["everything_explained", "every_day_listed", "nothing_about_to_expire", "read_to_the_end"]) == []
    )


def test_the_schedules_are_there_and_off(site: Site) -> None:
    page = site.open("/automation")
    assert (
        missing(page, ["today_every_15_minutes", "nightly_look_back", "weekly_deep_look_back", "daily_compaction"])
        == []
    )
