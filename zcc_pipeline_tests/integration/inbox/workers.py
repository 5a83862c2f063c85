"""Owners of an inbox to be killed or watched: ``python -m …workers <command> <url> <argument>``."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from itertools import count

from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline.inbox import Inbox, InboxOwned
from zcc_pipeline_tests.integration.inbox.conftest import PATIENCE_SECONDS, make_event, put_all


async def put_and_hang(inbox: Inbox, number: int) -> None:
    """Put so many, say so, and wait to be killed."""
    await put_all(inbox, map(make_event, range(number)))
    print(number, flush=True)
    await asyncio.Event().wait()


async def put_and_say(inbox: Inbox, number: int) -> None:
    """One after the other, each told as soon as it is acknowledged, by a system call that can be traced."""
    for each in range(number):
        await inbox.put(make_event(each))
        os.write(1, f"acknowledged {each}\n".encode())


async def put_until_killed(inbox: Inbox, first: int) -> None:
    """32 senders as fast as they can; each tells what was acknowledged, and now and then sends an old one again."""
    numbers = count(first)

    async def send() -> None:
        while True:
            number = next(numbers)
            await inbox.put(make_event(number, body=b"x" * 850))
            os.write(1, f"{number}\n".encode())
            if number % 5 == 0:
                await inbox.put(make_event(max(0, number - 40), body=b"x" * 850))

    await asyncio.gather(*(send() for _ in range(32)))


def open_in_time(url: str) -> Inbox:
    """PostgreSQL hears of the death of the owner a little later than who killed it."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return Inbox.open(url, clock=SystemClock(), max_wait_seconds=PATIENCE_SECONDS)
        except InboxOwned:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


async def main(command: str, url: str, argument: str) -> None:
    commands = {"put_and_hang": put_and_hang, "put_and_say": put_and_say, "put_until_killed": put_until_killed}
    async with open_in_time(url) as inbox:
        await commands[command](inbox, int(argument))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
