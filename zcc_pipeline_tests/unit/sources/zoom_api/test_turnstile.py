"""Who goes in, in which order, and that nobody is ever locked out."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from zcc_pipeline.sources.zoom_api.turnstile import Turnstile


def test_the_heaviest_goes_first_and_equals_in_order_of_arrival(box: Any) -> None:
    order: list[str] = []

    async def work() -> None:
        gate = Turnstile()

        async def enter(name: str, weight: float) -> None:
            async with gate.turn(weight):
                order.append(name)
                await asyncio.sleep(1)

        names = [("first", 0), ("light", 1), ("heavy", 9), ("equal", 1), ("opening", float("inf"))]
        await asyncio.gather(*(enter(name, weight) for name, weight in names))

    box.run(work())
    assert order == ["first", "opening", "heavy", "light", "equal"]


def test_only_one_is_inside_whoever_gives_up_or_fails(box: Any) -> None:
    chance = random.Random(5)
    inside, done = 0, 0

    async def work() -> None:
        gate = Turnstile()

        async def enter() -> None:
            nonlocal inside, done
            async with gate.turn(chance.random()):
                inside += 1
                try:
                    assert inside == 1
                    await asyncio.sleep(chance.random())
                    if chance.random() < 0.2:
                        raise ValueError
                finally:
                    inside -= 1
                done += 1

        tasks = [asyncio.ensure_future(enter()) for _ in range(200)]
        for task in chance.sample(tasks, 80):
            await asyncio.sleep(chance.random() / 2)
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.wait_for(enter_once(gate), timeout=5)

    async def enter_once(gate: Turnstile) -> None:
        async with gate.turn(0):
            pass

    box.run(work())
    assert done > 80


def test_a_turn_given_to_somebody_who_has_just_left_goes_to_the_next(box: Any) -> None:
    order: list[str] = []

    async def work() -> None:
        gate = Turnstile()

        async def enter(name: str) -> None:
            async with gate.turn(0):
                order.append(name)

        async with gate.turn(0):
            gone, stays = asyncio.ensure_future(enter("gone")), asyncio.ensure_future(enter("stays"))
            await asyncio.sleep(0)
        gone.cancel()  # it has been given the turn, and has not run yet
        await stays

    box.run(work())
    assert order == ["stays"]
