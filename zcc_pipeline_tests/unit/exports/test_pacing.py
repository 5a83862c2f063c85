"""No span of time holds more calls than the CRM allows."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.exports.pacing import Pace, Pacer


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError


@given(
    calls=st.integers(1, 8),
    seconds=st.integers(1, 10),
    pauses=st.lists(st.integers(0, 5), min_size=1, max_size=60),
)
def test_no_span_holds_more_calls_than_allowed_and_nobody_waits_longer_than_needed(
    calls: int, seconds: int, pauses: list[int]
) -> None:
    clock = Hand()
    pacer = Pacer(Pace(calls, float(seconds)), clock)
    sent: list[float] = []
    for pause in pauses:
        clock.seconds += pause
        at = clock.seconds + pacer.reserve()
        if at > clock.seconds:  # it waits because of the call that is so many before it
            assert at == sent[-calls] + seconds
        sent.append(at)

    assert sent == sorted(sent)
    for start, end in zip(sent, sent[calls:], strict=False):
        assert end - start >= seconds
