"""Addresses of files that do not work any more: a fresh one is asked for once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from zcc_pipeline.domain.completeness import ArtefactKind
from zcc_pipeline.domain.records import SHAPE_LIST
from zcc_pipeline.pipeline.artefacts import fetch_files
from zcc_pipeline_tests.ports import free_ports
from zcc_pipeline_tests.unit.pipeline.homes import days_ago, land, open_home
from zcc_pipeline_tests.unit.pipeline.little_zoom import Answer, LittleZoom, serving

DAY = days_ago(1)
KIND = ArtefactKind.MESSAGING_TRANSCRIPT
DETAIL = "/v2/contact_center/engagements/e1"


@dataclass
class Zoom:
    """One engagement with the address of its transcript, and that transcript."""

    server: LittleZoom
    detail: object

    def answer(self, path: str) -> Answer:
        return 200, [{"text": "hello"}] if path == "/moved.json" else self.detail

    @property
    def asked(self) -> list[str]:
        return self.server.asked


def engagement(transcript_url: object) -> dict[str, object]:
    start = f"{DAY}T09:00:00Z"
    return {"engagement_id": "e1", "start_time": start, "end_time": start, "transcript_url": transcript_url}


@pytest.fixture
def zoom() -> Iterator[Zoom]:
    with serving() as server:
        found = Zoom(server, engagement(f"{server.base}/moved.json"))
        server.answers = found.answer
        yield found


@pytest.fixture
def nobody() -> str:
    """An address where nobody listens."""
    (port,) = free_ports(1)
    return f"http://127.0.0.1:{port}/old.json"


def fetch(zoom: Zoom, home: Path, address: str) -> tuple[int, int]:
    """How many files were received, and how many failed."""
    with open_home(home, **zoom.server.settings) as runtime:
        land(runtime, "zoom/engagements", "e1", engagement(address), day=DAY, shape=SHAPE_LIST)
        row = fetch_files(runtime, KIND, [DAY]).days[0]
        return row.received, row.failed


def test_a_host_that_is_away_is_left_for_a_fresh_address(zoom: Zoom, tmp_path: Path, nobody: str) -> None:
    assert fetch(zoom, tmp_path, nobody) == (1, 0)
    assert zoom.asked == [DETAIL, "/moved.json"]


def test_a_fresh_address_is_asked_for_only_once(zoom: Zoom, tmp_path: Path, nobody: str) -> None:
    zoom.detail = engagement(nobody + "?again")
    assert fetch(zoom, tmp_path, nobody) == (0, 1)
    assert zoom.asked == [DETAIL]


def test_the_same_address_again_is_not_tried_again(zoom: Zoom, tmp_path: Path, nobody: str) -> None:
    zoom.detail = engagement(nobody)
    assert fetch(zoom, tmp_path, nobody) == (0, 1)
    assert zoom.asked == [DETAIL]


def test_an_answer_that_names_no_readable_address_fails_this_file_alone(
    zoom: Zoom, tmp_path: Path, nobody: str
) -> None:
    zoom.detail = engagement({"href": 7})
    assert fetch(zoom, tmp_path, nobody) == (0, 1)
