"""The commands that start servers: they announce themselves, work, and leave nothing running."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from zcc_pipeline_tests.parsed_project import give_parsed_project

pytestmark = [pytest.mark.integration]

ZCC = [sys.executable, "-m", "zcc_pipeline.cli"]
SMALL = ["--days", "1", "--engagements-per-day", "40"]


PARENT = """
import json, time
from zcc_pipeline.cli.standin_process import standin_process
with standin_process(["--port=0", "--days=1", "--engagements-per-day=5"]) as standin:
    print(json.dumps(standin.environment), flush=True)
    time.sleep(600)
"""


def surroundings(home: Path, **others: str) -> dict[str, str]:
    return {**os.environ, "ZCC_HOME": str(home), "COLUMNS": "100", **others}


def start(*arguments: str, home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*ZCC, *arguments],
        cwd=home.parent,
        env=surroundings(home),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def read_document(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if line == "}\n":
            found: dict[str, Any] = json.loads(text)
            return found
    raise AssertionError(f"no announcement: {text}")


def is_serving(control_url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{control_url}/state", timeout=5) as answer:  # noqa: S310 - loopback
            return bool(answer.status == 200)
    except urllib.error.URLError:
        return False


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_simulate_announces_settings_that_work_and_stops_cleanly(tmp_path: Path, stop: signal.Signals) -> None:
    truth = tmp_path / "truth.json"
    process = start("simulate", "--port", "0", "--json", *SMALL, "--truth", str(truth), home=tmp_path / "home")
    with process:
        announced = read_document(process)
        assert is_serving(announced["control_url"])
        doctor = subprocess.run(
            [*ZCC, "doctor"],
            cwd=tmp_path,
            env=surroundings(tmp_path / "home", **announced["environment"]),
            capture_output=True,
            text=True,
            check=False,
        )
        assert doctor.returncode == 0, doctor.stdout + doctor.stderr
        process.send_signal(stop)
        assert process.wait(timeout=60) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert json.loads(truth.read_text())["engagements"]


def test_simulate_prints_lines_for_a_dotenv_file(tmp_path: Path) -> None:
    with start("simulate", "--port", "0", *SMALL, home=tmp_path / "home") as process:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if "Ctrl-C" in line:
                break
        process.terminate()
        process.wait(timeout=60)
    settings = {line.partition("=")[0] for line in said if line.startswith("ZCC_")}
    assert settings == {
        f"ZCC_ZOOM_{name}"
        for name in ("API_URL", "OAUTH_URL", "ACCOUNT_ID", "CLIENT_ID", "CLIENT_SECRET", "PLAN", "DOWNLOAD_HOSTS")
    }


def test_a_port_that_is_taken_is_a_sentence(tmp_path: Path) -> None:
    with start("simulate", "--port", "0", "--json", *SMALL, home=tmp_path / "home") as first:
        port = read_document(first)["environment"]["ZCC_ZOOM_API_URL"].rpartition(":")[2].partition("/")[0]
        second = subprocess.run(
            [*ZCC, "simulate", "--port", port, *SMALL],
            cwd=tmp_path,
            env=surroundings(tmp_path / "home"),
            capture_output=True,
            text=True,
            check=False,
        )
        first.terminate()
        first.wait(timeout=60)
    assert second.returncode == 2
    assert "--port" in second.stderr
    assert "Traceback" not in second.stderr


def test_the_stand_in_dies_with_whoever_started_it(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        env=surroundings(tmp_path / "home"),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    with parent:
        assert parent.stdout is not None
        environment = json.loads(parent.stdout.readline())
        control = environment["ZCC_ZOOM_API_URL"].removesuffix("/v2") + "/_control"
        assert is_serving(control)
        parent.kill()
        parent.wait(timeout=30)
    deadline = time.monotonic() + 60
    while is_serving(control):
        assert time.monotonic() < deadline, "the stand-in outlived its parent"
        time.sleep(0.2)


def run_demo(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*ZCC, "demo", *SMALL, *arguments],
        cwd=home.parent,
        env=surroundings(home, ZCC_LAKE_URL="s3://must-not-be-used/lake", ZCC_ZOOM_ACCOUNT_ID="real"),
        capture_output=True,
        text=True,
        check=False,
    )


@dataclass(frozen=True)
class Demos:
    """A home with a demo in it, and what the first and the second run said."""

    home: Path
    first: subprocess.CompletedProcess[str]
    files: list[Path]
    second: subprocess.CompletedProcess[str]


def files_of(home: Path) -> list[Path]:
    return sorted(path for path in (home / "files").rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory) -> Demos:
    home = tmp_path_factory.mktemp("demo") / "home"
    give_parsed_project(home)
    first = run_demo(home)
    files = files_of(home)
    return Demos(home, first, files, run_demo(home, "--json"))


@pytest.mark.slow
def test_the_demo_ends_equal_to_the_truth_and_tells_about_it(demos: Demos) -> None:
    done = demos.first
    assert done.returncode == 0, done.stdout + done.stderr
    for words in (
        "Nothing lost, nothing doubled, no invented reason.",
        "a second look finds 0.",
        "rec. transcripts",
        "Out to the CRMs",
        "Microsoft Dynamics 365",
        "./home/analytics.duckdb",
        "median wait s",
        "zcc demo --ui",
        "dagster dev -m zcc_pipeline.definitions",
    ):
        assert words in done.stdout
    assert "Nothing has changed" not in done.stdout
    assert [path.name for path in demos.home.parent.iterdir()] == ["home"]


@pytest.mark.slow
def test_a_second_demo_changes_nothing_and_agrees_with_the_truth(demos: Demos) -> None:
    assert demos.second.returncode == 0, demos.second.stderr
    found = json.loads(demos.second.stdout)
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
    assert files_of(demos.home) == demos.files


@pytest.mark.slow
def test_every_crm_holds_what_has_settled_once_and_still_does_after_a_second_demo(demos: Demos) -> None:
    found = {each["crm"]: each for each in json.loads(demos.second.stdout)["crms"]}
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


@pytest.mark.slow
def test_status_works_on_the_demo_without_any_settings(demos: Demos) -> None:
    done = subprocess.run(
        [*ZCC, "status", "--json"],
        cwd=demos.home.parent,
        env=surroundings(demos.home),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["completeness"]


@pytest.mark.slow
def test_another_account_is_refused_in_the_same_home(demos: Demos) -> None:
    done = run_demo(demos.home, "--seed", "8")
    assert done.returncode == 2
    assert "demo account of seed 7" in done.stderr
