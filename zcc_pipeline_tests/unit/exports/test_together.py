"""Several calls at once: in order, and none left on its way."""

from __future__ import annotations

import asyncio

import pytest

from zcc_pipeline.exports.together import together


def test_results_come_in_the_order_of_the_calls() -> None:
    async def after(turns: int) -> int:
        for _ in range(turns):
            await asyncio.sleep(0)
        return turns

    assert asyncio.run(together(after(turns) for turns in (3, 1, 2))) == [3, 1, 2]


def test_a_write_that_is_on_its_way_is_brought_to_its_end_where_another_fails() -> None:
    done = []

    async def failing() -> None:
        raise KeyError("first")

    async def writing() -> None:
        await asyncio.sleep(0)
        done.append("written down")

    with pytest.raises(KeyError, match="first"):
        asyncio.run(together([failing(), writing()]))
    assert done == ["written down"]
