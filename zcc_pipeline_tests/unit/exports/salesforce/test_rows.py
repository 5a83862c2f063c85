"""Rows as Salesforce takes them."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.exports.destination import Addressed, Customer, Outgoing
from zcc_pipeline.exports.salesforce import rows as module
from zcc_pipeline.exports.salesforce.metadata import ObjectInfo, read_describe
from zcc_pipeline.exports.salesforce.options import SalesforceOptions, TaskOptions
from zcc_pipeline.exports.salesforce.rows import calls_of, csv_files, enriching_row, fits_bulk, record_row, task_row
from zcc_pipeline.simulator.crm.salesforce.schema import default_org

ORG = {name: read_describe(spec.describe()) for name, spec in default_org(with_task_key=True).items()}
INFO: ObjectInfo = ORG["Contact_Center_Engagement__c"]
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=40).map(lambda text: text.replace("\x00", ""))


def addressed(**changes: Any) -> Addressed:
    outgoing = Outgoing(
        engagement_id="e1",
        target="engagement",
        object=INFO.name,
        key_field="Engagement_Id__c",
        fields={"Subject__c": "Call", "Answered__c": None, "Notes__c": None, "Duration_Seconds__c": 61},
        keys=None,
        customer_name=None,
        owner_email=None,
        entries=(),
        attachments=(),
        started_at=datetime(2026, 11, 1, 23, 30, tzinfo=UTC),
        is_deleted_at_source=False,
    )
    return replace(Addressed(outgoing, None, None, None, outgoing.fields), **changes)


def test_a_row_has_its_key_and_a_checkbox_knows_no_emptiness() -> None:
    assert record_row(addressed(), SalesforceOptions(), INFO) == {
        "Subject__c": "Call",
        "Answered__c": False,
        "Notes__c": None,
        "Duration_Seconds__c": 61,
        "Engagement_Id__c": "e1",
    }


def test_a_customer_is_linked_by_kind_and_one_who_is_not_found_empties_no_link() -> None:
    options = SalesforceOptions(lead_field=None)
    row = record_row(addressed(customer=Customer("Contact", "003"), owner_id="005"), options, INFO)
    assert (row["Contact__c"], row["OwnerId"]) == ("003", "005")
    assert "Lead__c" not in record_row(addressed(customer=Customer("Lead", "00Q")), options, INFO)
    assert not {"Contact__c", "Lead__c", "OwnerId"} & record_row(addressed(), SalesforceOptions(), INFO).keys()


def test_another_programs_record_gets_the_enriching_fields_alone() -> None:
    assert enriching_row(addressed(fields={"Description": "x"}), "00T1", None) == {"Description": "x", "id": "00T1"}


def test_a_leads_task_is_about_the_lead_only() -> None:
    task, info = TaskOptions(), ORG["Task"]
    row = task_row(addressed(customer=Customer("Contact", "003")), task, "a0Z1", info)
    assert (row["WhoId"], row["WhatId"], row["ActivityDate"]) == ("003", "a0Z1", "2026-11-01")
    assert (row["Subject"], row["CallDurationInSeconds"], row["Status"]) == ("Call", 61, "Completed")
    assert row["Engagement_Id__c"] == "e1"
    assert "WhatId" not in task_row(addressed(customer=Customer("Lead", "00Q")), task, "a0Z1", info)


def test_a_tasks_text_is_cut_to_its_field() -> None:
    row = task_row(addressed(fields={"Subject__c": "x" * 300}), TaskOptions(), "a0Z1", ORG["Task"])
    assert len(row["Subject"]) == 255


def test_transcripts_and_over_long_rows_never_go_through_bulk() -> None:
    assert fits_bulk({"Subject__c": "x", "Notes__c": "y" * 32_000, "Transcript__c": None}, INFO)
    assert not fits_bulk({"Transcript__c": "short"}, INFO)
    assert not fits_bulk({"Notes__c": "y" * 32_001}, INFO)
    assert not fits_bulk({"Notes__c": "😀" * 16_001}, INFO)
    assert not fits_bulk({f"F{number}__c": "y" * 32_000 for number in range(13)}, INFO)


def test_a_text_that_reads_as_the_sign_for_emptiness_does_not_go_through_bulk() -> None:
    assert not fits_bulk({"Subject__c": "#N/A"}, INFO)


def read(file: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.decode(), newline=""), strict=True))


@given(st.lists(st.dictionaries(st.sampled_from(["A__c", "B__c"]), TEXT | st.none() | st.booleans()), max_size=8))
def test_a_csv_file_says_what_its_rows_say(given_rows: list[dict[str, Any]]) -> None:
    rows = [(f"e{number}", {**row, "K__c": f"e{number}"}) for number, row in enumerate(given_rows)]
    found = [line for _, file in csv_files(rows, "K__c") for line in read(file)]
    assert [line["K__c"] for line in found] == [engagement_id for engagement_id, _ in rows]
    for (_, row), line in zip(rows, found, strict=True):
        for name in set(line) - {"K__c"}:
            value = row.get(name)
            expected = "" if name not in row else "#N/A" if value in (None, "") else value
            assert line[name] == (str(expected).lower() if isinstance(expected, bool) else expected)


@given(st.lists(st.integers(min_value=0, max_value=9_000_000), max_size=20))
def test_a_call_has_two_hundred_rows_or_so_many_characters_and_no_row_is_lost(sizes: list[int]) -> None:
    texts = {size: "x" * size for size in sizes}
    rows = [(f"e{number}", {"A__c": texts[size], "B__c": None}) for number, size in enumerate(sizes)]
    calls = list(calls_of(rows))
    assert [row for call in calls for row in call] == rows
    assert all(len(call) == 1 or sum(len(row["A__c"]) for _, row in call) <= 8_000_000 for call in calls)


def test_two_hundred_rows_fill_a_call() -> None:
    rows: list[tuple[str, dict[str, Any]]] = [(f"e{number}", {}) for number in range(401)]
    assert [len(call) for call in calls_of(rows)] == [200, 200, 1]
    assert list(calls_of([])) == []


def test_files_are_cut_before_they_are_too_large(monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "LARGEST_FILE", 100)
    rows = [(f"e{number}", {"K__c": f"e{number}", "A__c": "x" * 30}) for number in range(5)]
    files = list(csv_files(rows, "K__c"))
    assert [ids for ids, _ in files] == [["e0", "e1"], ["e2", "e3"], ["e4"]]
    assert all(len(file) <= 100 for _, file in files)
