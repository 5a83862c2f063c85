"""Parts of the tests, for where all of them take too long at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TypeVar

MARKER = "acceptance"
"""Tests with it belong to every part."""


class Test(Protocol):
    """What is asked of a test."""

    path: Path

    def get_closest_marker(self, name: str) -> object | None:
        """The marker of that name, if there is one."""


Some = TypeVar("Some", bound=Test)


def of_part(tests: Sequence[Some], part: int, parts: int) -> list[Some]:
    """Every test with the marker; of the others those in every ``parts``-th module, from the ``part``-th on.

    Modules stay whole, as their fixtures are dear. The order stays.
    """
    always = [test.get_closest_marker(MARKER) is not None for test in tests]
    modules = list(dict.fromkeys(test.path for test, is_always in zip(tests, always, strict=True) if not is_always))
    chosen = set(modules[part % parts :: parts])
    return [test for test, is_always in zip(tests, always, strict=True) if is_always or test.path in chosen]
