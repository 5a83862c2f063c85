"""Rows in a Salesforce org: created, updated, refused one by one or together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.simulator.crm.base import CrmOptions, Faults
from zcc_pipeline.simulator.crm.base.answers import RefusedError
from zcc_pipeline.simulator.crm.salesforce import make
from zcc_pipeline_tests.simulator.crm.salesforce.org import DATA, KEY, OBJECT, Org, org, row


@pytest.fixture
def there() -> Iterator[Org]:
    with org() as running:
        yield running
        assert running.standin.violations == []


def codes(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [each["errors"][0]["statusCode"] if each["errors"] else "ok" for each in answer.json()]


def test_a_collection_creates_what_is_new_and_updates_what_is_there_in_the_order_of_its_rows(there: Org) -> None:
    there.upsert(row("b", Subject__c="old"))
    results = there.upsert(row("a", Subject__c="A"), row("b", Subject__c="B")).json()
    assert [each["created"] for each in results] == [True, False]
    held = there.engagements()
    assert [held[key]["Subject__c"] for key in ("a", "b")] == ["A", "B"]
    assert [held[key]["Id"] for key in ("a", "b")] == [each["id"] for each in results]


def test_keys_that_differ_by_case_alone_are_two_records(there: Org) -> None:
    assert codes(there.upsert(row("AbC"), row("abc"))) == ["ok", "ok"]
    assert set(there.engagements()) == {"AbC", "abc"}


def test_each_row_is_refused_for_its_own_reason_and_the_others_are_written(there: Org) -> None:
    answer = there.upsert(
        row("long", Subject__c="x" * 256),
        row("good", Subject__c="x" * 255),
        row("", Subject__c="no key"),
        row("nobody", Contact__c="003000000000999AAA"),
        row("text", Contact__c="not an id"),
        row("unticked", Answered__c=None),
        row("huge", Duration_Seconds__c=10**9),
    )
    assert codes(answer) == [
        "STRING_TOO_LONG",
        "ok",
        "MISSING_ARGUMENT",
        "INVALID_CROSS_REFERENCE_KEY",
        "MALFORMED_ID",
        "INVALID_TYPE_ON_FIELD_IN_RECORD",
        "NUMBER_OUTSIDE_VALID_RANGE",
    ]
    assert set(there.engagements()) == {"good"}


def test_a_character_outside_the_basic_plane_counts_twice(there: Org) -> None:
    assert codes(there.upsert(row("a", Subject__c="😀" * 127), row("b", Subject__c="😀" * 128))) == [
        "ok",
        "STRING_TOO_LONG",
    ]


def test_the_same_key_twice_in_a_call_fails_both(there: Org) -> None:
    assert codes(there.upsert(row("a"), row("b"), row("a"))) == ["DUPLICATE_VALUE", "ok", "DUPLICATE_VALUE"]
    assert set(there.engagements()) == {"b"}


def test_all_or_none_takes_back_what_went_well(there: Org) -> None:
    there.upsert(row("old", Subject__c="before"))
    answer = there.upsert(
        row("old", Subject__c="after"), row("new"), row("bad", Subject__c="x" * 256), all_or_none=True
    )
    assert codes(answer) == ["ALL_OR_NONE_OPERATION_ROLLED_BACK"] * 2 + ["STRING_TOO_LONG"]
    assert {key: each["Subject__c"] for key, each in there.engagements().items()} == {"old": "before"}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"Nothing__c": 1}, "INVALID_FIELD"),
        ({"Started_At__c": "yesterday"}, "JSON_PARSER_ERROR"),
        ({"Duration_Seconds__c": "12"}, "JSON_PARSER_ERROR"),
        ({"Subject__c": 12}, "JSON_PARSER_ERROR"),
    ],
)
def test_a_row_that_cannot_be_read_refuses_the_whole_call(there: Org, fields: dict[str, object], code: str) -> None:
    answer = there.upsert(row("good"), row("bad", **fields))
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)
    assert there.engagements() == {}


def test_a_collection_has_two_hundred_rows_at_most() -> None:
    with org() as there:
        assert there.upsert(*(row(f"e{number}") for number in range(201))).status_code == 400
        assert there.upsert(*(row(f"e{number}") for number in range(200))).status_code == 200


def test_an_unknown_object_or_key_is_not_found(there: Org) -> None:
    assert there.upsert(row("a"), source="Nothing__c").status_code == 404
    body = {"records": [{"attributes": {"type": OBJECT}, "Subject__c": "a"}]}
    answer = there.client.patch(f"{DATA}/composite/sobjects/{OBJECT}/Subject__c", json=body)
    assert answer.status_code == 404


def test_one_row_is_created_with_201_updated_with_200_and_ambiguous_with_300(there: Org) -> None:
    address = f"{DATA}/sobjects/{OBJECT}/{KEY}/a%2Fb"
    assert there.client.patch(address, json={"Subject__c": "one"}).status_code == 201
    assert there.client.patch(address, json={"Subject__c": "two"}).status_code == 200
    assert there.engagements()["a/b"]["Subject__c"] == "two"
    there.standin.store.put(OBJECT, {KEY: "a/b"})
    answer = there.client.patch(address, json={"Subject__c": "three"})
    assert answer.status_code == 300
    assert len(answer.json()) == 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda each: (
        st.lists(each, max_size=3)
        | st.dictionaries(st.sampled_from(["attributes", "type", KEY, "Subject__c", "Started_At__c", "Id"]), each)
    ),
    max_leaves=12,
)


@given(JSON, JSON)
def test_whatever_a_call_holds_it_is_answered(records: object, first: object) -> None:
    standin = make(CrmOptions())
    row = {"attributes": {"type": OBJECT}, KEY: first}
    for body in ({"records": records}, {"records": [row, records]}, {"records": [row], "allOrNone": records}):
        with suppress(RefusedError):
            assert len(standin.upserts.by_key(OBJECT, KEY, body)) == len(body["records"])  # type: ignore[arg-type]


def test_a_row_that_somebody_holds_can_be_written_later(there: Org) -> None:
    there.command("lock", a=1)
    assert codes(there.upsert(row("a"))) == ["UNABLE_TO_LOCK_ROW"]
    assert codes(there.upsert(row("a"))) == ["ok"]


def test_rows_are_updated_by_their_ids(there: Org) -> None:
    made = there.upsert(row("a"), row("b")).json()
    records = [
        {"attributes": {"type": OBJECT}, "id": made[0]["id"], "Subject__c": "changed"},
        {"attributes": {"type": OBJECT}, "id": "a0Z000000000099AAA", "Subject__c": "nobody"},
    ]
    answer = there.client.patch(f"{DATA}/composite/sobjects", json={"allOrNone": False, "records": records})
    assert codes(answer) == ["ok", "ENTITY_IS_DELETED"]
    assert there.engagements()["a"]["Subject__c"] == "changed"


def test_a_required_field_is_asked_for_when_a_record_is_created(there: Org) -> None:
    answer = there.client.post(f"{DATA}/sobjects/Contact", json={"Email": "x@example.com"})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "REQUIRED_FIELD_MISSING")
    assert there.client.post(f"{DATA}/sobjects/Contact", json={"LastName": "X"}).status_code == 201
    bad = there.client.post(f"{DATA}/sobjects/Contact", json={"LastName": "X", "Email": "no address"})
    assert bad.json()[0]["errorCode"] == "INVALID_EMAIL_ADDRESS"


def test_describe_shows_what_a_field_takes(there: Org) -> None:
    found = there.client.get(f"{DATA}/sobjects/{OBJECT}/describe").json()
    fields = {each["name"]: each for each in found["fields"]}
    key = fields[KEY]
    assert (key["externalId"], key["unique"], key["caseSensitive"], key["length"]) == (True, True, True, 64)
    assert fields["Transcript__c"]["length"] == 131_072
    assert (fields["Name"]["createable"], fields["Name"]["updateable"]) == (False, False)
    assert there.client.get(f"{DATA}/sobjects/Nothing__c/describe").status_code == 404


def test_the_days_limit_and_too_many_at_once_differ_in_words_only() -> None:
    with org(faults=Faults(daily_cap=1)) as there:
        assert there.upsert(row("a")).headers["sforce-limit-info"] == "api-usage=1/1"
        answer = there.upsert(row("b"))
        assert answer.status_code == 403
        assert answer.json() == [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]
        assert "retry-after" not in answer.headers
    with org(faults=Faults(storm_429=1)) as there:
        answer = there.upsert(row("a"))
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (403, "REQUEST_LIMIT_EXCEEDED")
        assert "Concurrent" in answer.json()[0]["message"]


def test_a_call_without_a_living_token_is_refused_in_salesforces_words(there: Org) -> None:
    there.command("revoke-tokens")
    answer = there.upsert(row("a"))
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (401, "INVALID_SESSION_ID")


def test_a_write_may_be_carried_out_and_never_answered() -> None:
    with org(faults=Faults(timeout_after_commit=(1,))) as there:
        with pytest.raises(httpx.TransportError):
            there.upsert(row("a", Subject__c="there"))
        assert there.engagements()["a"]["Subject__c"] == "there"
        assert there.upsert(row("a")).json()[0]["created"] is False


def test_refused_records_are_refused_by_a_rule_of_the_org_each_time() -> None:
    with org(faults=Faults(refuse_keys=("a",), refuse_where="forbidden")) as there:
        for _ in range(2):
            answer = there.upsert(row("a"), row("b", Subject__c="forbidden words"), row("c"))
            assert codes(answer) == ["FIELD_CUSTOM_VALIDATION_EXCEPTION"] * 2 + ["ok"]
