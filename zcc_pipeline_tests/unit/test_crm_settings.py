"""Settings of the CRMs: what has to come together, and when it is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.exports.mapping import CRMS, read_mapping
from zcc_pipeline.exports.session import OverSession
from zcc_pipeline.pipeline.crms import TITLES, make_destination
from zcc_pipeline.settings import load_settings, pipeline_config
from zcc_pipeline.settings.crm import NEEDS, CrmSettings, crm_access

NO_FILE = Path("/nonexistent/.env")
PAGES = Path(__file__).parents[2] / "docs" / "crm"
ENTRA = {"ZCC_DYNAMICS_CLIENT_ID": "id", "ZCC_DYNAMICS_CLIENT_SECRET": "hush"}
COMPLETE = {
    "salesforce": {
        "ZCC_SALESFORCE_URL": "https://example.my.salesforce.com",
        "ZCC_SALESFORCE_CLIENT_ID": "id",
        "ZCC_SALESFORCE_CLIENT_SECRET": "hush",
    },
    "salesforce by key": {
        "ZCC_SALESFORCE_URL": "https://example.my.salesforce.com",
        "ZCC_SALESFORCE_CLIENT_ID": "id",
        "ZCC_SALESFORCE_USERNAME": "integration@example.com",
        "ZCC_SALESFORCE_PRIVATE_KEY": "hush",
    },
    "zendesk": {
        "ZCC_ZENDESK_URL": "https://example.zendesk.com",
        "ZCC_ZENDESK_CLIENT_ID": "id",
        "ZCC_ZENDESK_CLIENT_SECRET": "hush",
    },
    "zendesk by token": {
        "ZCC_ZENDESK_URL": "https://example.zendesk.com",
        "ZCC_ZENDESK_EMAIL": "admin@example.com",
        "ZCC_ZENDESK_API_TOKEN": "hush",
    },
    "servicenow": {
        "ZCC_SERVICENOW_URL": "https://example.service-now.com",
        "ZCC_SERVICENOW_CLIENT_ID": "id",
        "ZCC_SERVICENOW_CLIENT_SECRET": "hush",
    },
    "servicenow by user": {
        "ZCC_SERVICENOW_URL": "https://example.service-now.com",
        "ZCC_SERVICENOW_USERNAME": "zcc.integration",
        "ZCC_SERVICENOW_PASSWORD": "hush",
    },
    "dynamics": {"ZCC_DYNAMICS_URL": "https://example.crm4.dynamics.com", "ZCC_DYNAMICS_TENANT_ID": "tenant", **ENTRA},
    "dynamics by token address": {
        "ZCC_DYNAMICS_URL": "https://example.crm4.dynamics.com",
        "ZCC_DYNAMICS_TOKEN_URL": "https://login.example.com/token",
        **ENTRA,
    },
    "hubspot": {"ZCC_HUBSPOT_ACCESS_TOKEN": "hush"},
}


def problem_of(crm: str, **environment: str) -> str:
    access = crm_access(load_settings(environment, dotenv=NO_FILE))[crm]
    with pytest.raises(ConfigurationError) as caught:
        access.require()
    return str(caught.value)


def test_without_settings_no_crm_is_configured() -> None:
    assert crm_access(load_settings({}, dotenv=NO_FILE)) == {}


@pytest.mark.parametrize("crm", TITLES)
def test_an_export_to_any_crm_takes_no_longer_than_the_settings_let_it(crm: str) -> None:
    def budget(**environment: str) -> float:
        access = crm_access(load_settings({**COMPLETE[crm], **environment}, dotenv=NO_FILE))[crm]
        destination = make_destination(access, read_mapping(crm, None), clock=SystemClock())
        assert isinstance(destination, OverSession)
        return destination.session.config.budget_seconds

    assert budget() == 3_600
    assert budget(ZCC_EXPORT_BUDGET_SECONDS="90") == 90


@pytest.mark.parametrize("case", COMPLETE)
def test_what_belongs_together_is_enough(case: str) -> None:
    access = crm_access(load_settings(COMPLETE[case], dotenv=NO_FILE))
    crm = case.partition(" ")[0]
    assert list(access) == [crm]
    prefix = f"ZCC_{crm.upper()}_"
    given = {name.removeprefix(prefix).lower(): value for name, value in COMPLETE[case].items()}
    assert given.items() <= access[crm].require().items()


@pytest.mark.parametrize(("case", "left_out"), [(case, each) for case, values in COMPLETE.items() for each in values])
def test_each_one_that_is_left_out_is_named_with_purpose_and_example(case: str, left_out: str) -> None:
    rest = {name: value for name, value in COMPLETE[case].items() if name != left_out}
    if not rest:
        return
    said = problem_of(case.partition(" ")[0], **rest)
    assert left_out in said
    assert "what it is for: " in said
    assert "hush" not in said


@pytest.mark.parametrize("case", [case for case in COMPLETE if case != "salesforce by key"])
def test_what_is_enough_makes_a_destination(case: str) -> None:
    (access,) = crm_access(load_settings(COMPLETE[case], dotenv=NO_FILE)).values()
    destination = make_destination(access, read_mapping(access.name, None), clock=SystemClock())
    assert destination.name == access.name
    assert "hush" not in repr(destination)


def test_a_key_that_is_none_is_named_before_anything_is_sent() -> None:
    (access,) = crm_access(load_settings(COMPLETE["salesforce by key"], dotenv=NO_FILE)).values()
    with pytest.raises(ConfigurationError, match="ZCC_SALESFORCE_PRIVATE_KEY"):
        make_destination(access, read_mapping(access.name, None), clock=SystemClock())


def test_every_crm_has_settings_a_mapping_and_a_page() -> None:
    assert set(NEEDS) == set(TITLES) == set(CRMS)
    for crm in TITLES:
        assert (PAGES / f"{crm}.md").is_file()
        assert f"zcc export {crm}" in (PAGES / "README.md").read_text(encoding="utf-8")


def test_a_half_entered_crm_does_not_keep_the_others_from_working() -> None:
    settings = load_settings({"ZCC_ZENDESK_URL": "https://example.zendesk.com", **COMPLETE["hubspot"]}, dotenv=NO_FILE)
    config = pipeline_config(settings, SystemClock())
    assert sorted(config.exports) == ["hubspot", "zendesk"]
    assert config.exports["hubspot"].require()["access_token"] == "hush"
    with pytest.raises(ConfigurationError, match="ZCC_ZENDESK_CLIENT_ID"):
        config.exports["zendesk"].require()


def test_the_other_way_of_signing_in_is_told_where_one_is_missing_whole() -> None:
    said = problem_of("zendesk", ZCC_ZENDESK_URL="https://example.zendesk.com")
    assert "ZCC_ZENDESK_EMAIL and ZCC_ZENDESK_API_TOKEN: would do as well" in said


def test_a_second_way_that_was_only_begun_is_not_ignored() -> None:
    said = problem_of("salesforce", **COMPLETE["salesforce"], ZCC_SALESFORCE_USERNAME="integration@example.com")
    assert said.startswith("ZCC_SALESFORCE_PRIVATE_KEY: ")


def test_credentials_of_crms_are_in_no_representation() -> None:
    everything = {name: value for values in COMPLETE.values() for name, value in values.items()}
    settings = load_settings(everything, dotenv=NO_FILE)
    assert "hush" not in repr(settings) + str(settings) + repr(pipeline_config(settings, SystemClock()))


def test_an_address_needs_its_scheme() -> None:
    with pytest.raises(ConfigurationError, match="ZCC_ZENDESK_URL"):
        load_settings({"ZCC_ZENDESK_URL": "example.zendesk.com"}, dotenv=NO_FILE)


def test_every_setting_of_a_crm_belongs_to_its_group() -> None:
    grouped = {f"{crm}_{name}" for crm, needs in NEEDS.items() for name in needs.names()}
    assert grouped == set(CrmSettings.model_fields) - {"crm_mapping", "export_budget_seconds"}
