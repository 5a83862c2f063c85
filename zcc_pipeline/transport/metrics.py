"""Counters, gauges and histograms in Prometheus' text form 0.0.4.

Written here, because this is all that is needed of the client library, whose locks and process-wide registry cost more
on each event than the event's signature. Not for several threads: one event loop counts.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Protocol, TypeVar

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


class _Metric(Protocol):
    name: str
    help: str
    kind: str

    def lines(self) -> Iterator[str]: ...


M = TypeVar("M", bound=_Metric)


class Counter:
    """A number that only grows, one for each combination of labels, which come from small fixed sets, never ids."""

    kind = "counter"

    def __init__(self, name: str, help: str, labels: Sequence[str]) -> None:  # noqa: A002 Prometheus' word
        self.name, self.help, self._labels = name, help, tuple(labels)
        self._values: dict[tuple[str, ...], int] = {}

    def add(self, *values: str, amount: int = 1) -> None:
        """Count ``amount`` for these values of the labels."""
        self._values[values] = self._values.get(values, 0) + amount

    def value(self, *values: str) -> int:
        """What has been counted."""
        return self._values.get(values, 0)

    def lines(self) -> Iterator[str]:
        """One for each combination seen."""
        for values, value in self._values.items():
            yield f"{self.name}{_braces(zip(self._labels, values, strict=True))} {value}"


class Gauge:
    """A number that goes up and down. Absent until it is known."""

    kind = "gauge"

    def __init__(self, name: str, help: str, read: Callable[[], float | None] | None = None) -> None:  # noqa: A002
        self.name, self.help, self._read = name, help, read
        self.value: float | None = None

    def lines(self) -> Iterator[str]:
        """One, or none."""
        value = self._read() if self._read else self.value
        if value is not None:
            yield f"{self.name} {value:g}" if abs(value) < 1e6 else f"{self.name} {value:.3f}"


class Histogram:
    """How often a value fell into which bucket; ``bounds`` are their upper ends, ascending."""

    kind = "histogram"

    def __init__(self, name: str, help: str, bounds: Sequence[float]) -> None:  # noqa: A002
        self.name, self.help, self._bounds = name, help, tuple(bounds)
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def lines(self) -> Iterator[str]:
        """Cumulative buckets, sum and count."""
        ends = [*(f"{bound:g}" for bound in self._bounds), "+Inf"]
        for end, count in zip(ends, accumulate(self._counts), strict=True):
            yield f'{self.name}_bucket{{le="{end}"}} {count}'
        yield f"{self.name}_sum {self._sum:.6f}"
        yield f"{self.name}_count {sum(self._counts)}"


class Registry:
    """The metrics of one process."""

    def __init__(self) -> None:
        self._metrics: list[_Metric] = []

    def counter(self, name: str, help: str, labels: Sequence[str] = ()) -> Counter:  # noqa: A002
        """A new counter; its name ends with ``_total``."""
        return self._add(Counter(name, help, labels))

    def gauge(self, name: str, help: str, read: Callable[[], float | None] | None = None) -> Gauge:  # noqa: A002
        """A new gauge, set by its owner, or read when asked for."""
        return self._add(Gauge(name, help, read))

    def histogram(self, name: str, help: str, bounds: Sequence[float]) -> Histogram:  # noqa: A002
        """A new histogram."""
        return self._add(Histogram(name, help, bounds))

    def _add(self, metric: M) -> M:
        self._metrics.append(metric)
        return metric

    def render(self) -> str:
        """Everything, as Prometheus reads it."""
        lines: list[str] = []
        for metric in self._metrics:
            lines += [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind}", *metric.lines()]
        return "\n".join(lines) + "\n"


def _braces(pairs: Iterator[tuple[str, str]]) -> str:
    inner = ",".join(f'{name}="{_escaped(value)}"' for name, value in pairs)
    return f"{{{inner}}}" if inner else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
