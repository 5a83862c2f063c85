"""HubSpot's stand-in: credentials, scopes, limits, files, owners."""

from __future__ import annotations

import httpx
import pytest

from zcc_pipeline.simulator.crm.base import Faults, Limit, Person
from zcc_pipeline_tests.simulator.crm.hubspot.account import Account, account, call


def test_a_call_without_a_key_or_with_a_revoked_one_is_not_let_in() -> None:
    with account() as hub:
        bare = httpx.get(f"{hub.client.base_url}/account-info/2026-09/details", trust_env=False)
        assert (bare.status_code, bare.json()["category"]) == (401, "INVALID_AUTHENTICATION")
        assert hub.get("/account-info/{v}/details").json()["portalId"] == 4242
        hub.command("revoke-tokens")
        assert hub.get("/account-info/{v}/details").status_code == 401


def test_a_missing_scope_is_named() -> None:
    with account(scopes=["crm.objects.contacts.read"]) as hub:
        refused = hub.upsert(call("e1"))
        assert (refused.status_code, refused.json()["category"]) == (403, "MISSING_SCOPES")
        assert refused.json()["errors"][0]["context"] == {"requiredGranularScopes": ["crm.objects.contacts.write"]}


def test_numbered_and_unknown_versions_are_not_served() -> None:
    with account() as hub:
        assert hub.client.get("/crm/owners/v3").status_code == 404
        assert hub.client.get("/crm/owners/2026-03").status_code == 200


def test_ten_seconds_have_room_for_so_many_calls_and_search_has_a_limit_of_its_own() -> None:
    with account(limits={"api": Limit(3, 60), "search": Limit(1, 60)}) as hub:
        answers = [hub.get("/crm/owners/{v}") for _ in range(4)]
        assert [each.status_code for each in answers] == [200, 200, 200, 429]
        assert answers[0].headers["x-hubspot-ratelimit-remaining"] == "2"
        assert answers[3].json()["policyName"] == "TEN_SECONDLY_ROLLING"
        assert hub.post("/crm/objects/{v}/contacts/search", {}).status_code == 200
        assert hub.post("/crm/objects/{v}/contacts/search", {}).json()["policyName"] == "SECONDLY"


def test_a_day_that_is_used_up_says_so() -> None:
    with account(faults=Faults(daily_cap=1)) as hub:
        hub.get("/crm/owners/{v}")
        refused = hub.get("/crm/owners/{v}")
        assert (refused.status_code, refused.json()["policyName"]) == (429, "DAILY")
        assert refused.json()["errorType"] == "RATE_LIMIT"
        assert refused.headers["x-hubspot-ratelimit-daily-remaining"] == "0"


@pytest.mark.parametrize("status", [423, 477, 502])
def test_a_status_can_be_ordered_for_the_next_call(status: int) -> None:
    with account() as hub:
        hub.command("next-statuses", statuses=[status])
        assert [hub.get("/crm/owners/{v}").status_code for _ in range(2)] == [status, 200]


def test_a_write_can_be_carried_out_and_never_answered() -> None:
    with account() as hub:
        hub.add_key()
        hub.command("faults", timeout_after_commit=[1])
        with pytest.raises(httpx.HTTPError):
            hub.upsert(call("e1"))
        assert len(hub.records()["calls"]) == 1


def upload(hub: Account, name: str = "talk.mp3", **fields: str) -> httpx.Response:
    data = {"folderPath": "/zcc", "options": '{"access":"PRIVATE"}'} | fields
    found = {key: value for key, value in data.items() if value}
    return hub.client.post("/files/2026-09/files", data=found, files={"file": (name, b"sound", "audio/mpeg")})


def test_a_file_needs_a_folder_and_a_kind_of_access() -> None:
    with account() as hub:
        assert upload(hub, folderPath="").status_code == 400
        assert upload(hub, options="").status_code == 400
        made = upload(hub)
        assert (made.status_code, made.json()["access"]) == (201, "PRIVATE")


def test_a_second_upload_of_a_name_makes_a_second_file() -> None:
    with account() as hub:
        names = [upload(hub).json()["name"] for _ in range(2)]
        assert names == ["talk", "talk-1"]
        for question in ({"name": "talk"}, {"path": "/zcc/talk.mp3"}):
            found = hub.get("/files/{v}/files/search", **question).json()["results"]
            assert [each["name"] for each in found] == ["talk"]


def test_an_import_from_an_address_is_a_task() -> None:
    with account() as hub:
        body = {
            "url": "https://files.example.com/talk.mp3",
            "folderPath": "/zcc",
            "access": "PRIVATE",
            "overwrite": False,
            "duplicateValidationScope": "EXACT_FOLDER",
            "duplicateValidationStrategy": "RETURN_EXISTING",
        }
        tasks = [hub.post("/files/{v}/files/import-from-url/async", body).json()["id"] for _ in range(2)]
        path = "/files/{v}/files/import-from-url/async/tasks/"
        results = [hub.get(f"{path}{task}/status").json()["result"]["id"] for task in tasks]
        assert results[0] == results[1]


def test_owners_come_page_by_page() -> None:
    agents = tuple(Person(f"Agent {number}", f"a{number}@example.com", kind="agent") for number in range(3))
    with account(people=agents) as hub:
        first = hub.get("/crm/owners/{v}", limit=2).json()
        rest = hub.get("/crm/owners/{v}", limit=2, after=first["paging"]["next"]["after"]).json()
        assert [each["email"] for each in first["results"] + rest["results"]] == [f"a{n}@example.com" for n in range(3)]
        assert "paging" not in rest
