"""Options of the tests. Here, so that pytest knows them before it has found the tests."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--part`` and ``--kills``."""
    parser.addoption(
        "--part",
        metavar="K/N",
        help="every Nth module with tests that are left, from the Kth on, and all of acceptance",
    )
    parser.addoption(
        "--kills", type=int, default=3, help="how often the crash stories kill what they kill (slow tests)"
    )
