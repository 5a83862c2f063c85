"""Parts hold everything, in order, and never too much."""

from __future__ import annotations

from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.domain.parts import in_parts, in_weighed_parts

WEIGHTS = st.lists(st.integers(0, 20))


@given(WEIGHTS, st.integers(1, 7))
def test_parts_hold_every_value_in_order_and_only_the_last_is_not_full(values: list[int], most: int) -> None:
    parts = list(in_parts(values, most))

    assert list(chain.from_iterable(parts)) == values
    assert all(len(part) == most for part in parts[:-1])
    assert all(1 <= len(part) <= most for part in parts)


@given(WEIGHTS, st.integers(1, 7), st.integers(1, 30))
def test_weighed_parts_are_neither_too_long_nor_too_heavy_unless_one_value_is(
    values: list[int], most: int, heaviest: int
) -> None:
    parts = list(in_weighed_parts(values, most, heaviest=heaviest, weight=lambda value: value))

    assert list(chain.from_iterable(parts)) == values
    assert all(1 <= len(part) <= most for part in parts)
    assert all(sum(part) <= heaviest or len(part) == 1 for part in parts)


def test_a_part_is_as_full_as_it_may_be() -> None:
    assert list(in_weighed_parts([5, 5, 5, 11, 1], 9, heaviest=10, weight=lambda value: value)) == [
        [5, 5],
        [5],
        [11],
        [1],
    ]
