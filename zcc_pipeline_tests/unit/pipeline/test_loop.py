"""A loop that waits hears a request to stop at once, whoever handles it."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

import pytest

from zcc_pipeline.pipeline.loop import run

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(BaseException):
    """As Dagster's own, no ``Exception``."""


def interrupt(_number: int, _frame: FrameType | None) -> None:
    raise Interrupted


@pytest.fixture
def handled() -> Iterator[None]:
    before = {number: signal.signal(number, interrupt) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


async def wait_and_be_told_to_stop(number: int) -> None:
    """The request comes from outside while the loop has nothing to do, and never before it runs."""
    threading.Timer(0.2, os.kill, (os.getpid(), number)).start()
    await asyncio.sleep(600)


@pytest.mark.usefixtures("handled")
@pytest.mark.parametrize("number", SIGNALS)
def test_a_loop_that_waits_is_stopped_at_once_and_whoever_handles_it_is_told(number: int) -> None:
    ended: list[str] = []

    async def wait() -> None:
        try:
            await wait_and_be_told_to_stop(number)
        finally:
            ended.append("cleaned up")

    begin = time.monotonic()
    with pytest.raises(Interrupted):
        run(wait())
    assert time.monotonic() - begin < 60
    assert ended == ["cleaned up"]
    assert [signal.getsignal(each) for each in SIGNALS] == [interrupt, interrupt]


@pytest.mark.usefixtures("handled")
def test_a_request_that_work_takes_for_an_error_of_its_own_is_one_all_the_same() -> None:
    async def wait() -> str:
        try:
            await wait_and_be_told_to_stop(signal.SIGINT)
        except asyncio.CancelledError:
            return "as if nothing had been"
        return ""

    with pytest.raises(Interrupted):
        run(wait())


def test_python_itself_makes_an_interrupt_of_it() -> None:
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with pytest.raises(KeyboardInterrupt):
        run(wait_and_be_told_to_stop(signal.SIGINT))


@pytest.mark.usefixtures("handled")
def test_what_is_not_stopped_returns_and_leaves_the_handlers_as_they_were() -> None:
    assert run(asyncio.sleep(0, "done")) == "done"
    assert [signal.getsignal(each) for each in SIGNALS] == [interrupt, interrupt]
