"""Commands against the stand-in, as a script or a person uses them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from typer.testing import CliRunner, Result

from zcc_pipeline.cli.main import app
from zcc_pipeline.simulator.zoom.account.spec import AccountSpec
from zcc_pipeline.simulator.zoom.oauth import AcceptedCredentials
from zcc_pipeline.simulator.zoom.server import RunningSimulator, running_simulator
from zcc_pipeline_tests.integration.cli.conftest import YESTERDAY, Command, point_at
from zcc_pipeline_tests.parsed_project import give_parsed_project

pytestmark = pytest.mark.integration


@dataclass(frozen=True)
class Pulled:
    """A home into which the same days were pulled three times."""

    home: Path
    zcc: Command
    first: dict[str, Any]
    second: Result
    third: dict[str, Any]


@pytest.fixture(scope="module")
def pulled(tmp_path_factory: pytest.TempPathFactory, standin: RunningSimulator) -> Iterator[Pulled]:
    home = tmp_path_factory.mktemp("pulled") / "home"
    give_parsed_project(home)
    days = standin.standin.account.spec.all_days()
    span = ["--from", str(days[0]), "--to", str(days[-1])]
    with pytest.MonkeyPatch.context() as surroundings:
        surroundings.chdir(home.parent)

        def command(*arguments: str) -> Result:
            surroundings.setenv("ZCC_HOME", str(home))
            point_at(surroundings, standin)
            return CliRunner().invoke(app, ["--traceback", *arguments], catch_exceptions=False)

        first = json.loads(command("pull", *span, "--json").stdout)
        second = command("pull", *span)
        yield Pulled(home, command, first, second, json.loads(command("pull", *span, "--json").stdout))


def test_pull_reads_and_says_so_and_a_second_pull_has_nothing_new(pulled: Pulled) -> None:
    rows = {row["dataset"]: row for row in pulled.first["datasets"]}
    assert pulled.first["problems"] == []
    assert rows["zoom/engagements"]["new"] > 0
    assert rows["files/recordings"]["new"] > 0
    assert any((pulled.home / "lake" / "zoom" / "engagements").rglob("*.parquet"))
    assert pulled.second.exit_code == 0
    assert "All of it was read" in pulled.second.stdout
    changed = {row["dataset"]: row["new"] + row["changed"] + row["deleted"] for row in pulled.third["datasets"]}
    assert {name: count for name, count in changed.items() if count and name != "zoom/completeness"} == {}


def test_status_shows_every_kind_of_data_and_why(pulled: Pulled, days: list[date]) -> None:
    found = json.loads(pulled.zcc("status", "--json").stdout)
    assert found["from"] == str(days[0])
    assert {row["kind"] for row in found["completeness"]} >= {"recording", "notes", "voicemail", "survey"}
    of_day = [row for row in found["completeness"] if row["day"] == str(days[-1])]
    assert len({row["engagements"] for row in of_day}) == 1
    for row in of_day:
        assert sum(row["by_status"].values()) == row["engagements"]
    shown = pulled.zcc("status")
    assert "rec. transcripts" in shown.stdout
    assert "not recorded" in shown.stdout
    needs_attention = found["needs_attention"]
    assert shown.exit_code == int(needs_attention)


@pytest.mark.slow
def test_build_publishes_what_was_pulled(pulled: Pulled, days: list[date], standin: RunningSimulator) -> None:
    done = pulled.zcc("build", "--json")
    assert done.exit_code == 0, done.output
    assert "engagements" in json.loads(done.stdout)["publish"]["tables"]
    with duckdb.connect(str(pulled.home / "analytics.duckdb"), read_only=True) as connection:
        row = connection.execute("select count(*) from engagements").fetchone()
    account = standin.standin.account
    spec = account.spec
    listed = account.closed_engagements(
        spec.day_start(days[0]), spec.day_start(date.fromordinal(days[-1].toordinal() + 1)), account.now()
    )
    assert row == (len(listed),)


def test_pull_can_be_told_which_datasets(zcc: Command) -> None:
    found = json.loads(
        zcc("pull", "--from", "yesterday", "--to", "yesterday", "--only", "queues, users", "--json").stdout
    )
    assert [row["dataset"] for row in found["datasets"]] == ["zoom/queues", "zoom/users"]


def test_status_of_an_untouched_home_says_how_to_begin(zcc: Command) -> None:
    done = zcc("status")
    assert done.exit_code == 0
    assert "zcc pull --from yesterday" in done.stdout


def test_plan_counts_what_zoom_announces_and_lands_nothing(
    zcc: Command, days: list[date], home: Path, standin: RunningSimulator
) -> None:
    before = deepcopy(standin.standin.counters)
    found = json.loads(zcc("plan", "--from", str(days[0]), "--to", str(days[-1]), "--json").stdout)
    asked = standin.standin.counters.by_route - before.by_route
    refused = standin.standin.counters.rate_limited - before.rate_limited
    account = standin.standin.account
    listed = [item for item in account.engagements if item.start.date() >= days[0] and item.is_closed(account.now())]
    assert found["records"]["zoom/engagements"] == len(listed)
    assert found["records"]["zoom/email_messages"] == sum(item.has_channel("email") for item in listed)
    assert found["probe_calls"] == asked.total()
    assert asked.total() - refused.total() == 7
    assert "totals that Zoom announces" in found["basis"]
    assert not (home / "lake").exists()
    shown = zcc("plan", "--from", str(days[0]))
    assert "this plan has no limits" in shown.stdout


def test_doctor_finds_a_good_setup_good_and_names_the_silent_inbox(zcc: Command) -> None:
    done = zcc("doctor")
    assert done.exit_code == 0, done.output
    assert "hush-hush" not in done.output
    assert "ZCC_ZOOM_CLIENT_SECRET=(set, not shown)" in done.stdout
    assert "voicemail transcription is off" in done.stdout
    assert "operations are allowed" in done.stdout
    assert "clock agrees" in done.stdout


def test_doctor_for_scripts_is_one_document_without_secrets(zcc: Command) -> None:
    done = zcc("doctor", "--json")
    found = json.loads(done.stdout)
    assert found["settings"]["ZCC_ZOOM_CLIENT_SECRET"] == {"value": "(set, not shown)", "is_set": True}
    assert {finding["verdict"] for finding in found["findings"]} == {"ok", "warning"}


def test_doctor_names_a_dagster_home_that_cannot_be_opened(
    zcc: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZCC_ZOOM_OAUTH_URL", "http://127.0.0.1:9/oauth/token")
    (home / "dagster").mkdir(parents=True)
    (home / "dagster" / "dagster.yaml").write_text("storage: 7\n")
    done = zcc("doctor", "--json")
    assert done.exit_code == 1
    (dagster,) = [finding for finding in json.loads(done.stdout)["findings"] if finding["topic"] == "dagster"]
    assert dagster["verdict"] == "problem"
    assert str(home / "dagster" / "dagster.yaml") in dagster["remedy"]


def test_doctor_names_each_missing_scope(zcc: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    scopes = frozenset({"contact_center:read:list_engagements:admin"})
    spec = AccountSpec(last_day=YESTERDAY, days=1, engagements_per_day=5)
    with running_simulator(spec, scopes=scopes) as narrow:
        point_at(monkeypatch, narrow)
        done = zcc("doctor")
    assert done.exit_code == 1
    assert "zoom/engagements cannot be read" not in done.stdout
    for missing in ("list_recordings:admin", "inbox_messages:admin", "voice_call_log:admin"):
        assert f"contact_center:read:{missing}" in done.stdout


def test_doctor_says_when_the_credentials_are_refused(zcc: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = AccountSpec(last_day=YESTERDAY, days=1, engagements_per_day=5)
    with running_simulator(spec, credentials=AcceptedCredentials("a", "b", "c")) as strict:
        point_at(monkeypatch, strict)
        done = zcc("doctor")
    assert done.exit_code == 1
    assert "Zoom refuses these credentials" in done.stdout
    assert "hush-hush" not in done.output


def test_doctor_without_zoom_says_what_it_can(zcc: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZCC_ZOOM_OAUTH_URL", "http://127.0.0.1:9/oauth/token")
    done = zcc("doctor")
    assert done.exit_code == 1
    assert "writable" in done.stdout
    assert "cannot be reached" in done.stdout


def test_after_the_doctor_dagster_opens_its_home(zcc: Command, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZCC_ZOOM_OAUTH_URL", "http://127.0.0.1:9/oauth/token")
    zcc("doctor")
    monkeypatch.setenv("DAGSTER_HOME", str(home / "dagster"))
    with dg.DagsterInstance.get() as instance:
        assert instance.run_monitoring_enabled


def test_refused_credentials_are_a_sentence_and_exit_code_2(zcc: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = AccountSpec(last_day=YESTERDAY, days=1, engagements_per_day=5)
    with running_simulator(spec, credentials=AcceptedCredentials("a", "b", "c")) as strict:
        point_at(monkeypatch, strict)
        done = zcc("pull", "--from", "yesterday")
    assert done.exit_code == 2
    assert "ZCC_ZOOM_CLIENT_SECRET" in done.stderr


def test_real_data_is_kept_out_of_a_demos_home(zcc: Command, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.mkdir(exist_ok=True)
    marker = {"seed": 7, "engagements_per_day": 40, "timezone": "UTC", "first_day": "2026-11-19"}
    (home / "demo.json").write_text(json.dumps(marker))
    monkeypatch.setenv("ZCC_ZOOM_API_URL", "https://api.zoom.us/v2")
    for command in ("pull", "run"):
        done = zcc(command, "--from", "yesterday")
        assert done.exit_code == 2
        assert "demo's invented account" in done.stderr
