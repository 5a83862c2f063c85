"""Around the rows: tokens, limits, batches, definitions, files, and writes that are never answered."""

from __future__ import annotations

import base64
import uuid

import httpx
import pytest

from zcc_pipeline.simulator.crm.base import Credentials, Faults, Limit
from zcc_pipeline_tests.simulator.crm.dynamics.organisation import API, GRANT, code_of, organisation, statuses

pytestmark = pytest.mark.integration

LABEL = {"LocalizedLabels": [{"Label": "Thing", "LanguageCode": 1033}]}


def test_tokens_are_for_the_right_secret_and_scope_and_die():
    with organisation(credentials=Credentials("app", "secret")) as org:
        ask = lambda **more: org.http.post("/t/oauth2/v2.0/token", data={**GRANT, **more})  # noqa: E731
        assert ask(scope=f"{org.running.url}/.default", client_secret="wrong").json()["error"] == "invalid_client"
        assert ask(scope="openid").status_code == 400
        assert org.call("GET", "WhoAmI").status_code == 200
        org.standin.tokens.revoke_all()
        dead = org.call("GET", "WhoAmI")
        assert (dead.status_code, "WWW-Authenticate" in dead.headers) == (401, True)


def test_an_app_that_is_no_application_user_is_let_in_nowhere():
    with organisation(settings={"is_member": False}) as org:
        assert code_of(org.call("GET", "WhoAmI")) == "0x80072560"


def test_each_of_the_three_limits_has_its_code_and_says_how_long_to_wait():
    with organisation(limits={"api": Limit(2, 300)}) as org:
        org.call("GET", "WhoAmI")
        assert org.call("GET", "WhoAmI").headers["x-ms-ratelimit-burst-remaining-xrm-requests"] == "0"
        window = org.call("GET", "WhoAmI")
        assert (window.status_code, code_of(window)) == (429, "0x80072322")
        assert 290 <= int(window.headers["Retry-After"]) <= 300
        org.standin.set_faults(Faults(storm_429=1, retry_after_seconds=3))
        storm = org.call("GET", "WhoAmI")
        assert (code_of(storm), storm.headers["Retry-After"]) == ("0x80072321", "3")
    with organisation(calls_at_once=1) as org:
        org.standin.limits.in_flight += 1
        assert code_of(org.call("GET", "WhoAmI")) == "0x80072326"


def test_a_batch_answers_each_request_in_its_place():
    with organisation() as org:
        answer = org.batch(
            ("PATCH", "zcc_engagements(zcc_zoomengagementid='e1')", {"zcc_name": "a"}),
            ("PATCH", "zcc_engagements(zcc_zoomengagementid='e2')", {"zcc_name": "x" * 301}),
            ("GET", "contacts?$select=contactid&$filter=emailaddress1%20eq%20'x'", None),
            Prefer="odata.continue-on-error",
        )
        assert (answer.status_code, statuses(answer)) == (200, [204, 400, 200])
        assert len(org.rows("zcc_engagement")) == 1


def test_a_batch_stops_at_the_first_error_unless_told_otherwise():
    with organisation() as org:
        answer = org.batch(
            ("PATCH", "zcc_engagements(zcc_zoomengagementid='e1')", {}),
            ("PATCH", "zcc_engagements(zcc_zoomengagementid='e2')", {"zcc_nothing": 1}),
            ("PATCH", "zcc_engagements(zcc_zoomengagementid='e3')", {}),
        )
        assert (answer.status_code, statuses(answer)) == (400, [204, 400])


def test_a_batch_has_a_thousand_operations_at_most_and_crlf_at_the_end_of_its_lines():
    with organisation() as org:
        many = org.batch(*[("GET", "WhoAmI", None)] * 1_001)
        assert many.status_code == 400
        bare = b"--b\nContent-Type: application/http\n\nGET /x HTTP/1.1\n\n--b--\n"
        headers = {"Content-Type": "multipart/mixed; boundary=b"}
        assert org.http.post(f"{API}/$batch", content=bare, headers=headers).status_code == 400


def test_a_change_set_is_all_or_nothing():
    with organisation() as org:
        inner = "".join(
            f"--c\r\nContent-Type: application/http\r\nContent-ID: {number}\r\n\r\n"
            f"PATCH {API}/zcc_engagements(zcc_zoomengagementid='e{number}') HTTP/1.1\r\n"
            f"Content-Type: application/json\r\n\r\n{body}\r\n"
            for number, body in enumerate(['{"zcc_name":"a"}', '{"zcc_nothing":1}'])
        )
        content = f"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n{inner}--c--\r\n\r\n--b--\r\n"
        headers = {"Content-Type": "multipart/mixed; boundary=b"}
        answer = org.http.post(f"{API}/$batch", content=content.encode(), headers=headers)
        assert statuses(answer) == [400]
        assert org.rows("zcc_engagement") == []


