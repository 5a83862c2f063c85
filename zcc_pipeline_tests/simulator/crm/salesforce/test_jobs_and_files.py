"""Bulk jobs and files of the stand-in."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Iterator

import httpx
import pytest

from zcc_pipeline_tests.simulator.crm.salesforce.org import DATA, KEY, OBJECT, Org, org, row

JOBS = f"{DATA}/jobs/ingest"


@pytest.fixture
def there() -> Iterator[Org]:
    with org() as running:
        yield running
        assert running.standin.violations == []


def open_job(there: Org, file: str) -> str:
    body = {
        "object": OBJECT,
        "operation": "upsert",
        "externalIdFieldName": KEY,
        "contentType": "CSV",
        "lineEnding": "LF",
    }
    job = there.client.post(JOBS, json=body).json()
    assert job["state"] == "Open"
    put = there.client.put(f"{JOBS}/{job['id']}/batches", content=file.encode(), headers={"Content-Type": "text/csv"})
    assert put.status_code == 201
    return str(job["id"])


def start(there: Org, job_id: str) -> None:
    assert there.client.patch(f"{JOBS}/{job_id}", json={"state": "UploadComplete"}).status_code == 200


def states(there: Org, job_id: str) -> list[str]:
    return [there.client.get(f"{JOBS}/{job_id}").json()["state"] for _ in range(4)]


def lines(there: Org, job_id: str, kind: str) -> list[dict[str, str]]:
    answer = there.client.get(f"{JOBS}/{job_id}/{kind}")
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_a_job_progresses_while_it_is_watched_and_answers_for_each_row(there: Org) -> None:
    there.upsert(row("old", Subject__c="before", Notes__c="kept", Queue__c="emptied"))
    file = (
        f"{KEY},Subject__c,Notes__c,Queue__c,Answered__c,Duration_Seconds__c\n"
        '"old","a ""quoted"" line\nand another",,#N/A,true,12\n'
        f'"long",{"x" * 256},,,,\n'
        '"new","n",,,false,0.0\n'
        '"odd","n",,,perhaps,\n'
    )
    job_id = open_job(there, file)
    start(there, job_id)
    assert states(there, job_id) == ["InProgress", "InProgress", "JobComplete", "JobComplete"]
    done = lines(there, job_id, "successfulResults")
    assert [(each[KEY], each["sf__Created"]) for each in done] == [("old", "false"), ("new", "true")]
    failed = lines(there, job_id, "failedResults")
    assert [(each[KEY], each["sf__Error"].partition(":")[0]) for each in failed] == [
        ("long", "STRING_TOO_LONG"),
        ("odd", "INVALID_TYPE_ON_FIELD_IN_RECORD"),
    ]
    old = there.engagements()["old"]
    assert (old["Subject__c"], old["Notes__c"], old["Queue__c"]) == ('a "quoted" line\nand another', "kept", None)
    assert (old["Answered__c"], old["Duration_Seconds__c"]) == (True, 12)


def test_a_field_of_more_than_32000_characters_is_more_than_a_job_takes(there: Org) -> None:
    job_id = open_job(there, f"{KEY},Transcript__c\na,{'x' * 32_001}\nb,{'x' * 32_000}\n")
    start(there, job_id)
    states(there, job_id)
    assert [each[KEY] for each in lines(there, job_id, "failedResults")] == ["a"]


def test_a_job_takes_one_file_and_nothing_once_it_has_begun(there: Org) -> None:
    job_id = open_job(there, f"{KEY}\na\n")
    again = there.client.put(f"{JOBS}/{job_id}/batches", content=b"x", headers={"Content-Type": "text/csv"})
    assert (again.status_code, again.json()[0]["errorCode"]) == (400, "INVALIDJOBSTATE")
    start(there, job_id)
    assert there.client.patch(f"{JOBS}/{job_id}", json={"state": "UploadComplete"}).status_code == 400


def test_a_job_that_is_given_up_or_never_begun_does_nothing(there: Org) -> None:
    job_id = open_job(there, f"{KEY}\na\n")
    assert states(there, job_id) == ["Open"] * 4
    assert there.client.patch(f"{JOBS}/{job_id}", json={"state": "Aborted"}).json()["state"] == "Aborted"
    assert there.engagements() == {}


def test_a_job_that_fails_halfway_says_what_it_did_not_look_at(there: Org) -> None:
    there.command("fail-jobs", after=1)
    job_id = open_job(there, f"{KEY}\na\nb\nc\n")
    start(there, job_id)
    assert states(there, job_id)[-1] == "Failed"
    assert [each[KEY] for each in lines(there, job_id, "unprocessedrecords")] == ["b", "c"]
    assert set(there.engagements()) == {"a"}


def test_a_job_with_a_column_that_is_no_field_fails_whole(there: Org) -> None:
    job_id = open_job(there, f"{KEY},Nothing__c\na,b\n")
    start(there, job_id)
    assert states(there, job_id)[-1] == "Failed"
    assert there.engagements() == {}


def upload(there: Org, described: str, content: bytes = b"hello") -> httpx.Response:
    return there.client.post(
        f"{DATA}/sobjects/ContentVersion",
        files={
            "entity_content": (None, described, "application/json"),
            "VersionData": ("a.txt", content, "text/plain"),
        },
    )


def test_a_file_becomes_a_document_that_is_linked_to_its_record_and_each_upload_another_one(there: Org) -> None:
    record_id = there.upsert(row("a")).json()[0]["id"]
    described = f'{{"Title": "Call", "PathOnClient": "call.txt", "FirstPublishLocationId": "{record_id}"}}'
    assert [upload(there, described).status_code for _ in range(2)] == [201, 201]
    found = there.query(
        "SELECT LinkedEntityId, ContentDocument.Title, ContentDocument.ContentSize FROM ContentDocumentLink "
        f"WHERE LinkedEntityId IN ('{record_id}')"
    ).json()["records"]
    assert [(each["ContentDocument"]["Title"], each["ContentDocument"]["ContentSize"]) for each in found] == [
        ("Call", 5)
    ] * 2


def test_a_small_file_may_come_as_base64(there: Org) -> None:
    body = {"PathOnClient": "folder/call.txt", "VersionData": base64.b64encode(b"hello").decode()}
    answer = there.client.post(f"{DATA}/sobjects/ContentVersion", json=body)
    assert answer.status_code == 201
    assert there.standin.files.contents[answer.json()["id"]] == b"hello"
    assert there.standin.records()["ContentVersion"][0]["Title"] == "call.txt"


def test_a_file_for_a_record_that_is_not_there_is_refused(there: Org) -> None:
    answer = upload(there, '{"PathOnClient": "a.txt", "FirstPublishLocationId": "a0Z000000000009AAA"}')
    assert answer.json()[0]["errorCode"] == "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"
    assert there.standin.records()["ContentDocument"] == []
