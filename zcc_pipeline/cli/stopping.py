"""What Ctrl-C and SIGTERM mean to commands that serve: an end, not a failure."""

from __future__ import annotations

import signal
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


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Stopped
