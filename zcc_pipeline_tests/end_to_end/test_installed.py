"""As a person meets it: a wheel, the demo in an empty folder, then Dagster's UI on what the demo left.

What is installed from a wheel works without the checkout: SQL models and all travel with it. Chromium comes from the
system (Debian: ``apt-get install chromium``); without it the tests of the UI are skipped, and say so.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest

from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline_tests.ports import free_ports
from zcc_pipeline_tests.rendered import (
    columns,
    graph_groups,
    links,
    materialized,
    metadata,
    page_of,
    partitions,
    switched_on,
    texts,
)

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((path for name in BROWSERS if (path := shutil.which(name))), None)
CHECKOUT = Path(__file__).parents[2]

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.acceptance]
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install -y chromium")

SMALL = ["--days", "2", "--engagements-per-day", "30"]
VIRTUAL_MILLISECONDS = 20_000
"""Time that passes for the page; it stands still while a request is under way, so a slow machine changes nothing."""
PATIENCE_SECONDS = 240
"""How long a page is opened again and again until it shows what is wanted: the server may still be loading."""

Look = Callable[[Element], set[str]]


@dataclass(frozen=True)
class Site:
    """A running web server of Dagster."""

    url: str
    days: tuple[str, ...]
    profile: Path

    def open(self, path: str) -> Element:
        """The page once it has rendered."""
        assert CHROMIUM is not None
        done = subprocess.run(
            [
                CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--disable-dev-shm-usage", "--window-size=1800,2600", f"--user-data-dir={self.profile}",
                f"--virtual-time-budget={VIRTUAL_MILLISECONDS}", "--dump-dom", f"{self.url}{path}",
            ],
            capture_output=True, text=True, check=True, timeout=PATIENCE_SECONDS,
        )  # fmt: skip
        return page_of(done.stdout)

    def showing(self, path: str, look: Look, wanted: Iterable[str]) -> Element:
        """The page as soon as ``look`` finds all that is wanted on it; fails with what it never finds."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            page = self.open(path)
            missing = set(wanted) - look(page)
            if not missing:
                return page
            assert time.monotonic() < deadline, f"{path} does not show {sorted(missing)}"


@dataclass(frozen=True)
class Demo:
    """A demo that was run from a wheel, twice in the same folder."""

    site: Path
    """The wheel's content, which comes before the checkout on the path."""
    work: Path
    days: tuple[str, ...]
    first: subprocess.CompletedProcess[str]
    files: list[Path]
    """Recordings and transcripts that the first left."""
    second: subprocess.CompletedProcess[str]

    @property
    def home(self) -> Path:
        return self.work / "zcc_data"

    @property
    def environment(self) -> dict[str, str]:
        return surroundings(self.site)


def surroundings(site: Path) -> dict[str, str]:
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("ZCC_", "DAGSTER_"))}
    return outside | {"PYTHONPATH": str(site), "COLUMNS": "100"}


REAL = {"ZCC_LAKE_URL": "s3://must-not-be-used/lake", "ZCC_ZOOM_ACCOUNT_ID": "real"}
"""Settings that lead to somebody's real account: they are around when the demo runs."""


def run_zcc(
    site: Path, work: Path, *arguments: str, settings: Mapping[str, str] = REAL
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "zcc_pipeline.cli", *arguments],
        env=surroundings(site) | settings,
        cwd=work,
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )


def files_of(home: Path) -> list[Path]:
    return sorted(path for path in (home / "files").rglob("*") if path.is_file())


