"""``zcc export`` against a CRM on loopback: rehearse, set up, write, write nothing again, refuse, offer again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from zcc_pipeline.cli.main import app
from zcc_pipeline.simulator.crm.base import CrmOptions, RunningStandIn, running
from zcc_pipeline.simulator.crm.catalogue import environment_of, make
from zcc_pipeline_tests.integration.exports.engagements import engagement, with_note
from zcc_pipeline_tests.published_activities import publish

pytestmark = pytest.mark.integration

TOKEN = "pat-hush-hush"
COUNT = 12
Command = Callable[..., Result]


@pytest.fixture
def crm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningStandIn]:
    """A HubSpot account in which nothing has been set up, and settings that lead to it."""
    options = CrmOptions(access_token=TOKEN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZCC_HOME", str(tmp_path))
    publish(tmp_path / "analytics.duckdb", [engagement(number) for number in range(COUNT)])
    with running(make("hubspot", options)) as served:
        for name, value in environment_of("hubspot", served.url, options).items():
            monkeypatch.setenv(name, value)
        yield served


@pytest.fixture
def ready(crm: RunningStandIn) -> RunningStandIn:
    """The same after ``--setup``."""
    assert zcc("export", "hubspot", "--setup").exit_code == 0
    return crm


def zcc(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["--traceback", *arguments], catch_exceptions=False, env={"COLUMNS": "100"})


def exported(*options: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(zcc("export", "hubspot", "--json", *options).stdout)
    return found


def writes(served: RunningStandIn) -> int:
    state = httpx.get(f"{served.control_url}/state").json()
    return int(state["writes"])


def test_setting_up_creates_what_may_be_created_and_is_safe_to_repeat(crm: RunningStandIn) -> None:
    first, again = zcc("export", "hubspot", "--setup"), json.loads(zcc("export", "hubspot", "--setup", "--json").stdout)
    assert first.exit_code == 0, first.output
    assert "zcc export hubspot --dry-run" in first.stdout
    assert all(step["is_done"] for step in again["steps"])


def test_a_mapping_that_does_not_fit_the_account_is_named_by_line_before_anything_is_written(
    crm: RunningStandIn,
) -> None:
    refused = CliRunner().invoke(app, ["export", "hubspot"])
    assert refused.exit_code == 2
    assert "crm_mapping.yml" in refused.stderr
    assert "zcc_engagement_id" in refused.stderr
    assert writes(crm) == 0


def test_a_rehearsal_counts_and_shows_one_request_and_sends_nothing(ready: RunningStandIn) -> None:
    before = writes(ready)
    shown = zcc("export", "hubspot", "--dry-run")
    assert shown.exit_code == 0, shown.output
    assert "would be created" in shown.stdout
    assert "POST " in shown.stdout
    assert TOKEN not in shown.output
    assert exported("--dry-run")["outcomes"]["created"] == COUNT
    assert writes(ready) == before


def test_a_second_export_of_what_has_not_changed_writes_nothing(ready: RunningStandIn) -> None:
    first = zcc("export", "hubspot")
    assert first.exit_code == 0, first.output
    assert f"created           {COUNT}" in first.stdout
    after_first = writes(ready)
    second = exported()
    assert second["outcomes"]["unchanged"] == COUNT
    assert second["usage"]["api_calls"] == 0
    assert writes(ready) == after_first


def test_what_changed_since_is_updated_and_only_that(ready: RunningStandIn, tmp_path: Path) -> None:
    exported()
    changed = [with_note(engagement(0), "A late word"), *(engagement(number) for number in range(1, COUNT))]
    publish(tmp_path / "analytics.duckdb", changed)
    outcomes = exported()["outcomes"]
    assert (outcomes["updated"], outcomes["unchanged"], outcomes["created"]) == (1, COUNT - 1, 0)


def test_days_narrow_an_export_down(ready: RunningStandIn) -> None:
    assert sum(exported("--from", "2026-11-03", "--to", "2026-11-04")["outcomes"].values()) == 0
    assert exported("--from", "2026-11-02", "--to", "2026-11-02")["outcomes"]["created"] == COUNT


def test_one_engagement_is_shown_as_it_would_be_sent(ready: RunningStandIn) -> None:
    engagement_id = engagement(3).engagement_id
    shown = zcc("export", "hubspot", "--show", engagement_id)
    assert shown.exit_code == 0, shown.output
    assert engagement_id in shown.stdout
    assert TOKEN not in shown.output
    document = exported("--show", engagement_id)
    assert document["requests_for"] == engagement_id
    assert document["requests"]
    unknown = zcc("export", "hubspot", "--show", "nobody")
    assert unknown.exit_code == 1
    assert "there is no engagement nobody" in unknown.stderr


def test_what_the_crm_refuses_is_held_told_and_offered_again(ready: RunningStandIn) -> None:
    victim = engagement(5).engagement_id
    httpx.post(f"{ready.control_url}/faults", json={"refuse_keys": [victim]}).raise_for_status()
    refused = zcc("export", "hubspot")
    assert refused.exit_code == 1
    assert victim in refused.stdout
    (item,) = json.loads(zcc("quarantine", "list", "--json").stdout)
    assert (item["room"], item["dataset"], item["record_id"]) == ("exports", "exports/hubspot", victim)
    assert exported()["outcomes"]["failed_permanent"] == 1
    httpx.post(f"{ready.control_url}/faults", json={}).raise_for_status()
    replayed = zcc("quarantine", "replay", item["item_id"])
    assert replayed.exit_code == 0
    assert "The next `zcc export` of that CRM offers them again." in replayed.stdout
    assert exported()["outcomes"]["created"] == 1


def test_the_doctor_finds_an_account_that_is_not_set_up_and_one_that_is(crm: RunningStandIn) -> None:
    def topics() -> dict[str, set[str]]:
        findings = json.loads(zcc("doctor", "--json").stdout)["findings"]
        found: dict[str, set[str]] = {}
        for finding in findings:
            if finding["topic"].startswith("hubspot"):
                found.setdefault(finding["verdict"], set()).add(finding["topic"])
        return found

    assert topics()["problem"]
    zcc("export", "hubspot", "--setup")
    after = topics()
    assert "problem" not in after
    assert {"hubspot mapping", "hubspot ledger", "hubspot coexistence"} <= after["ok"]
    shown = zcc("doctor")
    assert "Beside Zoom's own connector" in shown.stdout
    assert TOKEN not in shown.output


def test_a_crm_that_cannot_be_reached_is_a_finding_and_not_the_end(
    crm: RunningStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZCC_ZENDESK_URL", "https://example.zendesk.com")
    findings = json.loads(zcc("doctor", "--json").stdout)["findings"]
    (half,) = [finding for finding in findings if finding["topic"] == "zendesk settings"]
    assert half["verdict"] == "problem"
    assert "ZCC_ZENDESK_CLIENT_ID" in half["text"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["export"], "CRM"),
        (["export", "sugar"], "salesforce"),
        (["export", "zendesk"], "nothing is set for Zendesk"),
        (["export", "hubspot", "--setup", "--dry-run"], "goes alone"),
        (["export", "hubspot", "--from", "2026-11-09", "--to", "2026-11-02"], "swap"),
        (["export", "hubspot", "--from", "soon"], "is not a day"),
    ],
)
def test_wrong_usage_is_a_sentence_and_exit_code_2(crm: RunningStandIn, arguments: list[str], said: str) -> None:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2, done.output
    assert said in done.stderr
    assert writes(crm) == 0


def test_a_demos_customers_go_into_no_real_crm(
    crm: RunningStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = {"seed": 1, "engagements_per_day": 1, "timezone": "UTC", "first_day": "2026-11-01"}
    (tmp_path / "demo.json").write_text(json.dumps(marker))
    monkeypatch.setenv("ZCC_HUBSPOT_URL", "https://api.hubapi.com")
    done = CliRunner().invoke(app, ["export", "hubspot", "--dry-run"])
    assert done.exit_code == 2
    assert "invented customers" in done.stderr


def test_without_a_published_copy_the_way_to_one_is_named(ready: RunningStandIn, tmp_path: Path) -> None:
    (tmp_path / "analytics.duckdb").unlink()
    done = CliRunner().invoke(app, ["export", "hubspot"])
    assert done.exit_code == 2
    assert "zcc build" in done.stderr
