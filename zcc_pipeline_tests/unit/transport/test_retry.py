"""Trying again, on a clock of the test's own."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.domain.errors import PermanentError, QuotaExhausted, TransientError
from zcc_pipeline.transport import RetryPolicy, retry
from zcc_pipeline_tests.unit.transport.own_clock import OwnClock


def attempt(
    errors: list[Exception | None], policy: RetryPolicy | None = None, *, jitter: float = 0.5
) -> tuple[OwnClock, int]:
    clock, tries = OwnClock(), 0

    async def operation() -> str:
        nonlocal tries
        error = errors[min(tries, len(errors) - 1)]
        tries += 1
        if error is not None:
            raise error
        return "done"

    try:
        assert (
            asyncio.run(retry(operation, policy=policy or RetryPolicy(), clock=clock, jitter=lambda: jitter)) == "done"
        )
    except (PermanentError, TransientError):
        return clock, -tries
    return clock, tries


def test_what_succeeds_is_not_repeated() -> None:
    clock, tries = attempt([None])
    assert (tries, clock.waits) == (1, [])


def test_waits_grow_up_to_a_limit() -> None:
    clock, tries = attempt([TransientError("x")], RetryPolicy(attempts=9), jitter=1.0)
    assert tries == -9
    assert clock.waits == [0.5, 1, 2, 4, 8, 16, 20, 20]


def test_jitter_spreads_a_wait_over_its_upper_half() -> None:
    waits = {attempt([TransientError("x"), None], jitter=jitter)[0].waits[0] for jitter in (0.0, 0.5, 0.999)}
    assert min(waits) == 0.25
    assert max(waits) < 0.5


def test_a_wait_that_was_asked_for_is_kept_and_a_little_exceeded() -> None:
    clock, tries = attempt([TransientError("x", retry_after_seconds=9), None])
    assert tries == 2
    assert clock.waits == [9.25]


@pytest.mark.parametrize("error", [PermanentError("x"), QuotaExhausted("x", retry_after_seconds=1)])
def test_what_cannot_help_is_not_tried_again(error: Exception) -> None:
    clock, tries = attempt([error])
    assert (tries, clock.waits) == (-1, [])


def test_a_wait_beyond_the_total_is_not_begun() -> None:
    clock, tries = attempt([TransientError("x", retry_after_seconds=100)], RetryPolicy(total_seconds=150))
    assert tries == -2
    assert clock.seconds < 150


@given(
    attempt_number=st.integers(1, 10_000),
    asked=st.none() | st.floats(0, 1e6),
    jitter=st.floats(0, 1, exclude_max=True),
)
def test_no_wait_is_negative_endless_or_shorter_than_asked(
    attempt_number: int, asked: float | None, jitter: float
) -> None:
    policy = RetryPolicy()
    wait = policy.wait_seconds(attempt_number, asked=asked, jitter=jitter)
    assert wait >= (asked or 0)
    assert wait <= (asked or 0) + policy.longest_wait_seconds
