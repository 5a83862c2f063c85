"""What the search for card data said decides what goes into the archive."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from zcc_pipeline.archive.naming import object_id_of
from zcc_pipeline.cli.quarantine import replay
from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.domain.records import SHAPE_LIST, RecordChunk
from zcc_pipeline.pipeline.archiving import archive_changes
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline_tests.integration.archive.small_home import MONDAY, make_home, opened
from zcc_pipeline_tests.integration.archive.test_erased import list_day, manifests

pytestmark = pytest.mark.integration

CARD = "4111 1111 1111 1111"
HELD = {
    "record_id": "eng-1",
    "kind": "zoom/engagements",
    "status": "held_back",
    "reason": "card_data_blocked",
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Runtime]:
    monkeypatch.setenv("ZCC_CARD_DATA_POLICY", request.param)
    make_home(tmp_path, monkeypatch)
    with opened() as runtime:
        list_day(runtime, MONDAY)
        yield runtime


def note(runtime: Runtime, text: str) -> None:
    with runtime.lake.writer(DATASETS["zoom/notes"]) as writer:
        writer.add(
            RecordChunk(
                dataset="zoom/notes",
                shape=SHAPE_LIST,
                route="poll",
                as_of=runtime.clock.now(),
                batch_id="",
                record_ids=["n1"],
                payloads=[json.dumps({"note_id": "n1", "note": text}).encode()],
                engagement_ids=["eng-1"],
                occurred_at=[f"{MONDAY}T09:00:00Z"],
            )
        )
        writer.commit()


def archived(runtime: Runtime, path: str) -> bytes | None:
    object_id = object_id_of("account", "eng-1")
    if runtime.archive.objects.head(object_id) is None:
        return None
    with runtime.archive.objects.open(object_id, path) as stream:
        return stream.read()


def provenance(runtime: Runtime) -> dict[str, Any]:
    (origin,) = [each for each in json.loads(archived(runtime, "provenance.json") or b"") if "n1" in each["path"]]
    return origin


@pytest.mark.parametrize("home", ["block"], indirect=True)
def test_a_blocked_text_keeps_its_engagement_out_until_it_is_let_go(home: Runtime) -> None:
    note(home, f"paid with {CARD}")
    report = archive_changes(home)
    assert (report.created, report.held_back, report.is_clean) == (2, 1, True)
    assert archived(home, "engagement.json") is None
    (manifest,) = manifests(home)
    assert (manifest["archived"], manifest["pending"], manifest["absent"]) == (["eng-2"], [], [HELD])

    again = archive_changes(home)
    assert (again.created, again.versions) == (0, 0)

    (item,) = home.state.quarantine.list("held")
    replay([item.item_id])
    assert home.state.quarantine.list("held") == []
    note(home, f"paid with {CARD}")
    report = archive_changes(home)
    assert (report.created, report.held_back, report.days_reopened) == (1, 0, {MONDAY})
    assert CARD.encode() in (archived(home, "notes/n1.json") or b"")
    assert provenance(home)["card_data"] == "released"
    assert manifests(home)[-1]["absent"] == []
    assert home.state.quarantine.list("held") == []


@pytest.mark.parametrize("home", ["block"], indirect=True)
def test_another_text_with_card_data_is_blocked_again(home: Runtime) -> None:
    note(home, f"paid with {CARD}")
    (item,) = home.state.quarantine.list("held")
    replay([item.item_id])
    archive_changes(home)
    note(home, f"and with {CARD}, too")
    report = archive_changes(home)
    assert (report.versions, report.held_back) == (0, 1)
    assert b"too" not in (archived(home, "notes/n1.json") or b"")
    assert manifests(home)[-1]["absent"] == [HELD]
    assert len(home.state.quarantine.list("held")) == 1


@pytest.mark.parametrize(
    ("home", "text", "status"),
    [("flag", CARD, "flagged"), ("redact", "[card number removed]", "redacted")],
    indirect=["home"],
)
def test_what_is_archived_says_what_was_found_in_it(home: Runtime, text: str, status: str) -> None:
    note(home, f"paid with {CARD}")
    assert archive_changes(home).held_back == 0
    assert json.loads(archived(home, "notes/n1.json") or b"")["note"] == f"paid with {text}"
    assert provenance(home)["card_data"] == status
