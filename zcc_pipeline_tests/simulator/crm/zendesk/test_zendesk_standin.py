"""The Zendesk to practise on accepts, refuses and forgets as the documentation says the real one does."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from zcc_pipeline.simulator.crm.base import Credentials, CrmOptions, Faults, Limit, Person, running
from zcc_pipeline.simulator.crm.zendesk import ZendeskStandIn, make
from zcc_pipeline_tests.crm_definitions import definition_if_here, definition_of

GRANT = {"grant_type": "client_credentials", "client_id": "id", "client_secret": "secret", "scope": "read write"}
ANNA = Person("Anna Vogt", "anna@example.org", "+49 (0)30 123456")


class Time:
    """Moves only when told."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def zendesk(**options: Any) -> Iterator[tuple[httpx.Client, ZendeskStandIn]]:
    options.setdefault("definition", definition_if_here("zendesk"))
    standin = make(CrmOptions(**{"limits": {}, **options}))
    with running(standin) as up, httpx.Client(base_url=up.url, trust_env=False) as client:
        token = client.post("/oauth/tokens", json=GRANT).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client, standin
    assert standin.violations == []


@contextmanager
def moving(**options: Any) -> Iterator[tuple[httpx.Client, ZendeskStandIn, Time]]:
    time = Time()
    with zendesk(monotonic=time, **options) as (client, standin):
        yield client, standin, time


def ticket(number: int, **more: Any) -> dict[str, Any]:
    return {
        "subject": f"Call {number}",
        "external_id": f"e{number}",
        "comments": [{"html_body": "<p>said</p>"}],
        **more,
    }


def finished(client: httpx.Client, job: dict[str, Any]) -> dict[str, Any]:
    for _ in range(200):
        job = client.get(f"/api/v2/job_statuses/{job['id']}").json()["job_status"]
        if job["status"] not in ("queued", "working"):
            return job
    raise AssertionError("the job never ended")


def imported(client: httpx.Client, *tickets: dict[str, Any]) -> dict[str, Any]:
    answer = client.post("/api/v2/imports/tickets/create_many", json={"tickets": list(tickets)})
    assert answer.status_code == 200, answer.text
    return finished(client, answer.json()["job_status"])


def test_every_request_and_answer_below_can_be_held_to_zendesks_description() -> None:
    assert definition_of("zendesk")


def test_a_token_lasts_as_long_as_asked_for_within_bounds() -> None:
    with zendesk(token_seconds=50_000) as (client, _):
        assert client.post("/oauth/tokens", json={**GRANT, "expires_in": 7200}).json()["expires_in"] == 7200
        assert client.post("/oauth/tokens", json={**GRANT, "expires_in": 300}).status_code == 400
        assert client.post("/oauth/tokens", json={**GRANT, "grant_type": "password"}).status_code == 400


def test_wrong_credentials_get_no_token_and_an_expired_token_gets_a_401() -> None:
    with moving(token_seconds=400, credentials=Credentials("id", "secret")) as (client, _, time):
        assert client.post("/oauth/tokens", json={**GRANT, "client_secret": "x"}).status_code == 401
        assert client.get("/api/v2/users/me").status_code == 200
        time.now += 400
        refused = client.get("/api/v2/users/me")
        assert refused.status_code == 401
        assert refused.json()["error"] == "invalid_token"


def test_api_tokens_are_good_until_they_end() -> None:
    basic = {"Authorization": "Basic " + base64.b64encode(b"a@example.org/token:key").decode()}
    with zendesk() as (client, _):
        assert client.get("/api/v2/users/me", headers=basic).status_code == 200
    with zendesk(settings={"api_tokens_end": True}) as (client, _):
        assert client.get("/api/v2/users/me", headers=basic).status_code == 401


def test_an_import_keeps_times_and_takes_several_comments() -> None:
    row = ticket(1, created_at="2026-01-02T03:04:05Z", status="solved", tags=["a b", "c"])
    row["comments"] = [
        {"html_body": "<p>first</p>", "public": False},
        {"value": "second", "created_at": "2026-01-02T04:00:00Z"},
    ]
    with zendesk() as (client, standin):
        assert imported(client, row)["results"] == [{"id": 2, "index": 0}]
        found = standin.records()["tickets"][0]
        assert (found["created_at"], found["status"], found["tags"]) == (
            "2026-01-02T03:04:05Z",
            "solved",
            ["a", "b", "c"],
        )
        assert [each["plain_body"] for each in found["comments"]] == ["first", "second"]
        assert found["comments"][1]["created_at"] == "2026-01-02T04:00:00Z"


