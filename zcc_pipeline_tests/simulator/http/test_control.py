"""Control routes: the account moves, counters tell, the truth file follows."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest

from zcc_pipeline_tests.simulator.http.conftest import Serve
from zcc_pipeline_tests.simulator.http.reader import Reader

WINDOW = {"from": "2026-11-18T00:00:00Z", "to": "2026-11-21T00:00:00Z"}


def test_the_state_counts_requests_by_route_and_label(serve: Serve) -> None:
    reader = serve()
    reader.get("queues")
    reader.get("engagements/nobody")
    state = reader.state()
    assert state["requests"]["by_route"] == {
        "/v2/contact_center/queues": 1,
        "/v2/contact_center/engagements/{engagement_id}": 1,
    }
    assert state["requests"]["by_label"] == {"MEDIUM": 1, "LIGHT": 1}
    assert state["tokens_issued"] == 1


def test_advancing_moves_the_account_and_not_the_server_s_date(serve: Serve) -> None:
    reader = serve()
    before = reader.state()["now"]
    moved = reader.control("advance", days=2, hours=1, seconds=5)["now"]
    assert datetime.fromisoformat(moved) - datetime.fromisoformat(before) == (
        datetime(2026, 1, 3, 1, 0, 5, tzinfo=UTC) - datetime(2026, 1, 1, tzinfo=UTC)
    )
    sent = parsedate_to_datetime(reader.get("queues").headers["Date"])
    assert abs((datetime.now(UTC) - sent).total_seconds()) < 5


def test_an_engagement_is_missing_right_after_its_end_and_there_a_minute_later(serve: Serve) -> None:
    reader = serve()
    truth = httpx.get(f"{reader.sim.control_url}/truth").json()
    still_open = [row for row in truth["engagements"] if not row["is_closed"]]
    soonest = min(still_open, key=lambda row: row["end_time"])
    until_end = datetime.fromisoformat(soonest["end_time"]) - datetime.fromisoformat(truth["as_of"])
    window = {"from": soonest["start_time"], "to": soonest["start_time"]}
    path = f"engagements/{soonest['engagement_id']}"
    reader.control("advance", seconds=until_end.total_seconds() + 1)
    assert reader.get(path).json()["code"] == 2901
    assert reader.get("engagements", **window).json()["total_records"] == 0
    reader.control("advance", seconds=60)
    assert reader.get(path).status_code == 200
    assert reader.get("engagements", **window).json()["total_records"] == 1


def test_time_never_goes_back(serve: Serve) -> None:
    reader = serve()
    assert httpx.post(f"{reader.sim.control_url}/advance", json={"days": -1}).status_code == 422


def test_an_edited_note_shows_in_every_read(serve: Serve) -> None:
    reader = serve()
    note = reader.get("engagements/notes").json()["notes"][0]
    reader.control("advance", days=20)
    reader.control("edit-note", note_id=note["note_id"], text="Changed 🙂")
    found = reader.get(f"engagements/{note['engagement_id']}/notes/{note['note_id']}").json()
    assert found["note"] == "Changed 🙂"
    assert found["last_modified_time"] > note["last_modified_time"]
    detail = reader.get(f"engagements/{note['engagement_id']}").json()
    assert "Changed 🙂" in [each["note"] for each in detail["notes"]]


def test_an_added_note_shows_in_the_list_of_engagements(serve: Serve) -> None:
    reader = serve()
    engagement = reader.get("engagements", **WINDOW).json()["engagements"][0]
    added = reader.control("add-note", engagement_id=engagement["engagement_id"], text="One more")
    again = reader.get("engagements", **WINDOW).json()["engagements"][0]
    assert added["note_id"] in [note["note_id"] for note in again["notes"]]


def test_deleted_recordings_leave_the_lists(serve: Serve) -> None:
    reader = serve()
    recording = reader.get("recordings", **WINDOW).json()["recordings"][0]
    deleted = reader.control("delete-engagement-recordings", engagement_id=recording["engagement_id"])["deleted"]
    assert recording["recording_id"] in deleted
    left = [row["recording_id"] for page in reader.pages("recordings", **WINDOW) for row in page["recordings"]]
    assert left
    assert not set(left) & set(deleted)


def test_a_voicemail_can_be_marked_deleted(serve: Serve) -> None:
    reader = serve()
    message = reader.get("inboxes/messages", **WINDOW, status="normal").json()["messages"][0]
    reader.control("delete-voicemail", message_id=message["message_id"])
    gone = reader.get("inboxes/messages", **WINDOW, engagement_id=message["engagement_id"]).json()["messages"]
    assert [row["status"] for row in gone if row["message_id"] == message["message_id"]] == ["deleted"]


@pytest.mark.parametrize(
    ("command", "body"),
    [
        ("edit-note", {"note_id": "none", "text": ""}),
        ("add-note", {"engagement_id": "nobody", "text": ""}),
        ("delete-recording", {"recording_id": "none"}),
        ("delete-engagement-recordings", {"engagement_id": "nobody"}),
        ("delete-voicemail", {"message_id": "none"}),
    ],
)
def test_what_does_not_exist_cannot_be_changed(serve: Serve, command: str, body: dict[str, str]) -> None:
    reader = serve()
    assert httpx.post(f"{reader.sim.control_url}/{command}", json=body).status_code == 404


def test_a_command_that_makes_no_sense_is_422(reader: Reader) -> None:
    for command, body in (("edit-note", b"{}"), ("faults", b'{"profile":"cruel"}'), ("add-note", b"no json")):
        assert httpx.post(f"{reader.sim.control_url}/{command}", content=body).status_code == 422


def test_the_truth_file_is_there_at_the_start_and_follows_the_account(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "truth.json"
    reader = serve(truth_path=path)
    at_start = json.loads(path.read_text())
    served = httpx.get(f"{reader.sim.control_url}/truth").json()
    assert served == at_start
    reader.control("advance", days=20)
    assert json.loads(path.read_text())["as_of"] > at_start["as_of"]
    assert [each.name for each in tmp_path.iterdir()] == ["truth.json"]


def test_control_needs_no_token_and_unknown_paths_are_404(reader: Reader) -> None:
    assert httpx.get(f"{reader.sim.control_url}/state").status_code == 200
    missing = httpx.get(f"{reader.sim.api_url}/contact_center/wishes")
    assert (missing.status_code, missing.json()["code"]) == (404, 404)
    assert httpx.post(f"{reader.sim.api_url}/contact_center/queues").status_code == 405
