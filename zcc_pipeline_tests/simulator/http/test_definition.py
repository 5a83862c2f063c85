"""Every read operation's answer conforms to the published definition."""

from __future__ import annotations

import json
from typing import Any

import pytest

from zcc_pipeline.simulator.zoom.operations import OPERATIONS
from zcc_pipeline_tests.definition import ZOOM_DEFINITION, check_exchange, own_definition, zoom_definition
from zcc_pipeline_tests.simulator.http.reader import Reader

WINDOW = {"from": "2026-11-18T00:00:00Z", "to": "2026-11-21T00:00:00Z"}
LOG_WINDOW = {"end_time_from": WINDOW["from"], "end_time_to": WINDOW["to"]}
WINDOWED = {"engagements", "recordings", "inboxes/messages", "voice_calls"}


def checked(reader: Reader, path: str, **query: Any) -> dict[str, Any]:
    answer = reader.get(path, **query)
    pairs = [(name, str(value)) for name, value in query.items()]
    assert check_exchange(f"/v2/contact_center/{path}", pairs, answer.status_code, answer.content) == []
    content: dict[str, Any] = answer.json()
    return content


@pytest.mark.parametrize(
    "path",
    [
        "engagements",
        "engagements/notes",
        "recordings",
        "voice_calls",
        "inboxes",
        "inboxes/messages",
        "queues",
        "users",
        "flows",
        "teams",
        "dispositions",
        "dispositions/sets",
    ],
)
def test_each_list_conforms_and_is_not_empty(reader: Reader, path: str) -> None:
    answer = checked(reader, path, **(WINDOW if path in WINDOWED else {}), page_size=100)
    rows = next(value for value in answer.values() if isinstance(value, list))
    assert rows


def test_the_engagement_log_conforms(reader: Reader) -> None:
    assert checked(reader, "analytics/log/historical/engagement", **LOG_WINDOW, page_size=100)["engagement_logs"]


def test_every_read_of_every_engagement_conforms(reader: Reader) -> None:
    statuses = set()
    for page in reader.pages("engagements", **WINDOW, page_size=100):
        for engagement in page["engagements"][:40]:
            found = engagement["engagement_id"]
            for part in ("", "/events", "/survey", "/notes", "/recordings", "/recordings/status"):
                path = f"engagements/{found}{part}"
                answer = reader.get(path)
                statuses.add((part, answer.status_code))
                assert check_exchange(f"/v2/contact_center/{path}", [], answer.status_code, answer.content) == []
            checked(reader, "email/messages", engagement_id=found)
            checked(reader, "messaging/messages", engagement_id=found)
    assert {("/events", 400), ("/events", 200), ("/survey", 200), ("/survey", 404), ("/survey", 444)} <= statuses
    assert {("/recordings", 200), ("/recordings", 404), ("/notes", 200), ("", 200)} <= statuses


@pytest.mark.parametrize(
    ("listing", "items", "id_field", "detail"),
    [
        ("queues", "queues", "cc_queue_id", "queues/{}"),
        ("queues", "queues", "cc_queue_id", "queues/{}/recordings"),
        ("users", "users", "user_id", "users/{}"),
        ("users", "users", "user_id", "users/{}/recordings"),
        ("flows", "flows", "flow_id", "flows/{}"),
        ("inboxes", "inboxes", "inbox_id", "inboxes/{}"),
        ("inboxes", "inboxes", "inbox_id", "inboxes/{}/messages"),
        ("dispositions", "dispositions", "disposition_id", "dispositions/{}"),
        ("dispositions/sets", "disposition_sets", "disposition_set_id", "dispositions/sets/{}"),
    ],
)
def test_each_detail_conforms(reader: Reader, listing: str, items: str, id_field: str, detail: str) -> None:
    for row in reader.get(listing).json()[items]:
        assert "code" not in checked(reader, detail.format(row[id_field]))


