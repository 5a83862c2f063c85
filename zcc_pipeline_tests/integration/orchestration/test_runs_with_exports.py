"""A whole run with a CRM behind it: what is in the mart arrives, and Dagster's records repeat nobody's data."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from zcc_pipeline.exports.outcomes import Status
from zcc_pipeline.orchestration.run import ExportSummary, RunSummary, run_range
from zcc_pipeline.settings import Settings, load_settings
from zcc_pipeline.simulator.crm.base import CrmOptions, Faults, running
from zcc_pipeline.simulator.crm.catalogue import environment_of, make
from zcc_pipeline_tests.integration.orchestration.test_whole_runs import personal_data_in_records
from zcc_pipeline_tests.story import story

pytestmark = [pytest.mark.integration, pytest.mark.slow]

TAKEN = (Status.CREATED, Status.UPDATED, Status.UNCHANGED)


def with_crm(settings: Settings, environment: dict[str, str], mapping: Path) -> Settings:
    """The same settings and a CRM's; everything leaves as soon as it has ended."""
    crm = load_settings(environment | {"ZCC_CRM_MAPPING": str(mapping)}, dotenv=mapping.with_name("none"))
    return settings.model_copy(update={name: getattr(crm, name) for name in crm.model_fields_set})


def mapping_that_waits_for_nothing(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "crm_mapping.yml"
    path.write_text(
        "version: 1\n"
        "salesforce:\n"
        "  export_when: ended\n"
        "  targets:\n"
        "    engagement:\n"
        "      object: Contact_Center_Engagement__c\n"
        "      key: Engagement_Id__c\n"
        "      fields: {Subject__c: {from: subject, cut: 255}, Channel__c: channel}\n"
        "  channels: {voice: engagement, video: engagement, messaging: engagement, email: engagement}\n"
    )
    return path


def exported(summary: RunSummary) -> ExportSummary:
    assert summary.is_success, summary.failed_steps
    (found,) = summary.exports
    return found


def test_a_run_brings_the_crm_up_to_date_and_repeats_nothing_that_people_said(tmp_path: Path) -> None:
    options = CrmOptions(faults=Faults(refuse_share=0.1))
    with story(tmp_path / "home", days=1, per_day=60) as told, running(make("salesforce", options)) as crm:
        mapping = mapping_that_waits_for_nothing(tmp_path / "mapping")
        settings = with_crm(told.settings, environment_of("salesforce", crm.url, options), mapping)
        summary = run_range(told.days[0], told.days[-1], settings=settings, clock=told.clock)
        found = exported(summary)
        with duckdb.connect(str(told.home / "analytics.duckdb"), read_only=True) as marts:
            row = marts.execute("select count(*) from crm_activities where not is_deleted_at_source").fetchone()
        refused = found.outcomes[Status.FAILED_PERMANENT]
        assert refused > 0
        assert row == (sum(found.outcomes[status] for status in TAKEN) + refused,)
        failed = {check.name for check in summary.failed_checks if check.asset == "exports/salesforce"}
        assert failed == {"nothing_refused"}
        assert personal_data_in_records(told.home, summary.run_id) == []

        again = exported(run_range(told.days[0], told.days[-1], settings=settings, clock=told.clock))
        assert (again.outcomes[Status.CREATED], again.outcomes[Status.UPDATED]) == (0, 0)
        assert again.outcomes[Status.FAILED_PERMANENT] == refused
