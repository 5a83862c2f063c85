"""Finds the route of a request.

Templates are matched against the path as it was sent, so that an encoded slash or bracket inside a value is part of
the value. ``{name}`` matches within one segment, also beside other text: ``/{set}({key})``. ``{name:path}`` matches
across segments. Where several templates match, the one with the most literal text wins.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from zcc_pipeline.simulator.crm.base.answers import Answer
from zcc_pipeline.simulator.crm.base.request import Request

Handler = Callable[[Request], Answer]

_PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)(:path)?\}")


@dataclass(frozen=True, slots=True)
class Route:
    """One operation."""

    method: str
    template: str
    handler: Handler
    writes: bool | Callable[[Request], bool] = False
    """Whether a call of it can change a record, or how to tell (a batch may hold reads alone); those are counted, and
    struck by faults that speak of writes."""
    needs_token: bool = True
    """Off for token endpoints: neither faults nor limits touch them."""
    label: str = "api"
    """The rate limit it falls under."""

    def can_write(self, request: Request) -> bool:
        """Whether this call of it can change a record."""
        return self.writes(request) if callable(self.writes) else self.writes

    @property
    def name(self) -> str:
        """As it is counted."""
        return f"{self.method} {self.template}"


class Router:
    """All routes of one stand-in."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._fixed: dict[str, dict[str, Route]] = {}
        self._patterns: list[tuple[int, re.Pattern[str], Route]] = []
        for route in routes:
            if "{" in route.template:
                literal = len(_PLACEHOLDER.sub("", route.template))
                self._patterns.append((literal, compile_template(route.template), route))
            else:
                self._fixed.setdefault(route.template, {})[route.method] = route
        self._patterns.sort(key=lambda each: -each[0])

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route and the decoded values of its placeholders."""
        fixed = self._fixed.get(path, {}).get(method)
        if fixed is not None:
            return fixed, {}
        for _, pattern, route in self._patterns:
            if route.method == method and (found := pattern.fullmatch(path)):
                return route, {name: unquote(value) for name, value in found.groupdict().items()}
        return None

    def methods(self, path: str) -> set[str]:
        """Methods that this path has, for whoever tells 404 and 405 apart."""
        fixed = set(self._fixed.get(path, {}))
        return fixed | {route.method for _, pattern, route in self._patterns if pattern.fullmatch(path)}


def compile_template(template: str) -> re.Pattern[str]:
    """The regular expression of a template's paths."""
    pattern, end = "", 0
    for found in _PLACEHOLDER.finditer(template):
        pattern += re.escape(template[end : found.start()])
        pattern += f"(?P<{found[1]}>.+?)" if found[2] else f"(?P<{found[1]}>[^/]+?)"
        end = found.end()
    return re.compile(pattern + re.escape(template[end:]), re.DOTALL)
