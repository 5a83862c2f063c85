"""The page on the stand-in names whatever it can be told to do."""

from __future__ import annotations

import re
from pathlib import Path

from zcc_pipeline.simulator.zoom import control
from zcc_pipeline.simulator.zoom.faults import FaultKind
from zcc_pipeline.simulator.zoom.push.faults import PushFaultKind

PAGE = (Path(__file__).parents[2] / "docs" / "stand-in.md").read_text()


def test_every_control_route_is_on_the_page() -> None:
    routes = set(re.findall(r"^ {4}(?:GET |POST) ([a-z-]+)", control.__doc__ or "", re.MULTILINE))
    assert len(routes) >= 15
    assert {route for route in routes if f"`{route}`" not in PAGE} == set()


def test_every_fault_is_on_the_page() -> None:
    assert [kind for kind in (*FaultKind, *PushFaultKind) if f"`{kind.value}`" not in PAGE] == []