def test_a_completed_job_tells_of_the_rows_that_failed() -> None:
    with zendesk(faults=Faults(refuse_keys=("e2",))) as (client, standin):
        job = imported(client, ticket(1), ticket(2), ticket(3))
        assert job["status"] == "completed"
        assert [each.get("index") for each in job["results"]] == [0, None, 2]
        assert "breaks a rule" in job["results"][1]["details"]
        assert [each["external_id"] for each in standin.records()["tickets"]] == ["e1", "e3"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"comments": []},
        {"comments": [{"body": "  "}]},
        {"comments": [{"body": "ä" * 40_000}]},
        {"comments": [{"body": "x", "author_id": 999}]},
        {"comments": [{"body": "x", "uploads": ["unknown"]}]},
        {"subject": "x" * 256},
        {"requester_id": 999},
        {"created_at": "2999-01-01T00:00:00Z"},
    ],
)
def test_a_wrong_ticket_fails_alone(wrong: dict[str, Any]) -> None:
    with zendesk() as (client, standin):
        results = imported(client, {**ticket(1), **wrong}, ticket(2))["results"]
        assert results[0]["success"] is False
        assert [each["external_id"] for each in standin.records()["tickets"]] == ["e2"]


def test_an_external_id_may_be_there_twice() -> None:
    with zendesk() as (client, _):
        imported(client, ticket(1), ticket(1), ticket(2))
        found = client.get("/api/v2/tickets", params={"external_id": "e1"}).json()["tickets"]
        assert [each["external_id"] for each in found] == ["e1", "e1"]


@pytest.mark.parametrize(("takes_lists", "number"), [(True, 2), (False, 0)])
def test_several_external_ids_are_taken_or_not(takes_lists: bool, number: int) -> None:
    with zendesk(settings={"lists_external_ids": takes_lists}) as (client, _):
        imported(client, ticket(1), ticket(2))
        assert len(client.get("/api/v2/tickets", params={"external_id": "e1,e2"}).json()["tickets"]) == number


def test_tickets_are_shown_by_their_own_ids_only() -> None:
    with zendesk(definition=None) as (client, _):
        imported(client, ticket(1))
        assert len(client.get("/api/v2/tickets/show_many", params={"ids": "2,77"}).json()["tickets"]) == 1
        assert client.get("/api/v2/tickets/show_many", params={"external_ids": "e1"}).status_code == 400


def test_only_administrators_import_and_at_most_a_hundred() -> None:
    with zendesk(settings={"is_admin": False}) as (client, _):
        assert client.post("/api/v2/imports/tickets/create_many", json={"tickets": [ticket(1)]}).status_code == 403
    with zendesk(definition=None) as (client, _):
        many = {"tickets": [ticket(number) for number in range(101)]}
        assert client.post("/api/v2/imports/tickets/create_many", json=many).status_code == 400


def test_a_row_that_failed_may_name_its_index() -> None:
    settings = {"failed_rows_name_index": True}
    with zendesk(faults=Faults(refuse_keys=("e2",)), settings=settings, definition=None) as (client, _):
        assert [each["index"] for each in imported(client, ticket(1), ticket(2))["results"]] == [0, 1]


def test_a_job_passes_through_its_states_and_is_forgotten() -> None:
    with moving(settings={"job_seconds": 10, "job_kept_seconds": 100}) as (client, standin, time):
        job = client.post("/api/v2/imports/tickets/create_many", json={"tickets": [ticket(1)]}).json()["job_status"]
        states = [job["status"]]
        for seconds in (5, 5):
            time.now += seconds
            states.append(client.get(f"/api/v2/job_statuses/{job['id']}").json()["job_status"]["status"])
        assert states == ["queued", "working", "completed"]
        assert len(standin.records()["tickets"]) == 1
        time.now += 100
        assert client.get(f"/api/v2/job_statuses/{job['id']}").status_code == 404
        assert client.get("/api/v2/job_statuses/show_many", params={"ids": job["id"]}).json()["job_statuses"] == []


def test_no_more_than_thirty_jobs_wait() -> None:
    with moving(settings={"job_seconds": 10}) as (client, _, _time):
        answers = [
            client.post("/api/v2/imports/tickets/create_many", json={"tickets": [ticket(number)]})
            for number in range(31)
        ]
        assert [each.status_code for each in answers] == [200] * 30 + [429]
        assert answers[-1].json()["error"] == "TooManyJobs"
        assert answers[-1].headers["retry-after"]


