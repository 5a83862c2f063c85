"""Several calls at once, each brought to its end before anything is said about them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import TypeVar

T = TypeVar("T")


async def together(work: Iterable[Awaitable[T]]) -> list[T]:
    """All results, in order; the first error once all have ended, so that none goes on behind the caller's back."""
    done = await asyncio.gather(*work, return_exceptions=True)
    results = []
    for each in done:
        if isinstance(each, BaseException):
            raise each
        results.append(each)
    return results
