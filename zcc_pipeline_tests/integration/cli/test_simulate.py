"""The commands that start servers: they announce themselves, work, and leave nothing running."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

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
        with urllib.request.urlopen(f"{control_url}/state", timeout=60) as answer:  # noqa: S310 - loopback
            return bool(answer.status == 200)
    except (OSError, HTTPException):
        return False


@pytest.mark.parametrize("stop", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
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
