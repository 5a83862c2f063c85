"""The event loop that the verbs run on: uvloop where it exists, because a pull is mostly sockets."""

from __future__ import annotations

import asyncio
import importlib.util
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Mapping
from types import FrameType
from typing import Any, TypeVar

Result = TypeVar("Result")

Handler = Callable[[int, FrameType | None], Any]


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run to the end and return what it returns.

    A request to stop cancels ``work`` at once, and then goes to whoever handles it, Dagster for one. Left to itself,
    uvloop calls a handler that is not Python's own when it has something to do, and a loop may have to wait for hours.
    """
    handlers, heard = _handlers(), list[int]()

    async def until_told_to_stop() -> Result:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - this is one

        def stop(number: int) -> None:
            heard.append(number)
            task.cancel()

        for number in handlers:
            asyncio.get_running_loop().add_signal_handler(number, stop, number)
        return await work

    try:
        return _run(until_told_to_stop())
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number in heard[:1]:
            handlers[number](number, None)
            raise KeyboardInterrupt


def _handlers() -> Mapping[int, Handler]:
    """Those of others; Python's own is asyncio's business."""
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        return {}  # there a loop, here a thread, knows no signals
    found = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    return {
        number: handler
        for number, handler in found.items()
        if callable(handler) and handler is not signal.default_int_handler
    }


def _run(work: Coroutine[Any, Any, Result]) -> Result:
    if importlib.util.find_spec("uvloop") is None:  # Windows has none
        return asyncio.run(work)
    import uvloop

    return uvloop.run(work)