def test_a_job_can_fail_halfway_and_tell_nothing() -> None:
    with zendesk() as (client, standin):
        client.post("/_control/fail-jobs", json={"jobs": 1})
        job = imported(client, *(ticket(number) for number in range(4)))
        assert (job["status"], job["results"]) == ("failed", None)
        assert len(standin.records()["tickets"]) == 2
        assert imported(client, ticket(9))["status"] == "completed"


def test_held_jobs_wait_until_they_are_let_go() -> None:
    with zendesk() as (client, standin):
        client.post("/_control/hold-jobs", json={"is_held": True})
        job = client.post("/api/v2/imports/tickets/create_many", json={"tickets": [ticket(1)]}).json()["job_status"]
        assert client.get(f"/api/v2/job_statuses/{job['id']}").json()["job_status"]["status"] == "queued"
        client.post("/_control/hold-jobs", json={"is_held": False})
        assert finished(client, job)["status"] == "completed"
        assert len(standin.records()["tickets"]) == 1


def test_the_same_idempotency_key_makes_one_ticket_and_refuses_another_body() -> None:
    row = {"subject": "x", "external_id": "e1", "comment": {"body": "said"}}
    with moving(token_seconds=50_000) as (client, standin, time):
        key = {"Idempotency-Key": "k1"}
        answers = [client.post("/api/v2/tickets", json={"ticket": row}, headers=key) for _ in range(2)]
        assert [each.headers["x-idempotency-lookup"] for each in answers] == ["miss", "hit"]
        assert answers[0].json() == answers[1].json()
        other = client.post("/api/v2/tickets", json={"ticket": {**row, "subject": "y"}}, headers=key)
        assert other.status_code == 400
        time.now += 7_200
        client.post("/api/v2/tickets", json={"ticket": row}, headers=key)
        assert len(standin.records()["tickets"]) == 2


def test_a_voice_ticket_begins_with_the_call() -> None:
    call = {"from": "+4930123", "to": "+4940999", "started_at": "2026-01-02T03:04:05Z", "call_duration": 61}
    with zendesk() as (client, standin):
        row = {"via_id": 45, "subject": "Call", "external_id": "e1", "voice_comment": call}
        assert client.post("/api/v2/channels/voice/tickets", json={"ticket": row}).status_code == 201
        found = standin.records()["tickets"][0]
        assert found["via"]["channel"] == "phone_call_inbound"
        assert found["comments"][0]["data"]["call_duration"] == 61
        del call["from"]
        refused = client.post("/api/v2/channels/voice/tickets", json={"ticket": row})
        assert refused.status_code == 422
        assert "from is required" in refused.json()


def test_an_update_appends_its_comment_and_closed_tickets_take_none() -> None:
    with zendesk() as (client, standin):
        imported(client, ticket(1, tags=["mine"]))
        path = f"/api/v2/tickets/{standin.records()['tickets'][0]['id']}"
        change = {"ticket": {"subject": "New", "comment": {"html_body": "<p>more</p>", "public": False}}}
        assert client.put(path, json=change).json()["ticket"]["subject"] == "New"
        comments = client.get(f"{path}/comments").json()["comments"]
        assert [(each["plain_body"], each["public"]) for each in comments] == [("said", True), ("more", False)]
        client.post("/_control/set-status", json={"ticket_id": 2, "status": "closed"})
        refused = client.put(path, json=change)
        assert refused.status_code == 422
        assert "closed prevents ticket update" in refused.text


def test_update_many_adds_tags_and_names_the_rows_that_failed() -> None:
    with zendesk() as (client, standin):
        imported(client, ticket(1, tags=["mine"]))
        rows = [{"id": 2, "additional_tags": ["ours"], "comment": {"body": "note"}}, {"id": 999, "subject": "x"}]
        job = client.put("/api/v2/tickets/update_many", json={"tickets": rows}).json()["job_status"]
        done = finished(client, job)["results"]
        assert [(each["id"], each["success"]) for each in done] == [(2, True), (999, False)]
        assert standin.records()["tickets"][0]["tags"] == ["mine", "ours"]


def test_an_outdated_safe_update_is_a_conflict() -> None:
    with zendesk() as (client, _):
        imported(client, ticket(1))
        row = {"subject": "x", "safe_update": True, "updated_stamp": "2020-01-01T00:00:00Z"}
        assert client.put("/api/v2/tickets/2", json={"ticket": row}).status_code == 409


