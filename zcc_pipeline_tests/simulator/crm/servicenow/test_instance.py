"""The stand-in's instance over HTTP: what it takes, drops, cuts, refuses and forgets."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import httpx
import pytest

from zcc_pipeline.simulator.crm.base import CrmOptions, Faults, Limit, Person, running
from zcc_pipeline.simulator.crm.servicenow import Setup, make
from zcc_pipeline_tests.simulator.crm.servicenow.talking import KEY, SECRET, STAGING, instance


def test_client_credentials_give_a_token_that_expires_and_basic_lets_in_as_well() -> None:
    seconds = [0.0]
    standin = make(CrmOptions(token_seconds=60, monotonic=lambda: seconds[0], settings={"user": ("zcc", "pw")}))
    with running(standin) as served, httpx.Client(base_url=served.url, trust_env=False) as client:
        token = client.post("/oauth_token.do", data=SECRET).json()
        assert (token["token_type"], token["expires_in"]) == ("Bearer", 60)
        headers = {"Authorization": f"Bearer {token['access_token']}"}
        assert client.get("/api/now/table/interaction", headers=headers).status_code == 200
        seconds[0] = 61
        refused = client.get("/api/now/table/interaction", headers=headers)
        assert (refused.status_code, refused.json()["error"]["message"]) == (401, "User Not Authenticated")
        assert client.get("/api/now/table/interaction", auth=("zcc", "pw")).status_code == 200
        assert client.get("/api/now/table/interaction", auth=("zcc", "wrong")).status_code == 401
        password = {**SECRET, "grant_type": "password", "username": "zcc", "password": "wrong"}
        assert client.post("/oauth_token.do", data=password).status_code == 401
        assert client.post("/oauth_token.do", data={**password, "password": "pw"}).status_code == 200
        assert client.post("/oauth_token.do", data={**SECRET, "grant_type": "refresh_token"}).status_code == 401


def test_rows_are_inserted_listed_read_and_updated() -> None:
    with instance() as talk:
        made = talk.insert("interaction", short_description="Hello", direction="inbound")
        assert made.status_code == 201
        sys_id = made.json()["result"]["sys_id"]
        assert len(sys_id) == 32
        assert talk.update("interaction", sys_id, short_description="Hello again").status_code == 200
        (row,) = talk.rows("interaction", f"sys_id={sys_id}", sysparm_fields="short_description,direction,u_nothing")
        assert row == {"short_description": "Hello again", "direction": "inbound"}
        read = talk.client.get(f"/api/now/v2/table/interaction/{sys_id}").json()["result"]
        assert read["sys_mod_count"] == "1"
        assert talk.client.get("/api/now/table/interaction/" + "0" * 32).status_code == 404
        assert talk.client.get("/api/now/table/u_nowhere").status_code == 400
        assert talk.standin.violations == []


def test_lists_are_cut_into_pages_and_tell_how_many_there_are() -> None:
    with instance() as talk:
        for number in range(5):
            talk.insert("interaction", short_description=f"s{number}")
        params = {"sysparm_query": "ORDERBYDESCshort_description", "sysparm_limit": "2", "sysparm_offset": "2"}
        found = talk.client.get("/api/now/table/interaction", params=params)
        assert found.headers["x-total-count"] == "5"
        assert [row["short_description"] for row in found.json()["result"]] == ["s2", "s1"]


def test_unknown_columns_are_dropped_short_text_is_cut_and_other_times_are_emptied_without_a_word() -> None:
    with instance() as talk:
        made = talk.insert(
            "interaction",
            short_description="x" * 200,
            u_zcc_summary="y" * 5000,
            u_mistyped="gone",
            opened_at="2026-11-22T10:00:00Z",
            closed_at="2026-11-22 10:00:00",
            u_zcc_duration_seconds="soon",
            sys_created_by="me",
        ).json()["result"]
        assert len(made["short_description"]) == 160
        assert len(made["u_zcc_summary"]) == 5000
        assert "u_mistyped" not in made
        assert (made["opened_at"], made["closed_at"]) == ("", "2026-11-22 10:00:00")
        assert made["u_zcc_duration_seconds"] == ""
        assert made["sys_created_by"] != "me"


def test_a_journal_grows_with_every_write_and_shows_its_entries_only_as_display_value() -> None:
    with instance() as talk:
        sys_id = talk.insert("interaction", work_notes="first").json()["result"]["sys_id"]
        talk.update("interaction", sys_id, work_notes="second")
        talk.update("interaction", sys_id, work_notes="second")
        talk.update("interaction", sys_id, work_notes="")
        assert talk.standin.work_notes(sys_id) == ["first", "second", "second"]
        (plain,) = talk.rows("interaction", f"sys_id={sys_id}", sysparm_fields="work_notes")
        assert plain == {"work_notes": ""}
        (shown,) = talk.rows(
            "interaction", f"sys_id={sys_id}", sysparm_fields="work_notes", sysparm_display_value="true"
        )
        assert shown["work_notes"].index("second") < shown["work_notes"].index("first")
        assert "(Work notes)" in shown["work_notes"]


def test_a_unique_index_refuses_the_second_row_and_case_makes_no_difference() -> None:
    with instance() as talk:
        assert talk.insert("interaction", **{KEY: "aBc"}).status_code == 201
        refused = talk.insert("interaction", **{KEY: "AbC"})
        assert refused.status_code == 403
        assert "Unique Key violation" in refused.json()["error"]["detail"]
        assert talk.insert("interaction", **{KEY: ""}).status_code == 201
        assert talk.insert("interaction", **{KEY: ""}).status_code == 201
    with instance(setup=Setup(unique=False)) as talk:
        assert talk.insert("interaction", **{KEY: "a"}).status_code == 201
        assert talk.insert("interaction", **{KEY: "a"}).status_code == 201


def test_references_come_with_links_or_without_and_are_read_through() -> None:
    people = (Person("Agent One", "one@example.com", kind="agent"),)
    with instance(people=people) as talk:
        (user,) = talk.rows("sys_user", "email=one@example.com")
        sys_id = talk.insert("interaction", assigned_to=user["sys_id"]).json()["result"]["sys_id"]
        query = f"sys_id={sys_id}"
        (linked,) = talk.rows("interaction", query, sysparm_fields="assigned_to,assigned_to.email")
        assert linked["assigned_to"]["value"] == user["sys_id"]
        assert linked["assigned_to"]["link"].endswith(f"/api/now/table/sys_user/{user['sys_id']}")
        assert linked["assigned_to.email"] == "one@example.com"
        (bare,) = talk.rows("interaction", query, sysparm_fields="assigned_to", sysparm_exclude_reference_link="true")
        assert bare == {"assigned_to": user["sys_id"]}
        (shown,) = talk.rows("interaction", query, sysparm_fields="assigned_to", sysparm_display_value="all")
        assert shown["assigned_to"]["display_value"] == "Agent One"
        assert talk.rows("interaction", "assigned_to.email=one@example.com")


def test_a_list_of_users_holds_contacts_which_extend_them() -> None:
    with instance(people=(Person("Ada", "ada@example.com"),), customers_in="customer_contact") as talk:
        (found,) = talk.rows("sys_user", "email=ada@example.com")
        assert found["sys_class_name"] == "customer_contact"


def test_the_instance_describes_its_tables_columns_indexes_and_transform_map() -> None:
    with instance() as talk:
        (key,) = talk.rows("sys_dictionary", f"name=interaction^element={KEY}")
        assert (key["unique"], key["max_length"], key["internal_type"]) == ("true", "64", "string")
        (index,) = talk.rows("sys_index", f"logical_table_name=interaction^col_name_string={KEY}")
        assert index["unique_index"] == "true"
        (staging,) = talk.rows("sys_db_object", f"name={STAGING}", sysparm_fields="super_class.name")
        assert staging == {"super_class.name": "sys_import_set_row"}
        (entry,) = talk.rows("sys_transform_entry", "coalesce=true")
        assert (entry["source_field"], entry["target_field"]) == (KEY, KEY)
    with instance(hidden=("sys_dictionary",)) as talk:
        assert talk.client.get("/api/now/table/sys_dictionary").status_code == 403


def test_an_import_inserts_updates_and_ignores_by_the_coalesced_column() -> None:
    with instance() as talk:
        first = talk.import_one(**{KEY: "e1", "u_short_description": "One"})
        assert (first["status"], first["table"]) == ("inserted", "interaction")
        assert talk.import_one(**{KEY: "e1", "u_short_description": "Two"})["status"] == "updated"
        ignored = talk.import_one(**{KEY: "e1", "u_short_description": "Two"})
        assert (ignored["status"], ignored["status_message"]) == ("ignored", "No field values changed")
        assert ignored["sys_id"] == first["sys_id"]
        (row,) = talk.rows("interaction")
        assert row["short_description"] == "Two"
        assert talk.import_one(u_short_description="no key")["status"] == "skipped"
        assert talk.standin.violations == []


def test_a_row_that_fails_comes_with_a_success() -> None:
    with instance(faults=Faults(refuse_keys=("e1",))) as talk:
        result = talk.import_one(**{KEY: "e1"})
        assert result["status"] == "error"
        assert result["error_message"]
        assert talk.rows("interaction") == []


def test_without_coalesce_every_import_inserts() -> None:
    with instance(setup=Setup(coalesce=False, unique=False)) as talk:
        assert [talk.import_one(**{KEY: "e1"})["status"] for _ in range(2)] == ["inserted", "inserted"]
    with instance(setup=Setup(coalesce=False)) as talk:
        talk.import_one(**{KEY: "e1"})
        assert "Unique Key violation" in talk.import_one(**{KEY: "e1"})["error_message"]
    with instance(setup=Setup(transform=False)) as talk:
        assert talk.import_one(**{KEY: "e1"})["status"] == "error"
    with instance(setup=Setup(staging=False)) as talk:
        assert talk.client.post(f"/api/now/import/{STAGING}", json={KEY: "e1"}).status_code == 400


def test_empty_values_empty_the_target_only_where_the_map_copies_them() -> None:
    for copies, left in ((True, ""), (False, "Support")):
        with instance(setup=Setup(copy_empty_fields=copies)) as talk:
            talk.import_one(**{KEY: "e1", "u_zcc_queue": "Support"})
            talk.import_one(**{KEY: "e1", "u_zcc_queue": ""})
            assert talk.rows("interaction")[0]["u_zcc_queue"] == left


def test_values_that_are_no_text_become_what_the_platform_prints() -> None:
    with instance() as talk:
        body = json.dumps({KEY: "e1", "u_zcc_summary": {"a": [1, None, True]}, "u_zcc_queue": 5})
        talk.standin.options = CrmOptions()  # the definition would refuse it
        talk.client.post(f"/api/now/import/{STAGING}", content=body, headers={"Content-Type": "application/json"})
        (row,) = talk.rows("interaction")
        assert (row["u_zcc_summary"], row["u_zcc_queue"]) == ("{a=[1, , true]}", "5")


def test_a_reference_that_is_not_there_is_left_out_of_an_import() -> None:
    with instance() as talk:
        talk.import_one(**{KEY: "e1", "u_assigned_to": "0" * 32})
        assert talk.rows("interaction")[0]["assigned_to"] == ""


def test_many_rows_are_transformed_later_and_tell_in_the_staging_table_what_became_of_them() -> None:
    with instance(setup=Setup(insert_multiple="asynchronous_names"), import_polls=2) as talk:
        import_set = talk.import_many({KEY: "e1"}, {KEY: "e2"})
        query, fields = f"sys_import_set={import_set}", f"{KEY},sys_import_state,sys_target_sys_id"
        states = []
        for _ in range(3):
            rows = talk.rows(STAGING, query, sysparm_fields=fields)
            states.append({row["sys_import_state"] for row in rows})
        assert states == [{"pending"}, {"pending"}, {"inserted"}]
        assert {row["sys_target_sys_id"] for row in rows} == {row["sys_id"] for row in talk.rows("interaction")}
        assert talk.rows("sys_import_set", f"sys_id={import_set}")[0]["state"] == "processed"
        assert talk.standin.violations == []


def test_many_rows_are_transformed_at_once_where_that_is_configured() -> None:
    with instance(setup=Setup(insert_multiple="synchronous_names")) as talk:
        talk.import_many({KEY: "e1"}, {KEY: "e2"})
        assert len(talk.rows("interaction")) == 2


def test_many_rows_are_keyed_by_labels_unless_configured() -> None:
    with instance(import_polls=0) as talk:
        import_set = talk.import_many({KEY: "by name"}, {"ZCC engagement id": "by label"})
        states = [row["sys_import_state"] for row in talk.rows(STAGING, f"sys_import_set={import_set}")]
        assert states == ["skipped", "inserted"]


def test_a_batch_gives_each_request_its_own_status() -> None:
    with instance() as talk:
        answer = talk.batch(
            ("POST", f"/api/now/import/{STAGING}", {KEY: "e1"}),
            ("GET", f"/api/now/table/interaction?sysparm_query={KEY}=e1&sysparm_fields={KEY}", None),
            ("GET", "/api/now/table/u_nowhere", None),
        )
        assert [each["status_code"] for each in answer["serviced_requests"]] == [201, 200, 400]
        listed = json.loads(base64.b64decode(answer["serviced_requests"][1]["body"]))
        assert listed == {"result": [{KEY: "e1"}]}
        assert (answer["batch_request_id"], answer["unserviced_requests"]) == ("7", [])
        assert talk.standin.counters.api_calls == 1
        assert talk.standin.violations == []


def test_what_a_batch_does_not_get_to_in_half_a_minute_is_unserviced() -> None:
    with instance(batch_seconds_each=10) as talk:
        requests = [("POST", "/api/now/table/interaction", {KEY: f"e{number}"}) for number in range(5)]
        answer = talk.batch(*requests)
        assert [each["id"] for each in answer["serviced_requests"]] == ["0", "1", "2"]
        assert answer["unserviced_requests"] == ["3", "4"]
        assert len(talk.rows("interaction")) == 3


def test_files_hang_on_records_and_the_same_name_twice_is_two_files() -> None:
    with instance() as talk:
        sys_id = talk.insert("interaction").json()["result"]["sys_id"]
        assert talk.attach(sys_id, "a.txt", b"one").status_code == 201
        assert talk.attach(sys_id, "a.txt", b"one").status_code == 201
        listed = talk.client.get("/api/now/attachment", params={"sysparm_query": f"table_sys_id={sys_id}"})
        files = listed.json()["result"]
        assert [file["file_name"] for file in files] == ["a.txt", "a.txt"]
        assert talk.client.get(f"/api/now/attachment/{files[0]['sys_id']}/file").content == b"one"
        assert talk.attach(sys_id, "a.exe", b"one").status_code == 403
        assert talk.attach("0" * 32, "a.txt", b"one").status_code == 404
        assert talk.standin.violations == []


def test_a_rate_limit_rule_says_when_it_is_over() -> None:
    now = datetime(2026, 11, 22, 10, tzinfo=UTC)
    standin = make(CrmOptions(limits={"api": Limit(2, 3600)}, clock=lambda: now, monotonic=lambda: 0.0))
    with running(standin) as served, httpx.Client(base_url=served.url, trust_env=False, auth=("u", "p")) as client:
        answers = [client.get("/api/now/table/interaction") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[2].headers["retry-after"] == "3600"
        assert answers[2].headers["x-ratelimit-limit"] == "2"
        assert answers[2].json() == {
            "error": {"message": "Rate limit exceeded", "detail": "Rejected by a rate limit rule"},
            "status": "failure",
        }


def test_scripts_and_broken_queries_are_refused() -> None:
    with instance() as talk:
        for query in ("email=javascript:gs.getUser()", "^^^"):
            answer = talk.client.get("/api/now/table/sys_user", params={"sysparm_query": query})
            assert answer.status_code in (400, 403)


def test_bodies_that_are_no_objects_and_paths_that_lead_nowhere_are_refused() -> None:
    with instance() as talk:
        talk.standin.options = CrmOptions()
        headers = {"Content-Type": "application/json"}
        assert talk.client.post("/api/now/table/interaction", content=b"[", headers=headers).status_code == 400
        assert talk.client.get("/api/now/nowhere").status_code == 400
        assert talk.client.delete("/api/now/v1/batch").status_code == 405
        assert talk.client.post("/api/now/v1/batch", json={"rest_requests": []}).status_code == 400


@pytest.mark.parametrize("path", ["/api/now/table/interaction", f"/api/now/import/{STAGING}"])
def test_a_write_may_be_carried_out_and_never_answered(path: str) -> None:
    with instance(faults=Faults(timeout_after_commit=(1,))) as talk:
        with pytest.raises(httpx.TransportError):
            talk.client.post(path, json={KEY: "e1"})
        assert len(talk.rows("interaction")) == 1
