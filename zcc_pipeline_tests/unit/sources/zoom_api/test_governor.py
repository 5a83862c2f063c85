"""The rate governor against strict servers, in virtual time."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from zcc_pipeline.domain.datasets import DATASETS, Label
from zcc_pipeline.domain.errors import QuotaExhausted
from zcc_pipeline.sources.zoom_api import Listing, ZoomApiConfig, poll_window
from zcc_pipeline.sources.zoom_api.config import RATES_PER_SECOND
from zcc_pipeline.sources.zoom_api.governor import Governor, pace, seconds_to_midnight

DETAIL = DATASETS["zoom/engagement_events"].listing


def governor(box: Any, *, live: bool = False, **config: Any) -> Governor:
    return Governor(ZoomApiConfig(**config), budget=box.budget, clock=box.clock, live=live)


def most_in_any_second(times: list[float]) -> int:
    return max(sum(1 for other in times if moment <= other < moment + 1.0) for moment in times)


async def call(box: Any, one: Governor, count: int, times: list[float], *, label: Label = Label.MEDIUM) -> None:
    for _ in range(count):
        async with one.slot(label):
            times.append(box.clock.monotonic())


async def pass_through(one: Governor, label: Label) -> None:
    async with one.slot(label):
        pass


@pytest.mark.parametrize("plan", ["pro", "business"])
@pytest.mark.parametrize("label", list(Label))
def test_no_second_ever_sees_more_calls_than_the_plan_allows(box: Any, plan: str, label: Label) -> None:
    times: list[float] = []

    async def work() -> None:
        one = governor(box, plan=plan, rate_share=1.0)
        await asyncio.gather(*(call(box, one, 20, times, label=label) for _ in range(10)))

    box.run(work())
    limit = RATES_PER_SECOND[plan][label]
    assert most_in_any_second(times) <= limit
    assert max(times) <= 200 / limit * 1.05, "and hardly slower than allowed"


def test_calls_that_are_late_are_not_caught_up_in_a_burst(box: Any) -> None:
    times: list[float] = []
    stall = random.Random(7)

    async def work() -> None:
        one = governor(box, plan="business", rate_share=1.0)
        for _ in range(200):
            async with one.slot(Label.MEDIUM):
                await asyncio.sleep(stall.choice([0, 0, 0, 0.02, 0.4]))  # the event loop is busy between slot and call
                times.append(box.clock.monotonic())

    box.run(work())
    assert most_in_any_second(times) <= 20


def test_processes_share_one_account(box: Any) -> None:
    times: list[float] = []

    async def work() -> None:
        processes = [governor(box, plan="business", rate_share=1.0) for _ in range(4)]
        await asyncio.gather(*(call(box, one, 50, times) for one in processes))

    box.run(work())
    assert most_in_any_second(times) <= 20
    assert max(times) <= 200 / 20 * 1.05


@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.8, 0.99])
def test_a_share_is_a_share(box: Any, share: float) -> None:
    times: list[float] = []

    async def work() -> None:
        await call(box, governor(box, plan="business", rate_share=share), 100, times, label=Label.LIGHT)

    box.run(work())
    assert 40 * share * ((times[-1] - times[0]) + 0.25) + 1 >= 100
    assert most_in_any_second(times) <= 40


@pytest.mark.parametrize("plan", ["pro", "business"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.8, 1.0])
def test_pace_and_catching_up_together_stay_below_the_limit(plan: str, share: float) -> None:
    for label, limit in RATES_PER_SECOND[plan].items():
        interval, burst = pace(ZoomApiConfig(plan=plan, rate_share=share), label)  # type: ignore[arg-type]
        assert int(1 / interval) + burst <= limit
        assert 1 / interval <= limit * share + 1e-9


def test_a_live_call_waits_behind_one_backfill_call_at_most(box: Any) -> None:
    waits: list[float] = []

    async def work() -> None:
        backfills = [governor(box, plan="pro", rate_share=1.0) for _ in range(3)]
        live = governor(box, plan="pro", rate_share=1.0, live=True)
        busy = [asyncio.ensure_future(call(box, one, 10_000, [])) for one in backfills for _ in range(8)]
        await asyncio.sleep(5)
        for _ in range(20):
            asked = box.clock.monotonic()
            async with live.slot(Label.MEDIUM):
                waits.append(box.clock.monotonic() - asked)
            await asyncio.sleep(0.777)
        for task in busy:
            task.cancel()

    box.run(work())
    interval, _ = pace(ZoomApiConfig(plan="pro", rate_share=1.0), Label.MEDIUM)
    assert max(waits) <= 2 * interval + 0.05


def test_a_crowd_of_live_calls_goes_before_every_backfill_call(box: Any) -> None:
    live_times: list[float] = []
    backfill_times: list[float] = []

    async def work() -> None:
        backfill = governor(box, plan="pro", rate_share=1.0)
        live = governor(box, plan="pro", rate_share=1.0, live=True)
        busy = asyncio.ensure_future(call(box, backfill, 1_000, backfill_times))
        await asyncio.sleep(3)
        asked = box.clock.monotonic()
        await asyncio.gather(*(call(box, live, 1, live_times) for _ in range(50)))
        assert live_times[-1] - asked <= 50 * 0.103 + 0.3
        assert sum(asked + 0.3 < moment < live_times[-1] - 0.3 for moment in backfill_times) == 0
        busy.cancel()

    box.run(work())


def test_a_backfill_alone_gets_every_slot(box: Any) -> None:
    times: list[float] = []
    box.run(call(box, governor(box, plan="pro", rate_share=1.0), 100, times))
    assert times[-1] - times[0] == pytest.approx(99 * 0.103, rel=0.01)


def test_the_daily_budget_of_heavy_calls_ends_in_a_pause_until_midnight(box: Any) -> None:
    async def work() -> None:
        one = governor(box, plan="pro", rate_share=1.0, live=True)
        box.budget.spent[box.start.date()] = 14_999
        await pass_through(one, Label.HEAVY)
        with pytest.raises(QuotaExhausted, match="daily budget of HEAVY") as caught:
            await pass_through(one, Label.HEAVY)
        assert caught.value.retry_after_seconds == pytest.approx(86_400, abs=2)
        await asyncio.sleep(caught.value.retry_after_seconds)
        await pass_through(one, Label.HEAVY)

    box.run(work())


def test_a_backfill_leaves_a_fifth_of_the_daily_budget_to_live_work(box: Any) -> None:
    async def work() -> None:
        box.budget.spent[box.start.date()] = int(15_000 * 0.5 * 0.8)
        with pytest.raises(QuotaExhausted):
            await pass_through(governor(box, plan="pro", rate_share=0.5), Label.HEAVY)
        await pass_through(governor(box, plan="pro", rate_share=0.5, live=True), Label.HEAVY)

    box.run(work())


def test_only_heavy_calls_cost_the_daily_budget(box: Any) -> None:
    async def work() -> None:
        one = governor(box, plan="pro")
        await pass_through(one, Label.LIGHT)
        await pass_through(one, Label.MEDIUM)
        assert not box.budget.spent
        await pass_through(one, Label.HEAVY)
        assert box.budget.spent[box.start.date()] == 1

    box.run(work())


def test_a_slot_far_away_is_not_waited_for(box: Any) -> None:
    async def work() -> None:
        box.budget.block(Label.MEDIUM, until=box.clock.now().timestamp() + 7200)
        for live in (True, False):
            with pytest.raises(QuotaExhausted) as caught:
                await pass_through(governor(box, plan="pro", live=live), Label.MEDIUM)
            assert caught.value.retry_after_seconds == pytest.approx(7200, abs=1)
        assert box.clock.monotonic() == 0

    box.run(work())


def test_without_limits_nothing_is_asked_of_the_budget(box: Any) -> None:
    box.budget.reserve = None
    times: list[float] = []
    box.run(call(box, governor(box, plan="unlimited"), 1000, times, label=Label.HEAVY))
    assert times[-1] == 0


def test_midnight_is_that_of_utc() -> None:
    assert seconds_to_midnight(datetime(2026, 3, 1, 23, 59, 30, tzinfo=UTC)) == 30
    assert seconds_to_midnight(datetime(2026, 3, 1, tzinfo=UTC)) == 86_400


def test_fifty_thousand_engagements_take_hardly_longer_than_the_limit_and_see_no_429(box: Any) -> None:
    box.zoom.rows = box.fill_day(50_000)
    box.zoom.latency, box.zoom.per_second = 0.2, 20

    async def work() -> tuple[Listing, float]:
        async with box.api(plan="business", rate_share=1.0) as api:
            listing = await poll_window(api, box.engagements, box.day, batch_id="b", sink=lambda chunks: None)
            return listing, box.clock.monotonic()

    listing, seconds = box.run(work())
    assert box.zoom.refused == 0
    assert listing.is_complete
    assert len(listing.record_ids) == 50_000
    shortest = 500 / 20
    print(f"ratio {seconds / shortest:.3f} calls {listing.api_calls} parts {listing.splits}")
    assert seconds <= 1.12 * shortest


def test_a_429_holds_the_label_for_every_process_and_is_tried_again(box: Any) -> None:
    refusals = iter([httpx.Response(429, headers={"Retry-After": "7"}), httpx.Response(429)])

    def refuse(request: httpx.Request) -> httpx.Response | None:
        return next(refusals, None) if "/oauth/" not in request.url.path else None

    box.zoom.meddle = refuse

    async def work() -> None:
        async with box.api(plan="pro") as api:
            await api.fetch(DETAIL, path_params={"engagement_id": "e"})
            assert box.clock.monotonic() >= 7 + 1
            assert box.budget.blocked_until[Label.LIGHT] >= (box.start + timedelta(seconds=7)).timestamp()

    box.run(work())
