"""Drawings for the UI, as SVG inside Markdown: no plotting library, no file to serve."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from html import escape

from zcc_pipeline.domain.completeness import Status
from zcc_pipeline.pipeline.coverage import LandedCoverage
from zcc_pipeline.reconciliation import KindDay

COLOURS: Mapping[Status, str] = {
    Status.STORED: "#2f9e63",
    Status.NONE_RECORDED: "#9fd6b8",
    Status.NOT_EXPECTED: "#cfd6e4",
    Status.WAITING: "#f2c14e",
    Status.DELETED_AT_SOURCE: "#8d99ae",
    Status.MISSING: "#e07a3f",
    Status.FAILED: "#c9372c",
    Status.UNEXPLAINED: "#7b2d8b",
}
"""Green is here, grey is not to be had, yellow will come, red and violet want somebody."""

_WIDTH, _HEIGHT = 720, 260
_LEFT, _TOP, _BOTTOM = 56, 34, 44
_MOST_LABELS = 14
_OPENING = (
    f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
    'font-family="sans-serif" font-size="11">'
)


def completeness_picture(lines: Iterable[KindDay]) -> str | None:
    """Stacked bars, one a day: artefacts by status. Markdown; None where there is nothing to draw."""
    days: dict[date, dict[Status, int]] = {}
    for line in lines:
        sums = days.setdefault(line.day, {})
        for status, count in line.by_status.items():
            sums[status] = sums.get(status, 0) + count
    days = {day: sums for day, sums in sorted(days.items()) if any(sums.values())}
    if not days:
        return None
    svg = _draw(days)
    return f"![Artefacts per day by status](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})"


def coverage_picture(lines: Iterable[LandedCoverage]) -> str | None:
    """Two curves over the days: the share of due events that arrived, and how fast 95 % of the slowest event came.

    Markdown; None where nothing is subscribed.
    """
    sums: dict[date, list[int]] = {}
    slowest: dict[date, float] = {}
    for line in lines:
        if line.is_subscribed and line.expected:
            of_day = sums.setdefault(line.day, [0, 0])
            of_day[0] += line.expected
            of_day[1] += line.both
        for latency in line.latencies.values():
            slowest[line.day] = max(slowest.get(line.day, 0.0), latency.p95_seconds)
    shares = {day: both / expected for day, (expected, both) in sorted(sums.items())}
    if not shares:
        return None
    svg = _draw_coverage(shares, {day: slowest[day] for day in shares if day in slowest})
    return f"![Coverage and latency per day](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})"


def _draw_coverage(shares: Mapping[date, float], seconds: Mapping[date, float]) -> str:
    """Coverage on the left scale (0 to 100 %), seconds on the right one."""
    height, width = _HEIGHT - _TOP - _BOTTOM, _WIDTH - 2 * _LEFT
    step = width / len(shares)
    at = {day: _LEFT + (index + 0.5) * step for index, day in enumerate(shares)}
    highest = max(seconds.values(), default=0.0) or 1.0
    parts = [_OPENING, f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>', *_axis(100, height)]
    share_points = [(at[day], _TOP + height * (1 - share), f"{day}: {share:.1%}") for day, share in shares.items()]
    time_points = [
        (at[day], _TOP + height * (1 - value / highest), f"{day}: {value:,.1f} s") for day, value in seconds.items()
    ]
    parts += _curve(time_points, COLOURS[Status.WAITING]) + _curve(share_points, COLOURS[Status.STORED])
    for index, (day, x) in enumerate(at.items()):
        if index % math.ceil(len(at) / _MOST_LABELS) == 0:
            place = f'x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 15}"'
            parts.append(f'<text {place} text-anchor="middle" fill="#444">{day.day} {day:%b}</text>')
    labels = (("events that arrived, %", Status.STORED), (f"slowest p95, up to {highest:,.0f} s", Status.WAITING))
    for index, (text, status) in enumerate(labels):
        x = _LEFT + 200 * index
        parts.append(f'<rect x="{x}" y="10" width="10" height="10" fill="{COLOURS[status]}"/>')
        parts.append(f'<text x="{x + 14}" y="19" fill="#222">{text}</text>')
    return "".join([*parts, "</svg>"])


def _curve(points: Sequence[tuple[float, float, str]], colour: str) -> list[str]:
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)
    parts = [f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>']
    for x, y, title in points:
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"><title>{escape(title)}</title></circle>')
    return parts


def _draw(days: Mapping[date, Mapping[Status, int]]) -> str:
    highest = max(sum(sums.values()) for sums in days.values())
    plot_height, plot_width = _HEIGHT - _TOP - _BOTTOM, _WIDTH - _LEFT - 10
    step = plot_width / len(days)
    bar_width = min(step * 0.7, 60)
    parts = [
        _OPENING,
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        *_axis(highest, plot_height),
    ]
    labels_every = math.ceil(len(days) / _MOST_LABELS)
    for index, (day, sums) in enumerate(days.items()):
        left = _LEFT + index * step + (step - bar_width) / 2
        parts += _bar(left, bar_width, sums, plot_height / highest, day)
        if index % labels_every == 0:
            at = f'x="{left + bar_width / 2:.1f}" y="{_HEIGHT - _BOTTOM + 15}"'
            parts.append(f'<text {at} text-anchor="middle" fill="#444">{day.day} {day:%b}</text>')
    return "".join(
        [*parts, *_legend([status for status in COLOURS if any(sums.get(status) for sums in days.values())]), "</svg>"]
    )


def _axis(highest: int, plot_height: float) -> list[str]:
    parts = []
    for share in (0.0, 0.5, 1.0):
        y = _TOP + plot_height * (1 - share)
        parts.append(f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_WIDTH - 10}" y2="{y:.1f}" stroke="#e5e7eb"/>')
        label = f"{round(highest * share):,}"
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" fill="#444">{label}</text>')
    return parts


def _bar(left: float, width: float, sums: Mapping[Status, int], scale: float, day: date) -> list[str]:
    parts, y = [], float(_HEIGHT - _BOTTOM)
    for status, colour in COLOURS.items():
        count = sums.get(status, 0)
        if count:
            height = count * scale
            y -= height
            title = escape(f"{day}: {count:,} {status.replace('_', ' ')}")
            parts.append(
                f'<rect x="{left:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}">'
                f"<title>{title}</title></rect>"
            )
    return parts


def _legend(statuses: Sequence[Status]) -> list[str]:
    parts, x = [], float(_LEFT)
    for status in statuses:
        name = status.replace("_", " ")
        parts.append(f'<rect x="{x:.1f}" y="10" width="10" height="10" fill="{COLOURS[status]}"/>')
        parts.append(f'<text x="{x + 14:.1f}" y="19" fill="#222">{name}</text>')
        x += 26 + len(name) * 6.2
    return parts
