"""Files that are attached once, and tasks beside the records."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from zcc_pipeline.exports.destination import Attachment, Customer
from zcc_pipeline.exports.mapping import CrmMapping
from zcc_pipeline.exports.outcomes import Status
from zcc_pipeline.exports.salesforce import SalesforceDestination
from zcc_pipeline_tests.integration.exports.salesforce.org import (
    Org,
    addressed,
    log,
    org,
    organisation,
    salesforce_mapping,
)

pytestmark = pytest.mark.integration

__all__ = ["organisation"]


class Stored:
    """A file store with one file; ``missing`` bytes are gone (or, below zero, too many)."""

    def __init__(self, content: bytes = b"hello", *, missing: int = 0) -> None:
        self.content, self.missing = content, missing

    async def read(self, path: str) -> AsyncIterator[bytes]:
        kept = (self.content + b"y" * 10)[: len(self.content) - self.missing]
        for start in range(0, len(kept), 1_000):
            yield kept[start : start + 1_000]


def attachment(name: str = "recording-1.mp3", files: Stored | None = None) -> Attachment:
    files = files or Stored()
    return Attachment(
        key=f"file:recording:{name}:0123456789ab",
        file_name=name,
        media_type="audio/mpeg",
        size_bytes=len(files.content),
        path=f"recordings/{name}",
        files=files,
    )


def names(there: Org) -> list[str]:
    held = there.standin.records()
    linked = {link["ContentDocumentId"] for link in held["ContentDocumentLink"]}
    return [each["PathOnClient"] for each in held["ContentVersion"] if each["ContentDocumentId"] in linked]


def test_files_arrive_whole_linked_and_written_down_before_and_after(organisation: Org) -> None:
    content = bytes(range(256)) * 100
    files = (attachment(files=Stored(content)), attachment('voice"mail \r\n–1.mp3'))
    kept = log()
    outcomes = organisation.write([addressed("e1", attachments=files)], kept)
    assert outcomes["e1"].status is Status.CREATED
    assert content in organisation.standin.files.contents.values()
    assert names(organisation) == [each.file_name for each in files]
    assert [each[0] for each in kept.pieces] == ["begun", "done"] * 2
    assert [each[2] for each in kept.pieces[::2]] == [each.key for each in files]


def test_what_is_there_for_certain_is_not_sent_and_not_looked_for(organisation: Org) -> None:
    file = attachment()
    organisation.write([addressed("e1", attachments=(file,), written=frozenset({file.key}))])
    assert names(organisation) == []
    assert organisation.calls("query") == 0


def test_an_upload_whose_answer_was_lost_is_found_and_not_sent_again(organisation: Org) -> None:
    file = attachment()
    organisation.faults(timeout_after_commit=[2])
    kept = log()
    outcomes = organisation.write([addressed("e1", attachments=(file,))], kept)
    assert (outcomes["e1"].status, outcomes["e1"].code) == (Status.UNKNOWN, "FILE_UNKNOWN")
    assert [each[0] for each in kept.pieces] == ["begun"]
    kept = log()
    remote = outcomes["e1"].remote
    outcomes = organisation.write(
        [addressed("e1", attachments=(file,), remote=remote, unsure=frozenset({file.key}))], kept
    )
    assert outcomes["e1"].status is Status.UPDATED
    assert [each[0] for each in kept.pieces] == ["done"]
    assert names(organisation) == [file.file_name]


def test_an_upload_that_never_arrived_is_sent_after_it_was_looked_for(organisation: Org) -> None:
    file = attachment()
    organisation.faults(timeout_before_commit=[2])
    outcomes = organisation.write([addressed("e1", attachments=(file,))])
    assert outcomes["e1"].status is Status.UNKNOWN
    again = addressed("e1", attachments=(file,), remote=outcomes["e1"].remote, unsure=frozenset({file.key}))
    organisation.write([again])
    assert names(organisation) == [file.file_name]


def test_a_ledger_that_was_lost_makes_no_second_copy(organisation: Org) -> None:
    files = (attachment(), attachment("voicemail-1.mp3"))
    for _ in range(2):
        organisation.write([addressed("e1", attachments=files), addressed("e2", attachments=files[:1])])
    assert sorted(names(organisation)) == ["recording-1.mp3", "recording-1.mp3", "voicemail-1.mp3"]
    assert organisation.calls("query") == 1


def test_two_files_of_one_name_are_told_apart_by_their_keys(organisation: Org) -> None:
    one = attachment()
    other = replace(attachment(files=Stored(b"other bytes")), key="file:recording:2:ba9876543210")
    organisation.write([addressed("e1", attachments=(one,))])
    organisation.write([addressed("e1", attachments=(one, other))])
    assert len(names(organisation)) == 2


@pytest.mark.parametrize("missing", [10, -10])
def test_a_file_that_the_store_cannot_hand_out_as_it_was_refuses_its_record_only(
    organisation: Org, missing: int
) -> None:
    broken = attachment(files=Stored(b"x" * 5_000, missing=10))
    outcomes = organisation.write(
        [addressed("e1", attachments=(broken,)), addressed("e2", attachments=(attachment(),))]
    )
    assert outcomes["e2"].status is Status.CREATED
    assert outcomes["e1"].status is not Status.CREATED
    assert outcomes["e1"].remote is not None
    assert names(organisation) == ["recording-1.mp3"]


def test_files_of_a_refused_record_are_not_sent(organisation: Org) -> None:
    organisation.faults(refuse_keys=["e1"])
    organisation.write([addressed("e1", attachments=(attachment(),))])
    assert organisation.counts("ContentVersion") == 0


@pytest.fixture
def with_tasks() -> Iterator[Org]:
    with org(with_task_key=True) as running:
        running.mapping = mapping_with_tasks()
        yield running


def mapping_with_tasks() -> CrmMapping:
    return salesforce_mapping(task="{copy: {Subject: Subject__c, CallDisposition: Dispositions__c}}")


def test_a_task_stands_beside_each_record_once(with_tasks: Org) -> None:
    contact = with_tasks.standin.records()["Contact"][0]["Id"]
    for subject in ("first", "second"):
        with_tasks.write([addressed("e1", customer=Customer("Contact", contact), Subject__c=subject), addressed("e2")])
    tasks = {each["Engagement_Id__c"]: each for each in with_tasks.standin.records()["Task"]}
    assert len(tasks) == with_tasks.counts("Task") == 2
    assert (tasks["e1"]["Subject"], tasks["e1"]["WhoId"], tasks["e1"]["Status"]) == ("second", contact, "Completed")
    assert tasks["e1"]["WhatId"] == with_tasks.engagements()["e1"]["Id"]
    assert tasks["e1"]["ActivityDate"] == "2026-11-01"


def test_a_task_that_is_refused_is_told_of_and_its_record_stays(with_tasks: Org) -> None:
    with_tasks.command("fields", object="Task", change=[{"name": "Subject", "length": 255, "type": "email"}])
    outcomes = with_tasks.write([addressed("e1")])
    assert (outcomes["e1"].status, outcomes["e1"].code) == (Status.FAILED_PERMANENT, "INVALID_EMAIL_ADDRESS")
    assert outcomes["e1"].remote is not None
    assert set(with_tasks.engagements()) == {"e1"}


def test_an_org_without_a_key_on_activities_is_told_so_before_anything_is_sent(organisation: Org) -> None:
    organisation.mapping = mapping_with_tasks()

    async def story(destination: SalesforceDestination) -> list[str]:
        return [each.problem for each in await destination.validate()]

    assert "tasks are not written" in organisation.tell(story)[0]
