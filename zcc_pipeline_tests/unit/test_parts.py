"""Parts of the tests: each other test is in exactly one, and what is accepted by is in all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from zcc_pipeline_tests.parts import MARKER, of_part


@dataclass(frozen=True)
class Fake:
    path: Path
    name: str
    is_marked: bool = False

    def get_closest_marker(self, name: str) -> object | None:
        return MARKER if name == MARKER and self.is_marked else None


TESTS = [
    Fake(Path(module), name, name == "promised")
    for module, names in {"a": ["one", "promised"], "b": ["promised"], "c": ["one", "two"], "d": ["one"]}.items()
    for name in names
]


@pytest.mark.parametrize("parts", [1, 2, 3, 12])
def test_every_part_has_what_is_promised_and_each_other_test_is_in_one(parts: int) -> None:
    chosen = [of_part(TESTS, part, parts) for part in range(parts)]
    for test in TESTS:
        assert sum(test in each for each in chosen) == (parts if test.is_marked else 1)


def test_modules_stay_whole_and_in_their_order_and_parts_begin_anew_after_the_last() -> None:
    assert [(str(test.path), test.name) for test in of_part(TESTS, 4, 3)] == [
        ("a", "promised"),
        ("b", "promised"),
        ("c", "one"),
        ("c", "two"),
    ]
