"""What a backfill will cost."""

from __future__ import annotations

import pytest

from zcc_pipeline.domain.datasets import ENGAGEMENT_LOG, Label
from zcc_pipeline.sources.zoom_api import FurtherListing, ZoomApiConfig, plan_cost


def test_pages_reads_and_catalogues_are_counted_by_label() -> None:
    cost = plan_cost(
        {
            "engagements": 1_050,
            "zoom/voice_calls": 900,
            "surveys": 40,
            "notes": 5_000,
            "queues": 301,
            "recording_transcripts": 7,
        },
        ZoomApiConfig(plan="pro", rate_share=1.0),
        days=10,
    )
    assert cost.calls_by_dataset == {
        "zoom/engagements": 110,
        "zoom/voice_calls": 90,
        "zoom/surveys": 400,
        "zoom/notes": 0,
        "zoom/queues": 2,
        "zoom/recording_transcripts": 70,
    }
    assert cost.calls_by_label == {Label.LIGHT: 470, Label.MEDIUM: 112, Label.HEAVY: 90}
    assert cost.heavy_share_of_day == pytest.approx(90 / 15_000)
    assert cost.seconds_by_label[Label.LIGHT] == pytest.approx(470 / 20, rel=0.05)
    assert cost.seconds == max(cost.seconds_by_label.values())


def test_details_of_catalogues_and_further_listings_are_counted() -> None:
    log = FurtherListing("zoom/engagement_log", ENGAGEMENT_LOG, 250, 4)
    cost = plan_cost({"inboxes": 301, "disposition_catalogue": 20}, ZoomApiConfig(), days=10, further=[log])
    assert cost.calls_by_dataset == {
        "zoom/inboxes": 2 + 301,
        "zoom/disposition_catalogue": 1 + 20,
        "zoom/engagement_log": 12,
    }
    assert cost.calls_by_label[Label.HEAVY] == 12


def test_a_quiet_day_still_costs_the_call_that_finds_nothing() -> None:
    cost = plan_cost({"engagements": 0}, ZoomApiConfig(), days=30)
    assert cost.calls_by_label[Label.MEDIUM] == 30


def test_what_the_daily_budget_does_not_allow_takes_days() -> None:
    cost = plan_cost({"voice_calls": 100 * 1_000}, ZoomApiConfig(plan="pro", rate_share=0.5), days=15)
    assert cost.calls_by_label[Label.HEAVY] == 15_000
    assert cost.heavy_share_of_day == 1.0
    assert 2 * 86_400 <= cost.seconds_by_label[Label.HEAVY] <= 3 * 86_400


def test_half_the_share_takes_twice_the_time() -> None:
    whole = plan_cost({"engagements": 100_000}, ZoomApiConfig(plan="business", rate_share=0.8))
    half = plan_cost({"engagements": 100_000}, ZoomApiConfig(plan="business", rate_share=0.4))
    assert half.seconds == pytest.approx(2 * whole.seconds)


def test_without_limits_there_is_no_share_and_no_time() -> None:
    cost = plan_cost({"engagements": 100_000, "voice_calls": 100_000}, ZoomApiConfig(plan="unlimited"))
    assert cost.heavy_share_of_day is None
    assert cost.seconds == 0
