"""Reads one call's query string: repeated, bracketed or comma-separated lists, sizes, closed sets of values."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import parse_qsl

from zcc_pipeline.simulator.zoom.answers import invalid


class Query:
    """The query names and values of one call; names the operation does not know are ignored, as Zoom does."""

    __slots__ = ("_pairs", "_values")

    def __init__(self, query_string: bytes) -> None:
        self._pairs = parse_qsl(query_string.decode("utf-8", "replace"), keep_blank_values=True)
        self._values: dict[str, list[str]] = {}
        for name, value in self._pairs:
            self._values.setdefault(name.removesuffix("[]"), []).append(value)

    def text(self, name: str) -> str | None:
        """The value, or ``None`` where it is absent or empty."""
        values = self._values.get(name)
        return values[0] if values and values[0] != "" else None

    def has_any(self, names: Collection[str]) -> bool:
        """Whether at least one of these was given."""
        return any(name in self._values for name in names)

    def choice(self, name: str, allowed: Collection[str]) -> str | None:
        """The value, refused with code 300 unless it is one of ``allowed``."""
        value = self.text(name)
        if value is not None and value not in allowed:
            raise invalid(name, f"must be one of: {', '.join(allowed)}")
        return value

    def many(self, name: str, *, at_most: int | None = None) -> frozenset[str]:
        """All values of a list parameter, however it was spelt."""
        values = frozenset(part for value in self._values.get(name, ()) for part in value.split(",") if part)
        if at_most is not None and len(values) > at_most:
            raise invalid(name, f"takes at most {at_most} values")
        return values

    def number(self, name: str) -> int | None:
        """A whole number, refused with code 300 where it is something else."""
        value = self.text(name)
        if value is None:
            return None
        try:
            return int(value)
        except ValueError:
            raise invalid(name, "must be a whole number") from None

    def page_size(self, default: int, largest: int) -> int:
        """The rows asked for; above the maximum the call is refused, not cut."""
        size = self.number("page_size")
        if size is None:
            return default
        if not 1 <= size <= largest:
            raise invalid("page_size", f"must be between 1 and {largest}")
        return size

    def filters(self) -> tuple[tuple[str, str], ...]:
        """Everything that selects rows, in one order: what a page token is bound to."""
        return tuple(sorted(pair for pair in self._pairs if pair[0] not in {"next_page_token", "page_size"}))
