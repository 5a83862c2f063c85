"""The event loop that the verbs run on: uvloop where it exists, because a pull is mostly sockets."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run to the end and return what it returns."""
    if importlib.util.find_spec("uvloop") is None:  # Windows has none
        return asyncio.run(work)
    import uvloop

    return uvloop.run(work)
