"""What reconciling found shows in Dagster, and each threshold fails a check of its own."""

from __future__ import annotations

from datetime import timedelta

import dagster as dg

from zcc_pipeline.pipeline.coverage import LandedCoverage
from zcc_pipeline.pipeline.coverage_health import SlowRoute, WeakEvent
from zcc_pipeline.reconciliation import FlowScript, FlowState, Latency, Silence
from zcc_pipeline_tests.definitions.fake_pipeline import DAYS, FakePipeline, Ran
from zcc_pipeline_tests.definitions.test_run_outcomes import failed_checks, materializations, pipeline_time

NAMES = {
    "events_arrive",
    "events_are_fast",
    "every_event_subscribed",
    "differences_healed",
    "receiver_is_heard",
    "flow_scripts_send",
}


def coverage_checks_failed(pipeline: FakePipeline) -> set[str]:
    return {name for asset, name in failed_checks(pipeline.run(only=["coverage"])) if asset == "zoom/coverage"}


def line(expected: int, both: int) -> LandedCoverage:
    latency = Latency(both, 1.0, 2.0, 3.0)
    timing = {"webhook": latency, "websocket": None, "flow": None}
    return LandedCoverage(DAYS[0], "e", "", expected, both, both, expected - both, 0, True, timing)


def test_a_run_of_the_whole_graph_compares_its_days_and_polls_no_second_time(whole: Ran) -> None:
    assert "zoom/coverage" not in {asset for asset, _ in failed_checks(whole.result)}
    assert whole.pipeline.reconciled == [(tuple(DAYS), False)]


def test_the_reconcile_job_polls_and_draws_what_it_found(pipeline: FakePipeline) -> None:
    pipeline.health.lines = [line(10, 7)]
    result = pipeline.run(job="reconcile")
    assert pipeline.reconciled == [(tuple(DAYS), True)]
    (landed,) = materializations(result, dg.AssetKey(["zoom", "coverage"])).values()
    assert "data:image/svg+xml;base64," in str(landed.metadata["picture"].value)


def test_an_intake_that_never_heard_anything_is_no_receiver_that_is_well(pipeline: FakePipeline) -> None:
    assert "receiver_is_heard" not in coverage_checks_failed(pipeline)
    pipeline.health.is_set_up = True
    assert "receiver_is_heard" in coverage_checks_failed(pipeline)


def test_every_threshold_fails_its_own_check(pipeline: FakePipeline) -> None:
    health = pipeline.health
    health.lines = [line(10, 7)]
    health.weak = [WeakEvent("e", 10, 7)]
    health.slow = [SlowRoute(DAYS[0], "e", "webhook", 900.0)]
    health.not_subscribed = {"other": 5}
    health.failed_differences = 1
    health.silence = Silence(pipeline_time(), timedelta(hours=9), is_alarming=True)
    pipeline.flows = [FlowScript("f", "Sales", 9, 0, FlowState.MISSING)]
    found = pipeline.run(only=["coverage"]).get_asset_check_evaluations()
    said = {one.check_name: one.description or "" for one in found if not one.passed}
    assert set(said) == NAMES
    assert said["events_are_fast"] == (
        f"slow on 1 of the days; worst e, {DAYS[0]}, by webhook: 5 % took 15 minutes or more"
    )
