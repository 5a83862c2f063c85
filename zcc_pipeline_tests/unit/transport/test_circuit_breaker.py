"""When calls stop being patient, and when they begin again."""

from __future__ import annotations

import asyncio

import pytest

from zcc_pipeline.domain.errors import (
    HostUnreachable,
    NotFound,
    QuotaExhausted,
    TransientError,
    ZccPipelineError,
)
from zcc_pipeline.transport import CircuitBreaker, RetryPolicy, retry
from zcc_pipeline_tests.unit.transport.own_clock import OwnClock

AWAY = TransientError("GET /things: ConnectError")


class Service:
    """Answers what it is told to; a call takes some seconds."""

    def __init__(self, *, seconds: float = 10.0) -> None:
        self.clock = OwnClock()
        self.breaker = CircuitBreaker(self.clock, patience_seconds=300, probe_seconds=30)
        self.calls = 0
        self._seconds = seconds

    def ask(self, error: ZccPipelineError | None = None) -> ZccPipelineError | None:
        """The error that the caller sees."""

        async def operation() -> str:
            self.calls += 1
            await self.clock.sleep(self._seconds)
            if error is not None:
                raise error
            return "done"

        try:
            assert asyncio.run(self.breaker.call(operation)) == "done"
        except ZccPipelineError as seen:
            return seen
        return None


@pytest.fixture
def away() -> Service:
    """A service from which nothing has come for as long as one is patient."""
    service = Service()
    while service.clock.seconds < 300:
        assert service.ask(AWAY) is AWAY
    return service


def test_a_short_outage_changes_nothing() -> None:
    service = Service()
    assert [service.ask(AWAY) for _ in range(29)] == [AWAY] * 29
    assert service.ask() is None
    assert [service.ask(AWAY) for _ in range(29)] == [AWAY] * 29


def test_after_a_long_one_a_call_goes_to_see_and_the_others_fail_at_once_with_the_reason(away: Service) -> None:
    away.clock.seconds += 30
    assert away.ask(AWAY) is AWAY
    calls, moment = away.calls, away.clock.seconds
    refused = away.ask()
    assert isinstance(refused, HostUnreachable)
    assert str(refused) == "not asked: no answer of use for 6 minutes (last: GET /things: ConnectError)"
    assert (away.calls, away.clock.seconds) == (calls, moment)


def test_one_call_goes_to_see_some_time_after_the_last(away: Service) -> None:
    begun, asked = away.clock.seconds, away.calls
    while away.clock.seconds < begun + 400:
        away.ask(AWAY)
        away.clock.seconds += 1
    assert away.calls - asked == 400 // (30 + 10)


@pytest.mark.parametrize("answer", [None, NotFound("gone", http_status=404), QuotaExhausted("tomorrow")])
def test_any_answer_ends_the_outage(away: Service, answer: ZccPipelineError | None) -> None:
    away.clock.seconds += 30
    assert away.ask(answer) is answer
    calls = away.calls
    assert [away.ask(AWAY), away.ask(AWAY)] == [AWAY, AWAY]
    assert away.calls == calls + 2


def test_what_fails_for_itself_among_what_does_not_stops_nobody() -> None:
    service = Service()
    for _ in range(60):
        assert service.ask(AWAY) is AWAY
        assert service.ask() is None


def test_calls_that_are_given_up_far_apart_say_nothing_about_those_beside_them() -> None:
    service = Service()
    for _ in range(5):
        assert [service.ask(AWAY), service.ask(AWAY)] == [AWAY, AWAY]
        service.clock.seconds += 301


def test_an_outage_after_which_nobody_asked_for_long_is_forgotten(away: Service) -> None:
    away.clock.seconds += 301
    assert [away.ask(AWAY), away.ask(AWAY)] == [AWAY, AWAY]


def test_thousands_of_patient_calls_over_a_long_outage_take_minutes() -> None:
    clock, tries = OwnClock(), 0
    breaker = CircuitBreaker(clock)

    async def operation() -> None:
        nonlocal tries
        tries += 1
        raise HostUnreachable("GET /things: ConnectTimeout")

    async def run() -> None:
        for _ in range(3000):
            with pytest.raises(HostUnreachable):
                await breaker.call(lambda: retry(operation, policy=RetryPolicy(), clock=clock))

    asyncio.run(run())
    assert 300 <= clock.seconds < 300 + 60
    assert tries < 150
