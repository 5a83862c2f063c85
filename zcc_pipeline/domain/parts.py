"""Cutting what is too much for one request, query or batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def in_parts(values: Iterable[T], most: int) -> Iterator[list[T]]:
    """Lists of at most ``most`` values, in order; none where there are no values. (``itertools.batched`` of 3.12.)"""
    rest = iter(values)
    while part := list(islice(rest, most)):
        yield part


def in_weighed_parts(values: Iterable[T], most: int, *, heaviest: int, weight: Callable[[T], int]) -> Iterator[list[T]]:
    """Lists of at most ``most`` values that weigh no more than ``heaviest`` together; one that is heavier by itself
    stands alone."""
    part: list[T] = []
    together = 0
    for value in values:
        own = weight(value)
        if part and (len(part) == most or together + own > heaviest):
            yield part
            part, together = [], 0
        part.append(value)
        together += own
    if part:
        yield part