def test_one_ticket_takes_thirty_updates_in_ten_minutes_and_the_account_a_hundred_a_minute() -> None:
    with moving() as (client, _, time):
        client.post("/api/v2/imports/tickets", json={"ticket": ticket(1)})
        codes = [client.put("/api/v2/tickets/2", json={"ticket": {"subject": "x"}}).status_code for _ in range(31)]
        assert codes == [200] * 30 + [429]
        time.now += 600
        assert client.put("/api/v2/tickets/2", json={"ticket": {"subject": "x"}}).status_code == 200
    with moving(limits={"update_ticket": Limit(2, 60)}) as (client, _, _time):
        client.post("/api/v2/imports/tickets", json={"ticket": ticket(1)})
        codes = [client.put("/api/v2/tickets/2", json={"ticket": {"subject": "x"}}).status_code for _ in range(3)]
        assert codes == [200, 200, 429]


def test_the_plan_limits_requests_a_minute_and_says_how_long_to_wait() -> None:
    with moving(limits={"api": Limit(3, 60)}) as (client, standin, time):
        answers = [client.get("/api/v2/users/me") for _ in range(4)]
        assert [each.status_code for each in answers] == [200, 200, 200, 429]
        assert answers[0].headers["x-rate-limit-remaining"] == "2"
        assert answers[3].headers["retry-after"] == "60"
        assert answers[3].json()["error"] == "APIRateLimitExceeded"
        time.now += 60
        assert client.get("/api/v2/users/me").status_code == 200
        assert standin.counters.limited == 1


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("type:user role:end-user phone:*30123456", 1),
        ("type:user role:end-user phone:+4930123456", 0),
        ('type:user email:"anna@example.org"', 1),
        ('type:user email:"ANNA@example.org" email:"bob@example.org"', 2),
        ('type:user email:"anna@example.org" role:admin', 0),
        ('type:user email:"anna@example.org" -role:end-user', 0),
        ("vogt", 1),
        ("type:ticket vogt", 0),
    ],
)
def test_search_reads_properties_phrases_and_wildcards(query: str, number: int) -> None:
    with zendesk(people=(ANNA, Person("Bob", "bob@example.org"))) as (client, _):
        assert len(client.get("/api/v2/search", params={"query": query}).json()["results"]) == number
        assert len(client.get("/api/v2/users/search", params={"query": query}).json()["users"]) == number


def test_search_learns_of_new_users_later_and_create_or_update_knows_them_at_once() -> None:
    body = {"user": {"name": "Cleo", "phone": "+4930777", "external_id": "zcc:+4930777"}}
    with moving(settings={"search_delay_seconds": 60}) as (client, _, time):
        path = "/api/v2/users/create_or_update"
        assert [client.post(path, json=body).status_code for _ in range(2)] == [201, 200]
        query = {"query": "type:user name:cleo"}
        assert client.get("/api/v2/search", params=query).json()["count"] == 0
        time.now += 60
        assert client.get("/api/v2/search", params=query).json()["count"] == 1


def test_search_learns_of_new_tickets_later_and_the_list_of_tickets_knows_them_at_once() -> None:
    with moving(settings={"search_delay_seconds": 60}) as (client, _, time):
        client.post("/api/v2/imports/tickets", json={"ticket": ticket(1)})
        query = {"query": "type:ticket external_id:e1"}
        assert len(client.get("/api/v2/tickets", params={"external_id": "e1"}).json()["tickets"]) == 1
        assert client.get("/api/v2/search", params=query).json()["count"] == 0
        time.now += 60
        assert client.get("/api/v2/search", params=query).json()["count"] == 1


def test_a_phone_that_is_no_e164_and_an_empty_name_are_refused() -> None:
    with zendesk() as (client, _):
        for user in ({"name": "x", "phone": "030 123"}, {"name": " "}, {"name": "x", "email": "nobody"}):
            refused = client.post("/api/v2/users/create_or_update", json={"user": user})
            assert (refused.status_code, refused.json()["error"]) == (422, "RecordInvalid")


def test_the_bulk_upsert_of_users_is_off_until_zendesk_enables_it() -> None:
    body = {"users": [{"name": "Dora", "email": "dora@example.org"}]}
    with zendesk() as (client, _):
        refused = client.post("/api/v2/users/create_or_update_many", json=body)
        assert refused.status_code == 403
        assert refused.json()["error"]["title"] == "Forbidden"
    with zendesk(settings={"bulk_user_upsert": True}) as (client, _):
        assert client.post("/api/v2/users/create_or_update_many", json=body).status_code == 200


