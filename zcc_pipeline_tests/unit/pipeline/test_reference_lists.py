"""Reference lists whose entries are read one by one: a bad answer costs itself and nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.domain.records import SHAPE_DETAIL
from zcc_pipeline.pipeline.polling import read_catalogue
from zcc_pipeline.pipeline.reports import DayReport
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline_tests.unit.pipeline.homes import TODAY, open_home
from zcc_pipeline_tests.unit.pipeline.little_zoom import Answer, LittleZoom, serving

INBOXES = DATASETS["zoom/inboxes"]
IDS = [f"i{number}" for number in range(10)]
ODD = "i4"
PATH = "/v2/contact_center/inboxes"


@pytest.fixture
def zoom() -> Iterator[LittleZoom]:
    with serving() as server:
        yield server


def answering(zoom: LittleZoom, odd: Answer) -> None:
    """Ten inboxes, and this answer for the detail of one of them."""
    listing = {"inboxes": [{"inbox_id": each} for each in IDS], "next_page_token": "", "total_records": len(IDS)}

    def answer(path: str) -> Answer:
        inbox_id = path.rpartition("/")[2]
        if path == PATH:
            return 200, listing
        return odd if inbox_id == ODD else (200, {"inbox_id": inbox_id, "voicemail": {}})

    zoom.answers = answer


def read(runtime: Runtime) -> DayReport:
    return read_catalogue(runtime, INBOXES).days[0]


def details(runtime: Runtime) -> list[str]:
    found = runtime.lake.latest(INBOXES.name, TODAY, TODAY, shapes={SHAPE_DETAIL})
    return sorted(found.column("record_id").to_pylist())


def test_a_detail_without_its_id_is_quarantined_and_the_others_land(zoom: LittleZoom, tmp_path: Path) -> None:
    answering(zoom, (200, {"inbox_name": "which?"}))
    with open_home(tmp_path, **zoom.settings) as runtime:
        assert read(runtime).problem is None
        assert details(runtime) == [each for each in IDS if each != ODD]
        (held,) = runtime.state.quarantine.list()
        assert (held.dataset, held.payload) == (INBOXES.name, b'{"inbox_name": "which?"}')


def test_a_detail_that_is_not_found_is_told_of_and_the_others_land(zoom: LittleZoom, tmp_path: Path) -> None:
    answering(zoom, (404, {"code": 3001, "message": "no such inbox"}))
    with open_home(tmp_path, **zoom.settings) as runtime:
        row = read(runtime)
        assert details(runtime) == [each for each in IDS if each != ODD]
    assert (row.failed, row.is_complete) == (1, False)
    assert str(row.problem).startswith("1 of 10 details were not read, the first because of GET /contact_center/inbox")


def test_a_missing_scope_stops_the_details_and_is_named(zoom: LittleZoom, tmp_path: Path) -> None:
    answering(zoom, (400, {"code": 4711, "message": "scopes: contact_center:read:inbox:admin"}))
    with open_home(tmp_path, **zoom.settings) as runtime:
        row = read(runtime)
    assert not row.is_complete
    assert "contact_center:read:inbox:admin" in str(row.problem)