def unpacked_wheel(folder: Path) -> Path:
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder / "dist")]
    subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True)
    (wheel,) = (folder / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    folder = tmp_path_factory.mktemp("installed")
    site, work = unpacked_wheel(folder), folder / "work"
    work.mkdir()
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    first = run_zcc(site, work, "demo", *SMALL)
    files = files_of(work / "zcc_data")
    second = run_zcc(site, work, "demo", *SMALL, "--json")
    return Demo(site, work, (str(yesterday - timedelta(days=1)), str(yesterday)), first, files, second)


@pytest.fixture(scope="module")
def site(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("ui")
    with running_webserver(demo, folder) as url:
        yield Site(url, demo.days, folder / "profile")


@contextmanager
def running_webserver(demo: Demo, folder: Path) -> Iterator[str]:
    """As a person starts it: only two variables and no credentials."""
    (port,) = free_ports(1)
    environment = demo.environment | {"ZCC_HOME": str(demo.home), "DAGSTER_HOME": str(demo.home / "dagster")}
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


def test_the_demo_runs_from_a_wheel_in_an_empty_folder(demo: Demo) -> None:
    assert demo.first.returncode == 0, demo.first.stdout + demo.first.stderr
    assert [path.name for path in demo.work.iterdir()] == ["zcc_data"]
    assert (demo.home / "analytics.duckdb").is_file()
    where = subprocess.run(
        [sys.executable, "-c", "import zcc_pipeline; print(zcc_pipeline.__file__)"],
        env=demo.environment,
        cwd=demo.work,
        check=True,
        capture_output=True,
        text=True,
    )
    assert Path(where.stdout.strip()).is_relative_to(demo.site)


def test_it_ends_equal_to_the_truth_and_tells_about_it(demo: Demo) -> None:
    for words in (
        "Nothing lost, nothing doubled, no invented reason.",
        "a second look finds 0.",
        "rec. transcripts",
        "Out to the CRMs",
        "Microsoft Dynamics 365",
        "The rest is as it was archived.",
        "./zcc_data/analytics.duckdb",
        "median wait s",
        "zcc demo --ui",
        "dagster dev -m zcc_pipeline.definitions",
    ):
        assert words in demo.first.stdout
    assert "Nothing has changed" not in demo.first.stdout


def test_a_second_demo_changes_nothing_and_agrees_with_the_truth(demo: Demo) -> None:
    assert demo.second.returncode == 0, demo.second.stderr
    found = json.loads(demo.second.stdout)
    assert found["is_unchanged"]
    reconciled = found["reconciled"]
    assert reconciled["faults"]["lost"] > 0
    assert reconciled["arrived"] < reconciled["events"]
    assert (reconciled["second_look"], reconciled["unnoticed"]) == (0, [])
    outcomes = {row["outcome"] for row in reconciled["differences"]}
    assert outcomes == {"recovered"}
    assert found["is_good"]
    assert found["truth"]["differences"] == []
    assert found["truth"]["compared"]["statuses"] > 100
    assert len(found["answers"]) == 3
    assert all(answer["rows"] for answer in found["answers"][:2])
    assert files_of(demo.home) == demo.files


def test_every_crm_holds_what_has_settled_once_and_still_does_after_a_second_demo(demo: Demo) -> None:
    found = {each["crm"]: each for each in json.loads(demo.second.stdout)["crms"]}
    assert set(found) == {"salesforce", "zendesk", "servicenow", "dynamics", "hubspot"}
    for crm in found.values():
        assert crm["is_good"], crm
        assert crm["held"] == {"once": crm["counts"].get("unchanged", 0) + crm["counts"].get("created", 0)} | {
            "several": 0,
            "missing": 0,
        }
        assert (crm["refused"], crm["stopped"]) == ({}, "")
        # what is a day old, to the minute, may have settled between the two runs; nothing else is written again
        assert crm["counts"].get("updated", 0) == 0
        assert crm["counts"].get("created", 0) <= max(2, crm["counts"].get("unchanged", 0) // 10)
        assert (crm["record"] is not None) == bool(crm["held"]["once"])
    totals = {sum(crm["counts"].values()) + crm["not_due"] for crm in found.values()}
    assert len(totals) == 1


def test_one_altered_byte_in_a_copy_of_the_archive_is_found_and_nothing_else(demo: Demo) -> None:
    found = json.loads(demo.second.stdout)["archive"]
    assert found["is_good"]
    assert found["objects"] > 30
    assert found["entries"] > found["objects"]
    (finding,) = found["findings"]
    assert found["turned_over"].rpartition("/content/")[2] in finding
    assert not list(demo.home.glob("altered-archive-*"))


def test_status_works_on_the_demo_without_any_settings(demo: Demo) -> None:
    done = run_zcc(demo.site, demo.work, "status", "--json", settings={})
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["completeness"]


def test_another_account_is_refused_in_the_same_home(demo: Demo) -> None:
    done = run_zcc(demo.site, demo.work, "demo", *SMALL, "--seed", "8")
    assert done.returncode == 2
    assert "demo account of seed 7" in done.stderr


@needs_chromium
def test_the_lineage_page_shows_every_group(site: Site) -> None:
    groups = ["reference", "engagements", "recordings", "voicemails", "files", "refresh", "completeness"]
    groups += ["staging", "intermediate", "core", "operations", "publish", "archive"]
    site.showing("/asset-groups", graph_groups, groups)


@needs_chromium
def test_an_asset_page_tells_what_it_is_where_it_comes_from_and_what_the_last_run_did(site: Site) -> None:
    counts = ["received", "new", "changed", "unchanged", "deleted", "API calls", "bytes written", "preview (masked)"]
    source = ["operation: GET /contact_center/engagements", "lake folder: zoom/engagements/date=YYYY-MM-DD/"]
    page = site.showing("/assets/zoom/engagements", metadata, [*counts, *source])
    assert [line for line in metadata(page) if line.startswith("preview (masked): ") and "‹time›" in line]
    site.showing("/assets/zoom/engagements", columns, ["record_id", "payload", "content_hash"])
    about = [DATASETS["zoom/engagements"].description, "Parquet", "data-engineering", "everything", "today"]
    site.showing("/assets/zoom/engagements", texts, about)


@needs_chromium
def test_its_partitions_are_days(site: Site) -> None:
    def materialized_days(page: Element) -> set[str]:
        return partitions(page) if materialized(page) >= len(site.days) else set()

    site.showing("/assets/zoom/engagements?view=partitions", materialized_days, site.days)


@needs_chromium
def test_a_mart_shows_its_columns_and_rows(site: Site) -> None:
    site.showing("/assets/engagements", columns, ["engagement_id", "started_at"])
    page = site.showing("/assets/engagements", texts, ["Row count", "DuckDB"])
    assert [text for text in texts(page) if text.startswith("One row per engagement")]


@needs_chromium
def test_the_checks_of_completeness_are_there(site: Site) -> None:
    checks = ["everything_explained", "every_day_listed", "nothing_about_to_expire", "read_to_the_end"]
    site.showing("/assets/zoom/completeness?view=checks", texts, checks)


@needs_chromium
def test_the_schedules_are_there_and_off(site: Site) -> None:
    names = ["today_every_15_minutes", "nightly_look_back", "weekly_deep_look_back", "daily_compaction"]
    schedules = [f"/locations/zcc_pipeline.definitions/schedules/{name}" for name in names]
    # the one sensor that is on shows that the switches are there
    page = site.showing("/automation", switched_on, ["/locations/zcc_pipeline.definitions/sensors/dead_runs"])
    assert set(schedules) - links(page) == set()
    assert switched_on(page).isdisjoint(schedules)
