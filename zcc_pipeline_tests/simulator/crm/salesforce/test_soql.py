"""The stand-in's SOQL: what it reads, and what it refuses as Salesforce would."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from zcc_pipeline.simulator.crm.base import Person
from zcc_pipeline.simulator.crm.base.answers import RefusedError
from zcc_pipeline.simulator.crm.salesforce.soql import Combined, Comparison, parse
from zcc_pipeline_tests.simulator.crm.salesforce.org import DATA, Org, org, row


@pytest.fixture(scope="module")
def there() -> Iterator[Org]:
    with org(page_rows=2) as running:
        running.command("leads", people=[{"name": "Lea Dern", "email": "lea@example.com", "phone": "030 901820"}])
        yield running
        assert running.standin.violations == []


def test_people_are_found_by_address_whatever_its_case_and_by_phone_letter_by_letter(there: Org) -> None:
    assert there.names("SELECT Id, Name FROM Contact WHERE Email = 'ADA@example.com'") == ["Ada Byron"]
    assert there.names("SELECT Name FROM Contact WHERE Phone IN ('(415) 555-2671', '1')") == ["Ann O'Neil"]
    assert there.names("SELECT Name FROM Contact WHERE Phone = '4155552671'") == []
    assert there.names("SELECT Name FROM Lead WHERE (Phone = '030 901820') AND IsConverted = false") == ["Lea Dern"]
    assert there.names(r"SELECT Name FROM Contact WHERE Email = 'o\'neil@example.com'") == ["Ann O'Neil"]
    assert there.names("SELECT Name FROM User WHERE Email LIKE 'o%e@example.com' AND IsActive = true") == ["Agent One"]


def test_fields_that_tell_cases_apart_do_so_in_queries_as_well(there: Org) -> None:
    there.upsert(row("AbC", Subject__c="one"), row("abc", Subject__c="two"))
    found = there.query("SELECT Subject__c FROM Contact_Center_Engagement__c WHERE Engagement_Id__c IN ('abc')").json()
    assert [each["Subject__c"] for each in found["records"]] == ["two"]


def test_what_is_longer_than_a_page_comes_piece_by_piece(there: Org) -> None:
    for number in range(3):
        there.standin.add_to("Lead", Person(f"Page {number}", f"page{number}@example.com"))
    answer = there.query("SELECT Email FROM Lead WHERE Email LIKE 'page%' ORDER BY Email DESC").json()
    assert (answer["totalSize"], answer["done"], len(answer["records"])) == (3, False, 2)
    rest = there.client.get(answer["nextRecordsUrl"]).json()
    assert (rest["done"], [each["Email"] for each in rest["records"]]) == (True, ["page0@example.com"])


@pytest.mark.parametrize(
    "text",
    [
        "SELECT Id FROM Contact WHERE Email = 'o'neil@example.com'",
        r"SELECT Id FROM Contact WHERE Email = 'a\'",
        r"SELECT Id FROM Contact WHERE Email = 'a\x'",
        "SELECT Id FROM Contact WHERE Email = 'two\nlines'",
        'SELECT Id FROM Contact WHERE Email = "a"',
        "SELECT Id FROM Contact WHERE Email = a",
        "SELECT Id FROM Contact WHERE Email = 'a' OR Phone = 'b' AND Name = 'c'",
        "SELECT Id FROM Contact WHERE Email IN ()",
        "SELECT Id FROM Contact WHERE",
        "SELECT * FROM Contact",
        "DELETE FROM Contact",
        "SELECT Id FROM Contact; SELECT Id FROM User",
        "",
    ],
)
def test_what_salesforce_would_not_parse_is_refused(there: Org, text: str) -> None:
    answer = there.query(text)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "MALFORMED_QUERY")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("SELECT Nothing FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FROM Nothing", "INVALID_TYPE"),
        ("SELECT Id FROM Contact WHERE IsDeleted = 'true'", "INVALID_FIELD"),
        ("SELECT Id FROM Contact_Center_Engagement__c WHERE Transcript__c = 'a'", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE OwnerId = 'nobody'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM ContentDocumentLink", "MALFORMED_QUERY"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_its_reason(there: Org, text: str, code: str) -> None:
    assert there.query(text).json()[0]["errorCode"] == code


def test_an_address_may_have_sixteen_kibibytes(there: Org) -> None:
    text = f"SELECT Id FROM Contact WHERE Email IN ('{'a' * 3_000}', '{'b' * 3_000}', '{'c' * 3_000}')"
    assert there.query(text).status_code == 200
    assert there.query(text.replace("')", f"', '{'d' * 3_999}', '{'e' * 3_999}')")).status_code == 414


def test_a_value_that_breaks_out_of_its_quotes_is_a_different_condition() -> None:
    pasted = parse("SELECT Id FROM Contact WHERE Email = '" + "x' OR Name LIKE '%" + "'")
    assert isinstance(pasted.where, Combined)
    escaped = parse("SELECT Id FROM Contact WHERE Email = '" + r"x\' OR Name LIKE \'%" + "'")
    assert escaped.where == Comparison("Email", "=", ("x' OR Name LIKE '%",))


def test_escapes_are_read_as_salesforce_reads_them() -> None:
    query = parse(r"SELECT Id FROM Contact WHERE Name IN ('\n\t\\\'\"', 'é', '50\%')")
    assert query.where == Comparison("Name", "in", ("\n\t\\'\"", "é", "50%"))


def test_a_literal_has_four_thousand_characters_at_most() -> None:
    parse(f"SELECT Id FROM Contact WHERE Name = '{'x' * 4_000}'")
    with pytest.raises(RefusedError):
        parse(f"SELECT Id FROM Contact WHERE Name = '{'x' * 4_001}'")


def test_the_data_path_needs_a_version(there: Org) -> None:
    answer = there.client.get(DATA.replace("v68.0", "68.0") + "/query", params={"q": "SELECT Id FROM Contact"})
    assert answer.status_code == 404