def test_a_single_note_conforms(reader: Reader) -> None:
    note = reader.get("engagements/notes").json()["notes"][0]
    path = f"engagements/{note['engagement_id']}/notes/{note['note_id']}"
    assert checked(reader, path) == note


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("engagements/nobody", 404, 2901),
        ("engagements/nobody/events", 404, 2901),
        ("engagements/nobody/recordings", 404, 2805),
        ("engagements/nobody/notes/none", 404, 2701),
        ("queues/none", 404, 1201),
        ("queues/none/recordings", 404, 1204),
        ("users/nobody/recordings", 404, 1001),
        ("flows/none", 404, 3201),
        ("inboxes/none", 404, 3001),
        ("inboxes/none/messages", 404, 3001),
        ("dispositions/none", 404, 2401),
        ("dispositions/sets/none", 404, 2501),
        ("email/messages?engagement_id=nobody", 400, 11004),
        ("engagements?queue_id=none", 404, 1201),
        ("engagements?user_id=nobody", 404, 1001),
        ("voice_calls?engagement_id=nobody", 404, 2901),
    ],
)
def test_what_does_not_exist_has_the_codes_of_the_definition(reader: Reader, path: str, status: int, code: int) -> None:
    bare, _, query = path.partition("?")
    pairs = [(name, value) for name, _, value in [query.partition("=")] if name]
    answer = reader.get(bare, **dict(pairs))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert check_exchange(f"/v2/contact_center/{bare}", pairs, answer.status_code, answer.content) == []


def test_a_note_of_another_engagement_is_named(reader: Reader) -> None:
    first, other = reader.get("engagements/notes").json()["notes"][:2]
    answer = reader.get(f"engagements/nobody/notes/{first['note_id']}")
    assert answer.json()["code"] == 2704
    assert first["engagement_id"] in answer.json()["message"]
    assert other["note_id"] != first["note_id"]


def test_labels_and_scopes_are_those_of_the_definition() -> None:
    for operation in OPERATIONS:
        declared = own_definition().find(operation.route)
        assert declared is not None, operation.route
        assert set(operation.scopes) == set(declared.content["x-scopes"]), operation.route
        assert declared.content["x-rate-limit-label"] in {operation.label, "UNKNOWN"}, operation.route


def test_the_older_definition_of_zoom_itself_is_used_where_there_is_a_copy() -> None:
    zoom = zoom_definition()
    if zoom is None:
        pytest.skip(
            f"no copy of Zoom's own definition at {ZOOM_DEFINITION}: answers are held to our condensed one only"
        )
    body = json.dumps({"engagements": [{"duration": "long"}]}).encode()
    assert zoom.check_answer("/v2/contact_center/engagements", 200, body)


@pytest.mark.parametrize(
    ("query", "status", "body", "problem"),
    [
        ([("page_size", "1000")], 200, b"{}", "out of bounds"),
        ([("page_size", "many")], 200, b"{}", "not a whole number"),
        ([("channel", "fax")], 200, b"{}", "not one of"),
        ([("colour", "red")], 200, b"{}", "no query name"),
        ([], 200, b'{"engagements":[{"colour":"red"}]}', "not a field"),
        ([], 200, b'{"total_records":"3"}', "is not of type"),
        ([], 200, b"<html>", "not JSON"),
        ([], 404, b'{"code":"x"}', "message"),
        ([], 418, b"{}", "never answers 418"),
    ],
)
def test_the_validator_finds_what_does_not_conform(
    query: list[tuple[str, str]], status: int, body: bytes, problem: str
) -> None:
    problems = check_exchange("/v2/contact_center/engagements", query, status, body)
    assert any(problem in found for found in problems), problems


def test_the_validator_knows_required_query_names_and_unknown_operations() -> None:
    assert any(
        "engagement_id" in found for found in check_exchange("/v2/contact_center/email/messages", [], 200, b"{}")
    )
    assert check_exchange("/v2/contact_center/wishes", [], 200, b"{}") != []
