"""Coverage as tables: what was pushed of what polling found, by day and event."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING

from zcc_pipeline.cli.screen import seconds_text, table, terminal_width

if TYPE_CHECKING:
    from zcc_pipeline.pipeline.coverage import LandedCoverage

FULL = 0.999
"""From this share on nothing is worth a colour."""
WITH_TIMES = 110
"""Characters that the table takes with its two columns of times."""
COLUMNS = ("polled", "pushed", "both", "lost", "not in API")


def short_name(event: str) -> str:
    """``engagement_ended``; flow events keep their prefix."""
    return event.removeprefix("contact_center.")


def shown_name(event: str) -> str:
    """For a narrow column: in words, without those that nearly all names have."""
    name = short_name(event).replace("engagement_", "").removesuffix("_completed")
    return name.replace("_", " ").replace(".", ": ")


def show_coverage(lines: Sequence[LandedCoverage]) -> None:
    """One line for each day and event."""
    rows: list[list[object]] = []
    shown: date | None = None
    for line in lines:
        rows.append([None if line.day == shown else f"{line.day:%m-%d}", shown_name(line.event), *_cells(line)])
        shown = line.day
    columns: tuple[str, ...] = ("day", "event", *COLUMNS, "coverage", "half within", "95 % within")
    if terminal_width() < WITH_TIMES:
        columns, rows = columns[:-2], [row[:-2] for row in rows]
    table(columns, rows, numbers=(*COLUMNS, "coverage"))


def show_coverage_by_day(lines: Sequence[LandedCoverage]) -> None:
    """One line a day, all subscribed events together."""
    rows: list[list[object]] = []
    for day in sorted({line.day for line in lines}):
        of_day = [line for line in lines if line.day == day and line.is_subscribed]
        expected, both = sum(line.expected for line in of_day), sum(line.both for line in of_day)
        numbers = (expected, sum(line.pushed for line in of_day), both)
        lost = sum(line.only_polled for line in of_day), sum(line.only_pushed for line in of_day)
        rows.append([str(day), *numbers, *(_number(count) for count in lost), _share(both, expected)])
    table(("day", *COLUMNS, "coverage"), rows, numbers=(*COLUMNS, "coverage"))


def _cells(line: LandedCoverage) -> list[object]:
    share = _share(line.both, line.expected) if line.is_subscribed else ("not subscribed", "dim")
    lost = _number(line.only_polled) if line.is_subscribed else ("·", "dim")
    fastest = min(line.latencies.values(), key=lambda latency: latency.p50_seconds, default=None)
    times = [seconds_text(each) for each in (fastest.p50_seconds, fastest.p95_seconds)] if fastest else ["", ""]
    return [line.expected, line.pushed, line.both, lost, _number(line.only_pushed), share, *times]


def _number(count: int) -> object:
    return (f"{count:,}", "yellow") if count else ("·", "dim")


def _share(both: int, expected: int) -> object:
    if not expected:
        return ("·", "dim")
    share = both / expected
    return (f"{share:.1%}", "green" if share >= FULL else "yellow")


def coverage_rows(lines: Iterable[LandedCoverage]) -> list[dict[str, object]]:
    """The same for scripts."""
    return [
        {
            "day": line.day,
            "event": line.event,
            "expected": line.expected,
            "pushed": line.pushed,
            "both": line.both,
            "only_polled": line.only_polled,
            "only_pushed": line.only_pushed,
            "is_subscribed": line.is_subscribed,
            "coverage": round(line.both / line.expected, 4) if line.is_subscribed and line.expected else None,
            "latencies": dict(line.latencies),
        }
        for line in lines
    ]