def test_an_upload_is_good_once_and_for_sixty_minutes() -> None:
    def upload(client: httpx.Client) -> str:
        headers = {"Content-Type": "audio/mpeg"}
        answer = client.post("/api/v2/uploads", params={"filename": "a.mp3"}, content=b"sound", headers=headers)
        assert answer.status_code == 201
        return str(answer.json()["upload"]["token"])

    def comment(token: str) -> dict[str, Any]:
        return {"comments": [{"body": "x", "uploads": [token]}]}

    with moving(token_seconds=50_000) as (client, standin, time):
        token, late = upload(client), upload(client)
        assert client.post("/api/v2/imports/tickets", json={"ticket": ticket(1, **comment(token))}).status_code == 201
        shown = standin.records()["tickets"][0]["comments"][0]["attachments"]
        assert [(each["file_name"], each["size"]) for each in shown] == [("a.mp3", 5)]
        assert client.post("/api/v2/imports/tickets", json={"ticket": ticket(2, **comment(token))}).status_code == 422
        time.now += 3_600
        assert client.post("/api/v2/imports/tickets", json={"ticket": ticket(3, **comment(late))}).status_code == 422


def with_object(client: httpx.Client, *fields: tuple[str, str]) -> None:
    body = {"custom_object": {"key": "engagement", "title": "Engagement", "title_pluralized": "Engagements"}}
    assert client.post("/api/v2/custom_objects", json=body).status_code == 201
    for key, kind in fields:
        made = {"custom_object_field": {"key": key, "title": key, "type": kind}}
        assert client.post("/api/v2/custom_objects/engagement/fields", json=made).status_code == 201


def test_records_of_custom_objects_are_upserted_by_external_id() -> None:
    item = {"name": "Call", "external_id": "e1", "custom_object_fields": {"seconds": 5}}
    path = "/api/v2/custom_objects/engagement"
    with zendesk(definition=None) as (client, _):
        with_object(client, ("seconds", "integer"))
        wrong = {**item, "external_id": "e2", "custom_object_fields": {"seconds": "five"}}
        job = {"job": {"action": "create_or_update_by_external_id", "items": [item, wrong]}}
        done = [
            finished(client, client.post(f"{path}/jobs", json=job).json()["job_status"])["results"] for _ in range(2)
        ]
        assert [[each["success"] for each in results] for results in done] == [[True, False]] * 2
        assert done[0][0]["id"] == done[1][0]["id"]
        changed = {"custom_object_record": {"name": "Call", "custom_object_fields": {"seconds": 6}}}
        client.patch(f"{path}/records", params={"external_id": "e1"}, json=changed)
        found = client.get(f"{path}/records", params={"filter[external_ids]": "e1,e2"}).json()["custom_object_records"]
        assert [(each["external_id"], each["custom_object_fields"]) for each in found] == [("e1", {"seconds": 6})]


@pytest.mark.parametrize(
    "fields", [{"unknown": "x"}, {"text": "two\nlines"}, {"area": "x" * 33_000}, {"date": "2026-1-2"}, {"flag": "yes"}]
)
def test_a_record_that_does_not_fit_is_refused(fields: dict[str, Any]) -> None:
    with zendesk() as (client, _):
        with_object(client, ("text", "text"), ("area", "textarea"), ("date", "date"), ("flag", "checkbox"))
        body = {"custom_object_record": {"name": "Call", "custom_object_fields": fields}}
        path = "/api/v2/custom_objects/engagement/records"
        assert client.patch(path, params={"external_id": "e1"}, json=body).status_code == 422


def test_custom_objects_are_an_administrators_and_the_plans_matter() -> None:
    body = {"custom_object": {"key": "engagement", "title": "E", "title_pluralized": "Es"}}
    settings: list[dict[str, Any]] = [{"is_admin": False}, {"has_custom_objects": False}]
    for each in settings:
        with zendesk(settings=each) as (client, _):
            assert client.post("/api/v2/custom_objects", json=body).status_code == 403


@pytest.mark.parametrize(("when", "number"), [("timeout_after_commit", 1), ("timeout_before_commit", 0)])
def test_a_write_may_go_unanswered_whether_it_was_done_or_not(when: str, number: int) -> None:
    faults: Callable[..., Faults] = Faults
    with zendesk(faults=faults(**{when: (1,)})) as (client, standin):
        with pytest.raises(httpx.TransportError):
            client.post("/api/v2/imports/tickets", json={"ticket": ticket(1)})
        assert len(standin.records()["tickets"]) == number


def test_what_is_not_there_is_said_in_two_shapes() -> None:
    with zendesk() as (client, _):
        assert client.get("/api/v2/tickets/77").json()["error"] == "RecordNotFound"
        assert client.get("/api/v2/nothing").json()["error"] == "InvalidEndpoint"
        assert client.delete("/api/v2/users/me").json()["error"]["title"] == "Method not allowed"
