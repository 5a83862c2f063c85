"""What a run records, and what stops what."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import dagster as dg
import pytest

from zcc_pipeline.domain.completeness import ArtefactKind, Status
from zcc_pipeline.domain.errors import ConfigurationError, PermanentError
from zcc_pipeline.orchestration.assets.events import PATIENCE
from zcc_pipeline.pipeline.event_refresh import EventsReport
from zcc_pipeline.pipeline.freshness import NewestEngagement
from zcc_pipeline.pipeline.status import Unread
from zcc_pipeline.reconciliation import KindDay, RetentionClock
from zcc_pipeline_tests.definitions.fake_pipeline import DAYS, OF_NO_MART, TODAY, UNIQUE, FakePipeline, Ran

ENGAGEMENTS = dg.AssetKey(["zoom", "engagements"])
UNHAPPY = (Status.UNEXPLAINED, Status.FAILED)


def materializations(result: dg.ExecuteInProcessResult, key: dg.AssetKey) -> dict[str | None, dg.AssetMaterialization]:
    events = result.get_asset_materialization_events()
    return {event.partition: event.materialization for event in events if event.asset_key == key}


def failed_checks(result: dg.ExecuteInProcessResult) -> set[tuple[str, str]]:
    return {
        (found.asset_key.to_user_string(), found.check_name)
        for found in result.get_asset_check_evaluations()
        if not found.passed
    }


def test_a_range_is_one_run_with_each_days_numbers_on_its_own_partition(whole: Ran) -> None:
    assert whole.result.success
    by_day = materializations(whole.result, ENGAGEMENTS)
    assert {day: one.metadata["received"].value for day, one in by_day.items()} == {
        str(DAYS[0]): 10,
        str(DAYS[1]): 11,
        str(DAYS[2]): 12,
    }
    days = by_day[str(DAYS[2])].metadata["days"]
    assert isinstance(days, dg.TableMetadataValue)
    assert [record.data["day"] for record in days.records] == [str(day) for day in reversed(DAYS)]
    assert "days" not in by_day[str(DAYS[0])].metadata


def test_steps_run_in_the_order_of_a_pull(whole: Ran) -> None:
    names = [name for name, _ in whole.pipeline.pulled]
    assert names.index("files/voicemails") < names.index("zoom/engagements")
    assert names[-1] == "zoom/completeness"


def test_reference_lists_have_no_partitions_and_their_numbers_all_the_same(pipeline: FakePipeline) -> None:
    result = pipeline.run(only=["zoom__queues"])
    assert dict(pipeline.pulled)["zoom/queues"] == ()
    assert materializations(result, dg.AssetKey(["zoom", "queues"]))[None].metadata["received"].value == 10


def test_a_day_cut_short_fails_the_run_after_everything_else_has_been_done(pipeline: FakePipeline) -> None:
    pipeline.problems["zoom/engagements", DAYS[1]] = "391 rows received, 400 announced"
    result = pipeline.run()
    assert not result.success
    assert [event.step_key for event in result.get_step_failure_events()] == ["read_to_the_end"]
    assert failed_checks(result) >= {("zoom/engagements", "read_to_the_end")}
    assert ("zoom/recordings", "read_to_the_end") not in failed_checks(result)
    by_day = materializations(result, ENGAGEMENTS)
    assert by_day[str(DAYS[1])].metadata["problem"].value == "391 rows received, 400 announced"
    assert by_day[str(DAYS[2])].metadata["new"].value == 2
    assert pipeline.published == 1


def test_the_failure_names_dataset_day_and_reason(pipeline: FakePipeline) -> None:
    pipeline.problems["zoom/engagements", DAYS[1]] = "391 rows received, 400 announced"
    (failure,) = pipeline.run(only=["zoom__engagements", "read_to_the_end"]).get_step_failure_events()
    data = failure.step_failure_data.user_failure_data
    assert data is not None
    assert f"zoom/engagements {DAYS[1]}: 391 rows received, 400 announced" in str(data.description)


def test_a_dataset_that_stops_altogether_stops_no_other(pipeline: FakePipeline) -> None:
    pipeline.errors["zoom/recordings"] = PermanentError("the token lacks a scope")
    result = pipeline.run()
    pulled = [name for name, _ in pipeline.pulled]
    assert pulled.index("files/recordings") > pulled.index("zoom/recordings")
    assert "zoom/completeness" in pulled
    assert pipeline.published == 1
    assert ("zoom/recordings", "read_to_the_end") in failed_checks(result)
    assert not result.success


def test_a_fault_of_our_own_in_one_step_stops_no_other_and_quotes_nothing(pipeline: FakePipeline) -> None:
    pipeline.errors["zoom/recordings"] = ValueError("+49 151 0000000")
    result = pipeline.run(only=["zoom__recordings", "zoom__completeness", "read_to_the_end"])
    assert "zoom/completeness" in [name for name, _ in pipeline.pulled]
    assert ("zoom/recordings", "read_to_the_end") in failed_checks(result)
    (failure,) = result.get_step_failure_events()
    said = str(failure.step_failure_data.user_failure_data)
    assert "unexpected ValueError in raw.py, line" in said
    assert "0000000" not in said


def test_a_wrong_setting_stops_at_once_and_says_which(pipeline: FakePipeline) -> None:
    pipeline.errors["zoom/queues"] = ConfigurationError("ZCC_ZOOM_CLIENT_ID", "is needed")
    failures = pipeline.run().get_step_failure_events()
    messages = [str(failure.step_failure_data.user_failure_data) for failure in failures]
    assert any("ZCC_ZOOM_CLIENT_ID: is needed" in message for message in messages)


def test_duplicate_keys_keep_the_published_copy_as_it_is(pipeline: FakePipeline) -> None:
    pipeline.node_status[UNIQUE] = "fail"
    result = pipeline.run(only=["dbt_build", "analytics"])
    assert not result.success
    assert ("engagements", "unique_engagement_id") in failed_checks(result)
    assert pipeline.published == 0


def test_a_failed_test_of_what_no_mart_is_made_of_is_shown_and_keeps_nothing_back(pipeline: FakePipeline) -> None:
    pipeline.node_status[OF_NO_MART] = "fail"
    pipeline.crms = ("salesforce",)
    result = pipeline.run(only=["dbt_build", "analytics", "exports__salesforce", "compliance_archive"])
    assert result.success
    errors = [
        found.check_name
        for found in result.get_asset_check_evaluations()
        if not found.passed and found.severity is dg.AssetCheckSeverity.ERROR
    ]
    assert errors == ["no_file_in_quarantine"]
    assert pipeline.published == 1
    assert [crm for crm, _ in pipeline.exported] == ["salesforce"]
    assert materializations(result, dg.AssetKey(["compliance_archive"]))


def test_a_warning_of_dbt_is_shown_and_publishes_all_the_same(pipeline: FakePipeline) -> None:
    pipeline.node_status["test.zcc_pipeline.accepted_values_a.1"] = "warn"
    result = pipeline.run(only=["dbt_build", "analytics"])
    assert result.success
    assert failed_checks(result) >= {("engagements", "accepted_values_a")}
    assert pipeline.published == 1


def test_a_model_that_dbt_skipped_keeps_the_published_copy_and_is_named(pipeline: FakePipeline) -> None:
    pipeline.node_status["model.zcc_pipeline.engagements"] = "skipped"
    result = pipeline.run(only=["dbt_build", "analytics"])
    (failure,) = [event for event in result.get_step_failure_events() if event.step_key == "dbt_build"]
    assert "dbt did not build engagements" in str(failure.step_failure_data.user_failure_data)
    assert materializations(result, dg.AssetKey(["stg_zoom__engagements"]))
    assert pipeline.published == 0


def test_models_carry_their_row_counts(pipeline: FakePipeline) -> None:
    (mart,) = materializations(pipeline.run(only=["dbt_build"]), dg.AssetKey(["engagements"])).values()
    assert mart.metadata["dagster/row_count"].value == 30


def recordings_of_which_one_is(status: Status) -> list[KindDay]:
    return [KindDay(DAYS[0], ArtefactKind.RECORDING, 5, by_status=Counter({status: 1, Status.STORED: 4}))]


@pytest.mark.parametrize("status", UNHAPPY)
def test_an_artefact_without_explanation_fails_its_check(pipeline: FakePipeline, status: Status) -> None:
    pipeline.status.lines = recordings_of_which_one_is(status)
    result = pipeline.run(only=["completeness"])
    assert result.success
    assert failed_checks(result) >= {("zoom/completeness", "everything_explained")}


def test_an_artefact_without_explanation_stops_nothing(pipeline: FakePipeline) -> None:
    pipeline.status.lines = [each for status in UNHAPPY for each in recordings_of_which_one_is(status)]
    result = pipeline.run()
    assert result.success
    assert failed_checks(result) >= {("zoom/completeness", "everything_explained")}
    assert pipeline.published == 1
    (proof,) = [
        one
        for day, one in materializations(result, dg.AssetKey(["zoom", "completeness"])).items()
        if day == str(DAYS[2])
    ]
    assert "data:image/svg+xml;base64," in str(proof.metadata["picture"].value)


def test_overdue_listings_and_expiring_files_and_quarantine_each_fail_a_check(pipeline: FakePipeline) -> None:
    pipeline.status.unread = [Unread("zoom/engagements", DAYS[0], "never read", is_overdue=True)]
    pipeline.status.oldest = [RetentionClock(ArtefactKind.VOICEMAIL, "v", pipeline_time(), 30, 25, 1, is_alarming=True)]
    pipeline.status.quarantined = 2
    found = pipeline.run(only=["completeness"]).get_asset_check_evaluations()
    said = {one.check_name: one.description for one in found if not one.passed}
    assert said == {
        "every_day_listed": "overdue listings: 1",
        "nothing_about_to_expire": "kinds of file within a week of their deletion at Zoom: 1",
        "nothing_in_quarantine": "set aside: 2; zcc quarantine list tells why",
    }


def test_freshness_looks_at_the_records_own_time(pipeline: FakePipeline) -> None:
    stale = ("zoom/engagements", "is_fresh")
    pipeline.newest = NewestEngagement(pipeline_time() - timedelta(hours=30), timedelta(days=1))
    assert stale not in failed_checks(pipeline.run(only=["zoom__engagements_is_fresh"]))
    pipeline.newest = NewestEngagement(pipeline_time() - timedelta(hours=50), timedelta(days=1))
    assert stale in failed_checks(pipeline.run(only=["zoom__engagements_is_fresh"]))
    pipeline.newest = NewestEngagement(pipeline_time() - timedelta(hours=50), timedelta(days=3))
    assert stale not in failed_checks(pipeline.run(only=["zoom__engagements_is_fresh"]))


def test_late_closers_are_not_looked_for_before_the_deep_look_back(pipeline: FakePipeline) -> None:
    pipeline.run(TODAY - timedelta(days=40), TODAY, only=["refresh__late_closers"])
    assert min(pipeline.late_closer_days) == TODAY - timedelta(days=35)
    assert max(pipeline.late_closer_days) == TODAY


def test_todays_run_leaves_out_reference_lists_and_the_late_closer_pass(today: Ran) -> None:
    assert today.result.success
    assert "zoom/queues" not in dict(today.pipeline.pulled)
    assert today.pipeline.late_closer_days == []
    assert today.pipeline.published == 1


def pipeline_time():
    from zcc_pipeline.domain.clock import SystemClock

    return SystemClock().now()


def test_a_refresh_lands_events_builds_and_publishes_and_nothing_else(pipeline: FakePipeline) -> None:
    result = pipeline.run(job="refresh")
    assert result.success
    assert pipeline.pulled == []
    assert pipeline.published == 1
    assert pipeline.patience == [PATIENCE]


def test_every_run_that_reads_begins_with_the_events(whole: Ran, today: Ran) -> None:
    for ran in (whole, today):
        steps = [event.step_key for event in ran.result.all_events if event.is_step_start]
        assert steps[0] == "zoom__events"
        assert ran.pipeline.patience == [timedelta(0)]


def test_what_could_not_be_read_because_of_an_event_fails_the_run_and_publishes_all_the_same(
    pipeline: FakePipeline,
) -> None:
    pipeline.events = EventsReport(problems=["GET /engagements/{id}: 503"])
    result = pipeline.run(job="refresh")
    assert not result.success
    assert ("zoom/events", "read_to_the_end") in failed_checks(result)
    assert pipeline.published == 1
