"""``zcc simulate --crm``: CRMs that announce themselves, take what is written, and remember it where told to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from zcc_pipeline.cli.main import app
from zcc_pipeline.cli.simulate_crm import Crm
from zcc_pipeline.settings import load_settings
from zcc_pipeline.settings.crm import NEEDS, crm_access

pytestmark = pytest.mark.integration

ALL = [f"--crm={crm.value}" for crm in Crm]


@contextmanager
def served(home: Path, *arguments: str) -> Iterator[dict[str, Any]]:
    with subprocess.Popen(
        [sys.executable, "-m", "zcc_pipeline.cli", "simulate", "--port", "0", "--json", *arguments],
        env={**os.environ, "ZCC_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        text = ""
        for line in process.stdout:
            text += line
            if line == "}\n":
                break
        try:
            yield json.loads(text)
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_every_crm_is_served_and_its_settings_are_complete(tmp_path: Path) -> None:
    with served(tmp_path, *ALL) as announced:
        configured = crm_access(load_settings(announced["environment"], dotenv=Path("/nonexistent/.env")))
        assert set(configured) == set(NEEDS) == {crm.value for crm in Crm}
        for crm, access in configured.items():
            values = access.require()
            assert values["url"] in announced["control_urls"][crm]
            state = httpx.get(f"{announced['control_urls'][crm]}/state").json()
            assert (state["name"], state["api_calls"]) == (crm, 0)


def test_what_a_crm_holds_outlives_it_where_it_is_told_to_remember(tmp_path: Path) -> None:
    arguments = ("--crm=salesforce", "--keep", str(tmp_path / "crm"))
    people = {"people": [{"name": "Ada Byron", "email": "ada@example.com", "phone": "+41446681800"}]}
    with served(tmp_path, *arguments) as announced:
        control = announced["control_urls"]["salesforce"]
        assert httpx.post(f"{control}/people", json=people).json() == {"added": 1}
        held = httpx.get(f"{control}/records").json()
    with served(tmp_path, *arguments) as announced:
        assert httpx.get(f"{announced['control_urls']['salesforce']}/records").json() == held
    assert "ada@example.com" in json.dumps(held)


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["--crm", "salesforce", "--days", "3"], "--days"),
        (["--crm", "salesforce", "--engagements-per-day", "3"], "--engagements-per-day"),
        (["--keep", "folder"], "--keep"),
        (["--crm", "salesforce", "--host", "192.0.2.1"], "--host"),
    ],
)
def test_what_would_have_no_effect_is_wrong_usage(
    arguments: list[str], option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = CliRunner().invoke(app, ["simulate", *arguments])
    assert answer.exit_code != 0
    assert option in (answer.stderr if answer.exit_code == 2 else str(answer.exception))
