"""Exports in Dagster: there when configured, driven by the ledger, and silent about what people said."""

from __future__ import annotations

from collections import Counter
from datetime import date

import dagster as dg

from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.exports.destination import Usage
from zcc_pipeline.exports.outcomes import Status
from zcc_pipeline.exports.report import ExportReport, RefusedByCrm
from zcc_pipeline.pipeline.export_health import ExportHealth
from zcc_pipeline_tests.definitions.fake_pipeline import DAYS, UNIQUE, FakePipeline, Ran
from zcc_pipeline_tests.definitions.test_run_outcomes import failed_checks

KEY = dg.AssetKey(["exports", "salesforce"])


def metadata(result: dg.ExecuteInProcessResult) -> dict[str, object]:
    (event,) = [
        event
        for event in result.get_asset_materialization_events()
        if event.asset_key == KEY and event.step_materialization_data.materialization.metadata
    ]
    found = event.step_materialization_data.materialization.metadata
    return {name: value if isinstance(value, dg.TableMetadataValue) else value.value for name, value in found.items()}


def of_exports(result: dg.ExecuteInProcessResult) -> set[str]:
    return {name for asset, name in failed_checks(result) if asset.startswith("exports/")}


def test_without_a_crm_nothing_is_exported(whole: Ran) -> None:
    assert whole.result.success
    assert whole.pipeline.exported == []


def test_each_configured_crm_is_exported_to_after_publishing_whatever_the_days_of_the_run(
    pipeline: FakePipeline,
) -> None:
    pipeline.crms = ("salesforce", "hubspot")
    result = pipeline.run()
    assert result.success
    assert sorted(pipeline.exported) == [("hubspot", None), ("salesforce", None)]
    steps = [str(event.step_key) for event in result.all_events if event.is_step_success]
    assert steps.index("analytics") < min(steps.index(f"exports__{crm}") for crm in pipeline.crms)


def test_events_reach_the_crms_in_the_run_that_they_start(pipeline: FakePipeline) -> None:
    pipeline.crms = ("salesforce",)
    assert pipeline.run(job="refresh").success
    assert pipeline.exported == [("salesforce", None)]


def test_nothing_leaves_where_a_test_of_the_models_has_failed(pipeline: FakePipeline) -> None:
    pipeline.crms = ("salesforce",)
    pipeline.node_status[UNIQUE] = "fail"
    pipeline.run(job="refresh")
    assert pipeline.published == 0
    assert pipeline.exported == []


def test_the_run_config_may_narrow_an_export_down_to_days(pipeline: FakePipeline) -> None:
    pipeline.crms = ("salesforce",)
    days = {"first_day": "2026-11-01", "last_day": "2026-11-07"}
    assert pipeline.run(job="export", ops={"exports__salesforce": {"config": days}}).success
    assert pipeline.exported == [("salesforce", (date(2026, 11, 1), date(2026, 11, 7)))]


def test_a_day_that_is_none_fails_with_a_sentence(pipeline: FakePipeline) -> None:
    pipeline.crms = ("salesforce",)
    result = pipeline.run(job="export", ops={"exports__salesforce": {"config": {"first_day": "soon"}}})
    assert not result.success
    assert pipeline.exported == []


def test_what_an_export_did_is_in_its_metadata(pipeline: FakePipeline) -> None:
    pipeline.crms = ("salesforce",)
    report = ExportReport(
        "salesforce", is_dry_run=False, not_due=4, days={DAYS[0], DAYS[2]}, stopped="the quota is used up"
    )
    report.counts = Counter({Status.CREATED: 7, Status.UPDATED: 2, Status.FAILED_PERMANENT: 1})
    report.codes = Counter({"INVALID_FIELD": 1})
    report.refused = [RefusedByCrm("e1", DAYS[0], "INVALID_FIELD", "No such column …")]
    report.usage = Usage(api_calls=5, quota_used=100, quota_total=1000, waited_seconds=1.5)
    pipeline.export_report = report
    found = metadata(pipeline.run(job="export"))
    assert (found["created"], found["updated"], found["failed permanent"], found["not due"]) == (7, 2, 1, 4)
    assert found["days touched"] == f"{DAYS[0]}, {DAYS[2]}"
    assert (found["API calls"], found["quota left"]) == (5, 900)
    assert found["stopped"] == "the quota is used up"
    refused = found["refused"]
    assert isinstance(refused, dg.TableMetadataValue)
    assert refused.records[0].data == {
        "engagement": "e1",
        "day": str(DAYS[0]),
        "code": "INVALID_FIELD",
        "why": "No such column …",
    }


def test_a_missing_setting_fails_the_step_of_that_crm_alone_and_is_not_tried_again(pipeline: FakePipeline) -> None:
    pipeline.crms = ("salesforce", "hubspot")
    pipeline.errors["salesforce"] = ConfigurationError("ZCC_SALESFORCE_CLIENT_ID", "is missing")
    result = pipeline.run(job="refresh")
    assert not result.success
    assert sorted(pipeline.exported) == [("hubspot", None), ("salesforce", None)]


def test_refused_records_and_records_that_have_not_left_fail_a_check_each(pipeline: FakePipeline) -> None:
    pipeline.crms = ("salesforce",)
    assert of_exports(pipeline.run(job="export")) == set()
    pipeline.export_health = ExportHealth("salesforce", held=Counter({"INVALID_FIELD": 3}))
    assert of_exports(pipeline.run(job="export")) == {"nothing_refused"}
    pipeline.export_health = ExportHealth("salesforce", due=Counter({DAYS[0]: 2}))
    assert of_exports(pipeline.run(job="export")) == {"everything_has_left"}
    pipeline.export_health = ExportHealth("salesforce", strays=1)
    assert of_exports(pipeline.run(job="export")) == {"everything_has_left"}