def test_a_table_made_by_api_takes_rows_once_its_key_is_active():
    seconds = [0.0]
    settings = {"is_provisioned": False, "index_seconds": 60}
    with organisation(settings=settings, monotonic=lambda: seconds[0], token_seconds=1e9) as org:
        column = {
            "@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata",
            "SchemaName": "zcc_Name",
            "MaxLength": 50,
            "IsPrimaryName": True,
        }
        thing = {"SchemaName": "zcc_Thing", "DisplayName": LABEL, "HasNotes": True, "Attributes": [column]}
        assert org.call("POST", "EntityDefinitions", thing).status_code == 400, "nobody owns the prefix yet"
        org.call("POST", "publishers", {"uniquename": "zcc", "friendlyname": "z", "customizationprefix": "zcc"})
        assert org.call("POST", "EntityDefinitions", thing).status_code == 204
        where = "EntityDefinitions(LogicalName='zcc_thing')"
        org.call("POST", f"{where}/Attributes", {**column, "SchemaName": "zcc_Code", "IsPrimaryName": False})
        org.call("POST", f"{where}/Keys", {"SchemaName": "zcc_CodeKey", "KeyAttributes": ["zcc_code"]})
        keys = org.call("GET", f"{where}/Keys?$select=KeyAttributes,EntityKeyIndexStatus").json()["value"]
        assert keys == [{"KeyAttributes": ["zcc_code"], "EntityKeyIndexStatus": "Pending"}]
        assert org.call("PATCH", "zcc_things(zcc_code='a')", {}).status_code == 400
        seconds[0] = 61
        assert org.call("PATCH", "zcc_things(zcc_code='a')", {}).status_code == 204
        shown = org.call("GET", f"{where}?$select=EntitySetName,PrimaryIdAttribute,PrimaryNameAttribute").json()
        assert shown["PrimaryIdAttribute"] == "zcc_thingid"
        cast = f"{where}/Attributes/Microsoft.Dynamics.CRM.StringAttributeMetadata?$select=LogicalName,MaxLength"
        lengths = {each["LogicalName"]: each["MaxLength"] for each in org.call("GET", cast).json()["value"]}
        assert lengths["zcc_name"] == 50
        assert org.call("GET", f"{where}/Attributes?$select=MaxLength").status_code == 400
        assert '<EntityType Name="zcc_thing">' in org.call("GET", "$metadata").text


def test_definitions_cannot_be_made_without_the_privilege():
    with organisation(settings={"may_customize": False}) as org:
        assert org.call("POST", "EntityDefinitions", {"SchemaName": "new_X"}).status_code == 403


def test_a_large_file_comes_in_blocks_and_a_too_large_one_not_at_all():
    with organisation(settings={"largest_file": 9_000_000}) as org:
        note = str(uuid.uuid4())
        target = {
            "annotationid": note,
            "@odata.type": "Microsoft.Dynamics.CRM.annotation",
            "filename": "a.bin",
            "mimetype": "application/octet-stream",
        }
        parts = [b"a" * 4_194_304, b"b" * 1_000]
        token = org.call("POST", "InitializeAnnotationBlocksUpload", {"Target": target}).json()["FileContinuationToken"]
        ids = [base64.b64encode(b"%08d" % number).decode() for number in range(2)]
        for block_id, data in zip(ids, parts, strict=True):
            block = {"BlockId": block_id, "BlockData": base64.b64encode(data).decode(), "FileContinuationToken": token}
            assert org.call("POST", "UploadBlock", block).status_code == 204
        commit = {"Target": target, "FileContinuationToken": token}
        assert org.call("POST", "CommitAnnotationBlocksUpload", {**commit, "BlockList": ids[:1]}).status_code == 400
        done = org.call("POST", "CommitAnnotationBlocksUpload", {**commit, "BlockList": ids})
        assert done.json() == {"AnnotationId": note, "FileSizeInBytes": 4_195_304}
        assert base64.b64decode(org.rows("annotation")[0]["documentbody"]) == b"".join(parts)
        too_large = {"documentbody": base64.b64encode(b"x" * 9_000_001).decode(), "filename": "x"}
        assert org.call("PATCH", f"annotations({uuid.uuid4()})", too_large).status_code == 400


def test_a_write_can_be_carried_out_and_never_answered():
    with organisation(faults=Faults(timeout_after_commit=(1,))) as org:
        with pytest.raises(httpx.HTTPError):
            org.upsert("e1", {"zcc_name": "a"})
        assert [row["zcc_name"] for row in org.rows("zcc_engagement")] == ["a"]


def test_requests_that_the_definition_calls_wrong_are_refused_in_batches_too():
    with organisation() as org:
        answer = org.batch(
            ("PATCH", f"phonecalls({uuid.uuid4()})", {"subject": "x" * 201}), Prefer="odata.continue-on-error"
        )
        assert statuses(answer) == [400]
        assert len(org.standin.violations) == 1
