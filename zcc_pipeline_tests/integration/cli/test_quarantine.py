"""What is set aside can be looked at without seeing anybody's data, tried again, and given up."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from zcc_pipeline.domain.events import zoom_event
from zcc_pipeline.pipeline.events import apply_inbox
from zcc_pipeline.settings import load_settings, open_runtime
from zcc_pipeline_tests.integration.cli.conftest import Command
from zcc_pipeline_tests.received import pushed, receive

pytestmark = pytest.mark.integration

NOW = datetime.now(UTC)
NOTE = {"note_id": "n1", "note": "Frau Özdemir called from +49 151 2345", "engagement_id": "e1", "user_id": "u1"}


@pytest.fixture
def held(home: Path, zcc: Command) -> dict[str, dict[str, Any]]:
    """Four refused things by reason, as ``list --json`` shows them."""
    home.mkdir(exist_ok=True)
    receive(
        str(home / "inbox.sqlite"),
        pushed("engagement_note_added", NOTE, NOW, account="another"),
        pushed("engagement_note_added", NOTE | {"note_id": None}, NOW),
        zoom_event(b"Frau \xd6zdemir", intake="webhook", received_at=NOW),
    )
    with open_runtime(load_settings()) as runtime:
        apply_inbox(runtime)
        runtime.state.quarantine.add("polling", "zoom/notes", None, "an id field is empty", "", b"{}", NOW)
    items = json.loads(zcc("quarantine", "list", "--json").stdout)
    assert len(items) == 4
    return {item["reason"].split(",")[0]: item for item in items}


def test_the_list_names_reasons_and_no_content(held: dict[str, dict[str, Any]], zcc: Command) -> None:
    shown = zcc("quarantine", "list").stdout
    assert "account" in shown
    assert "4 items" in shown
    assert "zdemir" not in shown + json.dumps(held, ensure_ascii=False)


def test_an_item_is_shown_masked_unless_it_is_to_be_revealed(held: dict[str, dict[str, Any]], zcc: Command) -> None:
    item_id = held["of another account"]["item_id"]
    for options in ((), ("--json",)):
        shown = zcc("quarantine", "show", item_id, *options).stdout
        assert "zdemir" not in shown
        assert "151" not in shown
        assert "engagement_note_added" in shown
        assert "‹long text›" in shown or "‹text›" in shown
    assert "Özdemir" in zcc("quarantine", "show", item_id, "--reveal").stdout
    document = json.loads(zcc("quarantine", "show", item_id, "--reveal", "--json").stdout)
    assert document["content"]["payload"]["object"] == NOTE


def test_what_is_no_json_is_shown_by_its_size(held: dict[str, dict[str, Any]], zcc: Command) -> None:
    item_id = held["authentic"]["item_id"]
    assert "not JSON, 12 bytes" in zcc("quarantine", "show", item_id).stdout
    assert "zdemir" in zcc("quarantine", "show", item_id, "--reveal").stdout


def test_an_event_that_is_accepted_now_is_applied(
    held: dict[str, dict[str, Any]], zcc: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    item_id = held["of another account"]["item_id"]
    again = zcc("quarantine", "replay", item_id)
    assert again.exit_code == 1
    assert "refused again: of another account" in again.stdout

    monkeypatch.setenv("ZCC_ZOOM_ACCOUNT_ID", "another")
    done = zcc("quarantine", "replay", item_id)
    assert (done.exit_code, "replayed" in done.stdout) == (0, True)
    with open_runtime(load_settings()) as runtime:
        assert [row.engagement_id for row in runtime.state.events.waiting()] == ["e1"]
        day = runtime.today()
        assert runtime.lake.latest("zoom/notes", day, day).column("record_id").to_pylist() == ["n1"]
        item = runtime.state.quarantine.get(item_id)
        assert item is not None
        assert item.state == "replayed"


def test_replaying_everything_says_what_became_of_each(held: dict[str, dict[str, Any]], zcc: Command) -> None:
    done = zcc("quarantine", "replay", "--all", "--json")
    outcomes = {each["item_id"]: each for each in json.loads(done.stdout)}
    assert done.exit_code == 1
    polled = outcomes[held["an id field is empty"]["item_id"]]
    assert polled["outcome"] == "not an event"
    assert "zcc pull" in polled["why"]
    assert len(outcomes) == 4


def test_what_is_dropped_is_listed_no_more(held: dict[str, dict[str, Any]], zcc: Command) -> None:
    ids = [item["item_id"] for item in held.values()]
    assert "Dropped 4 items" in zcc("quarantine", "drop", *ids).stdout
    assert "Nothing is in quarantine" in zcc("quarantine", "list").stdout
    assert {item["state"] for item in json.loads(zcc("quarantine", "list", "--all", "--json").stdout)} == {"dropped"}


def test_wrong_ids_and_no_ids_are_said(zcc: Command) -> None:
    unknown = zcc("quarantine", "show", "01NOBODY")
    assert (unknown.exit_code, "no item 01NOBODY" in unknown.stderr) == (1, True)
    assert zcc("quarantine", "drop").exit_code == 2
    assert zcc("quarantine", "replay").exit_code == 2
    assert zcc("quarantine", "replay", "x", "--all").exit_code == 2
