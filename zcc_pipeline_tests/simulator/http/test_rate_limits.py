"""Labels, plans, the daily cap, and every form of 429."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx
import pytest

from zcc_pipeline.simulator.zoom.answers import CallRefusedError
from zcc_pipeline.simulator.zoom.rate_limits import Label, Plan, RateLimits, RetryForm
from zcc_pipeline_tests.simulator.http.conftest import Serve

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Time:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def wall(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds)


def limits_of(plan: Plan, time: Time) -> RateLimits:
    return RateLimits(plan, monotonic=time.monotonic, wall_clock=time.wall)


def headers_of(refusal: CallRefusedError | None) -> dict[str, str]:
    assert refusal is not None
    assert refusal.answer.status == 429
    return {name.decode().lower(): value.decode() for name, value in refusal.answer.headers}


@pytest.mark.parametrize(
    ("plan", "label", "per_second"),
    [
        ("pro", "LIGHT", 20),
        ("pro", "MEDIUM", 10),
        ("pro", "HEAVY", 5),
        ("business", "LIGHT", 40),
        ("business", "MEDIUM", 20),
        ("business", "HEAVY", 10),
    ],
)
def test_each_plan_and_label_has_its_published_limit(plan: Plan, label: Label, per_second: int) -> None:
    limits = limits_of(plan, Time())
    taken = [limits.take(label) for _ in range(per_second + 1)]
    assert [refusal is None for refusal in taken] == [True] * per_second + [False]


def test_an_even_pace_at_the_limit_is_never_refused() -> None:
    time = Time()
    limits = limits_of("business", time)
    for _ in range(2000):
        assert limits.take("MEDIUM") is None
        time.seconds += 1 / 20


def test_labels_are_counted_apart_and_unlimited_has_none() -> None:
    limits = limits_of("pro", Time())
    for _ in range(10):
        assert limits.take("MEDIUM") is None
    assert limits.take("MEDIUM") is not None
    assert limits.take("LIGHT") is None
    free = limits_of("unlimited", Time())
    assert all(free.take("HEAVY") is None for _ in range(50_000))


def test_a_second_s_429_comes_in_four_forms_in_turn() -> None:
    limits = limits_of("pro", Time())
    forms = [headers_of(limits.refuse_second("MEDIUM")) for _ in RetryForm]
    seconds, http_date, reset_only, silent = forms
    assert seconds["retry-after"] == "1"
    assert seconds["x-ratelimit-type"] == "QPS"
    assert seconds["x-ratelimit-category"] == "Medium"
    assert parsedate_to_datetime(http_date["retry-after"]) == NOON + timedelta(seconds=1)
    assert "retry-after" not in reset_only
    assert int(reset_only["x-ratelimit-reset"]) > NOON.timestamp()
    assert silent == {}


@pytest.mark.parametrize(("plan", "cap"), [("pro", 15_000), ("business", 30_000)])
def test_the_daily_cap_of_heavy_calls_names_the_next_midnight(plan: Plan, cap: int) -> None:
    time = Time()
    limits = limits_of(plan, time)
    limits.heavy_used_today = cap
    headers = headers_of(limits.take("HEAVY"))
    assert headers["retry-after"] == "2026-11-22T00:00:00Z"
    assert headers["x-ratelimit-type"] == "Daily-limit"
    assert limits.take("LIGHT") is None
    time.seconds += 12 * 3600
    assert limits.take("HEAVY") is None


def test_a_refused_call_uses_up_nothing_of_the_day() -> None:
    limits = limits_of("pro", Time())
    for _ in range(9):
        limits.take("HEAVY")
    assert limits.heavy_used_today == 5


def test_a_burst_over_http_is_refused_and_counted(serve: Serve) -> None:
    reader = serve()
    reader.control("limits", plan="pro", per_second={"MEDIUM": 0.001})
    answers = [reader.get("queues") for _ in range(14)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert answers[0].status_code == 200
    assert refused[0].json()["code"] == 429
    assert reader.state()["rate_limited"] == {"MEDIUM": len(refused)}


def test_the_day_s_cap_is_shared_by_all_heavy_operations(serve: Serve) -> None:
    reader = serve(heavy_calls_per_day=2)
    assert reader.get("voice_calls").status_code == 200
    assert reader.get("analytics/log/historical/engagement").status_code == 200
    refused = reader.get("voice_calls")
    assert refused.status_code == 429
    assert datetime.fromisoformat(refused.headers["Retry-After"]) > datetime.now(UTC)
    assert reader.get("queues").status_code == 200


def test_limits_can_be_changed_while_running(serve: Serve) -> None:
    reader = serve()
    reader.control("limits", plan="pro", per_second={"MEDIUM": 0.001}, retry_forms=["http_date"])
    assert reader.get("queues").status_code == 200
    refused = reader.get("queues")
    assert refused.status_code == 429
    assert parsedate_to_datetime(refused.headers["Retry-After"])


@pytest.mark.parametrize(
    "body", [{"plan": "enterprise"}, {"per_second": {"EXTREME": 1}}, {"retry_forms": ["telepathy"]}]
)
def test_limits_that_make_no_sense_are_refused(serve: Serve, body: dict[str, object]) -> None:
    reader = serve()
    assert httpx.post(f"{reader.sim.control_url}/limits", json=body).status_code == 422
