"""Options that several commands share, and what the words in them mean."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

import typer

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document for scripts, and nothing else.")]
FromOption = Annotated[
    str,
    typer.Option(
        "--from",
        metavar="DAY",
        help="First day, whole, in ZCC_TIMEZONE: YYYY-MM-DD, today or yesterday.",
        show_default=False,
    ),
]
ToOption = Annotated[str, typer.Option("--to", metavar="DAY", help="Last day, included.", show_default=True)]
OptionalFrom = Annotated[
    str | None,
    typer.Option("--from", metavar="DAY", help="First day: YYYY-MM-DD, today or yesterday.", show_default=False),
]


def parse_day(text: str, *, option: str, today: date) -> date:
    """A day as people write it; a day that is not there yet or not a day at all is wrong usage."""
    words = {"today": today, "yesterday": today - timedelta(days=1)}
    try:
        day = words.get(text.strip().lower()) or date.fromisoformat(text.strip())
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is not a day; write YYYY-MM-DD (such as {today.isoformat()}), today or yesterday.",
            param_hint=option,
        ) from None
    if day > today:
        raise typer.BadParameter(f"{day} has not begun yet; today is {today}.", param_hint=option)
    return day


def parse_days(first: str, last: str, *, today: date) -> tuple[date, date]:
    """Both ends of a range, both included."""
    start, end = parse_day(first, option="--from", today=today), parse_day(last, option="--to", today=today)
    if start > end:
        raise typer.BadParameter(f"the first day ({start}) is after the last ({end}); swap them?", param_hint="--from")
    return start, end
