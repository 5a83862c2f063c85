"""HubSpot's own SDK talks to the stand-in: an independent statement of what goes over the wire."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hubspot_sdk import BadRequestError, HubSpot

from zcc_pipeline.simulator.crm.base import CrmOptions, Person, running
from zcc_pipeline.simulator.crm.hubspot import make
from zcc_pipeline_tests.simulator.crm.hubspot.account import KEY, call

PEOPLE = (Person("Ada Byron", "ada@example.com", "+49 30 901820"), Person("Agent One", "one@example.com", kind="agent"))


@pytest.fixture
def sdk() -> Iterator[HubSpot]:
    with (
        running(make(CrmOptions(people=PEOPLE))) as served,
        HubSpot(access_token="pat-test", base_url=served.url, max_retries=0) as client,
    ):
        yield client


@pytest.fixture
def with_key(sdk: HubSpot) -> HubSpot:
    sdk.crm.properties.groups.create("calls", name="zcc", label="ZCC")
    made = sdk.crm.properties.create(
        "calls",
        name=KEY,
        label="Id",
        group_name="zcc",
        type="string",
        field_type="text",
        has_unique_value=True,
    )
    assert made.has_unique_value is True
    return sdk


def test_calls_are_upserted_and_read_back(with_key: HubSpot) -> None:
    inputs = [
        {"id": one["id"], "id_property": KEY, "properties": one["properties"]}
        for one in (call("e1", hs_call_title="First"), call("e2"))
    ]
    written = with_key.crm.objects.calls.batch.upsert(inputs=inputs)
    assert {each.properties[KEY] for each in written.results} == {"e1", "e2"}
    assert all(each.new for each in written.results)
    read = with_key.crm.objects.calls.batch.get(
        inputs=[{"id": "e1"}], id_property=KEY, properties=["hs_call_title"], properties_with_history=[]
    )
    assert read.results[0].properties["hs_call_title"] == "First"


def test_a_call_is_linked_to_a_contact_that_was_searched(with_key: HubSpot) -> None:
    found = with_key.crm.objects.contacts.search(
        filter_groups=[{"filters": [{"property_name": "email", "operator": "EQ", "value": "ada@example.com"}]}],
        properties=["email"],
        after="0",
        limit=2,
        sorts=[],
    )
    assert found.total == 1
    one = call("e1")
    written = with_key.crm.objects.calls.batch.upsert(
        inputs=[{"id": "e1", "id_property": KEY, "properties": one["properties"]}]
    )
    linked = with_key.crm.associations.batch.create_default(
        "contacts",
        from_object_type="calls",
        inputs=[{"from": {"id": written.results[0].id}, "to": {"id": found.results[0].id}}],
    )
    assert linked.results[0].association_spec.association_type_id == 194


def test_a_refused_value_is_a_bad_request_with_the_vendors_words(with_key: HubSpot) -> None:
    one = call("e1", hs_call_status="DONE")
    with pytest.raises(BadRequestError, match="Property values were not valid"):
        with_key.crm.objects.calls.batch.upsert(
            inputs=[{"id": "e1", "id_property": KEY, "properties": one["properties"]}]
        )


def test_owners_files_and_the_account_are_there(sdk: HubSpot) -> None:
    assert [owner.email for owner in sdk.crm.owners.list()] == ["one@example.com"]
    made = sdk.files.file_assets.upload(
        file=("talk.mp3", b"sound", "audio/mpeg"), folder_path="/zcc", options='{"access":"PRIVATE"}'
    )
    assert (made.name, made.access, made.size) == ("talk", "PRIVATE", 5)
    assert [file.id for file in sdk.files.file_assets.search(name="talk")] == [made.id]
