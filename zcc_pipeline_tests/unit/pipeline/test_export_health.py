"""The ledger of a CRM against the mart, and what the doctor says of who else logs there."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from zcc_pipeline.domain.export_ledger import ExportPlan, ExportResult
from zcc_pipeline.domain.records import SHAPE_LIST
from zcc_pipeline.exports.activity import Activity
from zcc_pipeline.pipeline.doctor import Finding, Verdict
from zcc_pipeline.pipeline.export_checks import COEXISTENCE, examine_exports
from zcc_pipeline.pipeline.export_health import ExportHealth, export_health
from zcc_pipeline.pipeline.exporting import mapping_for
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline_tests.integration.exports.engagements import changed, engagement, with_note
from zcc_pipeline_tests.published_activities import publish
from zcc_pipeline_tests.unit.pipeline.homes import NOW, TODAY, land, open_home

CRM = "salesforce"
PAGE = Path(__file__).parents[3] / "docs" / "crm" / "README.md"


def home_with(folder: Path, *activities: Activity) -> Runtime:
    publish(folder / "analytics.duckdb", activities)
    return open_home(folder)


def settle(runtime: Runtime, activity: Activity, status: str, code: str = "") -> None:
    """As an export leaves it in the ledger."""
    mapping = mapping_for(runtime, CRM).fingerprint
    plan = ExportPlan(activity.engagement_id, activity.started_date, activity.activity_hash, mapping, "content")
    result = ExportResult(activity.engagement_id, status, code, "Object", "remote")
    runtime.state.exports.settle(CRM, [(plan, result)], now=NOW)


def health_of(runtime: Runtime) -> ExportHealth:
    with runtime:
        return export_health(runtime, CRM)


def test_what_is_there_as_it_is_now_is_settled_and_the_rest_is_due_on_its_day(tmp_path: Path) -> None:
    there, never, edited = engagement(1), engagement(2), engagement(3)
    runtime = home_with(tmp_path, there, never, with_note(edited, "since then"))
    settle(runtime, there, "created")
    settle(runtime, edited, "created")
    health = health_of(runtime)
    assert (health.engagements, health.settled, health.refused) == (3, 1, 0)
    assert health.due == {never.started_date: 2}
    assert not health.is_even


def test_what_has_not_settled_yet_is_not_due(tmp_path: Path) -> None:
    soon = changed(engagement(1), ended_at=NOW - timedelta(hours=1))
    health = health_of(home_with(tmp_path, soon))
    assert (health.not_due, health.due.total()) == (1, 0)
    assert health.is_even


def test_a_refused_record_is_accounted_for_and_not_due(tmp_path: Path) -> None:
    refused = engagement(1)
    runtime = home_with(tmp_path, refused)
    settle(runtime, refused, "failed_permanent", "INVALID_FIELD")
    health = health_of(runtime)
    assert (health.refused, health.settled, health.due.total()) == (1, 0, 0)
    assert health.is_even


def test_a_record_without_a_known_outcome_is_due(tmp_path: Path) -> None:
    sent = engagement(1)
    runtime = home_with(tmp_path, sent)
    mapping = mapping_for(runtime, CRM).fingerprint
    plan = ExportPlan(sent.engagement_id, sent.started_date, sent.activity_hash, mapping, "content")
    runtime.state.exports.begin(CRM, [plan], now=NOW)
    health = health_of(runtime)
    assert (health.due.total(), health.open) == (1, 1)


def test_what_the_ledger_has_and_the_mart_has_not_is_a_stray(tmp_path: Path) -> None:
    runtime = home_with(tmp_path, engagement(1))
    settle(runtime, engagement(1), "created")
    settle(runtime, engagement(9), "created")
    health = health_of(runtime)
    assert health.strays == 1
    assert not health.is_even


# Who else logs there

HALF = {"salesforce_url": "https://127.0.0.1:9", "salesforce_client_id": "id", "salesforce_client_secret": "hush"}


def land_user(runtime: Runtime, user_id: str, client: str) -> None:
    user: dict[str, object] = {"user_id": user_id, "client_integration": client, "user_access": "active"}
    land(runtime, "zoom/users", user_id, user, day=TODAY, shape=SHAPE_LIST)


def coexistence(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    """Findings about who else logs, without asking the CRM."""
    monkeypatch.setattr("zcc_pipeline.pipeline.export_checks._asked", _nothing_found)
    with runtime:
        return [each for each in examine_exports(runtime) if each.topic in {"salesforce coexistence", "exports"}]


async def _nothing_found(*_: object) -> list[Finding]:
    return []


def test_agents_inside_the_crm_are_counted_and_double_logging_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = open_home(tmp_path, **HALF)
    for number in range(3):
        land_user(runtime, f"u{number}", "Salesforce" if number else "Default")
    (found,) = coexistence(runtime, monkeypatch)
    assert found.verdict is Verdict.WARNING
    assert found.text.startswith("2 agents work inside Salesforce")
    assert "salesforce.coexistence.queues" in found.remedy


def test_queues_that_are_left_to_the_connector_are_no_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mapping = tmp_path / "mapping.yml"
    mapping.write_text(
        "version: 1\nsalesforce:\n"
        "  targets: {engagement: {object: O__c, key: Key__c, fields: {Subject__c: subject}}}\n"
        "  channels: {voice: engagement}\n"
        '  coexistence: {queues: {"Support": skip}}\n'
    )
    runtime = open_home(tmp_path, **HALF, crm_mapping=mapping)
    land_user(runtime, "u1", "Salesforce")
    (found,) = coexistence(runtime, monkeypatch)
    assert found.verdict is Verdict.OK
    assert "Support (skip)" in found.text


def test_agents_in_a_crm_that_is_not_configured_are_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = open_home(tmp_path)
    land_user(runtime, "u1", "Microsoft_Dynamics_365")
    (found,) = coexistence(runtime, monkeypatch)
    assert found.text.startswith("1 agent works in Microsoft Dynamics 365")


def test_the_page_holds_the_same_table_as_the_doctor() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for advice in COEXISTENCE:
        assert f"| {advice.situation} | {advice.way} | {advice.setting} |" in page
