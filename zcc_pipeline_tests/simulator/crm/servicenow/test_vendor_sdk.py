"""ServiceNow's own SDK talks to the stand-in: an independent statement of what goes over the wire."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pysnc
import pytest
from pysnc.auth import ServiceNowClientCredentialsFlow
from pysnc.exceptions import RoleException

from zcc_pipeline.simulator.crm.base import CrmOptions, Person, running
from zcc_pipeline.simulator.crm.servicenow import make
from zcc_pipeline_tests.certificates import certificate_for_loopback
from zcc_pipeline_tests.simulator.crm.servicenow.talking import KEY

PEOPLE = (Person("Ada Byron", "ada@example.com", "+49 30 901820"),)


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The SDK speaks TLS only, and believes whom the environment names."""
    certificate = certificate_for_loopback(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.certificate))
    with running(make(CrmOptions(people=PEOPLE)), tls=certificate) as served:
        yield served.url


@pytest.fixture
def sdk(address: str) -> Iterator[pysnc.ServiceNowClient]:
    client = pysnc.ServiceNowClient(address, ("zcc", "secret"))
    with client.session:
        yield client


def test_records_are_inserted_queried_and_updated(sdk: pysnc.ServiceNowClient) -> None:
    record = sdk.GlideRecord("interaction")
    record.initialize()
    record.set_value(KEY, "e1")
    record.set_value("short_description", "First")
    sys_id = str(record.insert())
    found = sdk.GlideRecord("interaction")
    found.add_query(KEY, "e1")
    found.query()
    assert found.next()
    assert found.get_value("sys_id") == sys_id
    found.set_value("short_description", "Second")
    found.update()
    again = sdk.GlideRecord("interaction")
    assert again.get(sys_id)
    assert again.get_value("short_description") == "Second"


def test_people_are_found_by_alternatives_in_order(sdk: pysnc.ServiceNowClient) -> None:
    users = sdk.GlideRecord("sys_user")
    users.add_query("email", "nobody@example.com").add_or_condition("phone", "LIKE", "901820")
    users.order_by("name")
    users.query()
    assert [user.get_value("name") for user in users] == ["Ada Byron"]


def test_the_second_row_of_a_key_is_refused_with_the_platforms_words(sdk: pysnc.ServiceNowClient) -> None:
    first, second = sdk.GlideRecord("interaction"), sdk.GlideRecord("interaction")
    for record in (first, second):
        record.initialize()
        record.set_value(KEY, "e1")
    first.insert()
    with pytest.raises(RoleException, match="Unique Key violation"):
        second.insert()


def test_files_are_attached_and_listed(sdk: pysnc.ServiceNowClient) -> None:
    record = sdk.GlideRecord("interaction")
    record.initialize()
    record.set_value(KEY, "e1")
    record.insert()
    record.add_attachment("a.txt", b"one", "text/plain")
    assert [file.file_name for file in record.get_attachments()] == ["a.txt"]


def test_several_updates_go_in_one_batch(sdk: pysnc.ServiceNowClient) -> None:
    for number in range(3):
        record = sdk.GlideRecord("interaction")
        record.initialize()
        record.set_value(KEY, f"e{number}")
        record.insert()
    records = sdk.GlideRecord("interaction")
    records.query()
    for record in records:
        record.set_value("short_description", "all")
    assert records.update_multiple()
    changed = sdk.GlideRecord("interaction")
    changed.add_query("short_description", "all")
    changed.query()
    assert len(changed) == 3


def test_client_credentials_sign_in(address: str) -> None:
    client = pysnc.ServiceNowClient(address, ServiceNowClientCredentialsFlow("id", "secret"))
    with client.session:
        users = client.GlideRecord("sys_user")
        users.query()
        assert len(users) == 1
