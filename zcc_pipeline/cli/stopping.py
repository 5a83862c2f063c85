"""What Ctrl-C and SIGTERM mean to commands that serve: an end, not a failure."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stopped(BaseException):
    """Somebody asked this process to end. Not an ``Exception``, so that no handler of errors takes it for one."""


@contextmanager
def until_stopped() -> Iterator[None]:
    """Serve inside; an interrupt or a request to terminate ends the block as if it had come to its end."""
    before = {number: signal.signal(number, _stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except Stopped:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def stop_on_signals(stop: asyncio.Event) -> Iterator[None]:
    """Inside, an interrupt or a request to terminate only sets ``stop``, and the running loop ends its work."""
    loop = asyncio.get_running_loop()
    signals = () if sys.platform == "win32" else (signal.SIGINT, signal.SIGTERM)  # there a loop knows no signals
    for number in signals:
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Stopped
