"""HubSpot before the first write: what has to be there, what is made, what is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.exports.destination import MappingProblem
from zcc_pipeline.exports.hubspot import HubSpotConfig, HubSpotDestination
from zcc_pipeline.exports.mapping import CrmMapping
from zcc_pipeline.simulator.crm.base import CrmOptions, Faults, RunningStandIn, running
from zcc_pipeline.simulator.crm.hubspot import make
from zcc_pipeline_tests.crm_definitions import definition_of
from zcc_pipeline_tests.integration.exports.hubspot.account import KEY, account, destination, mapping

pytestmark = pytest.mark.integration

T = TypeVar("T")


def ask(
    served: RunningStandIn, work: Callable[[HubSpotDestination], Awaitable[T]], with_mapping: CrmMapping | None = None
) -> T:
    async def run() -> T:
        async with destination(served, with_mapping) as hub:
            return await work(hub)

    return asyncio.run(run())


def problems(served: RunningStandIn, fields: str, *, rest: str = "", key: str = KEY) -> list[MappingProblem]:
    text = f"""
  targets:
    call:
      object: calls
      key: {key}
      fields:
        hs_timestamp: {{from: started_at, as: datetime}}
        {fields}
  channels: {{voice: call}}
{rest}
"""
    return list(ask(served, lambda hub: hub.validate(), mapping(text)))


def test_the_shipped_mapping_fits_once_set_up_has_been_run_and_set_up_may_be_repeated() -> None:
    with running(make(CrmOptions(definition=definition_of("hubspot")))) as served:
        before = ask(served, lambda hub: hub.validate())
        assert ("targets", "call", "key") in [each.where for each in before]
        assert all("--setup" in each.remedy for each in before)
        steps = ask(served, lambda hub: hub.set_up())
        assert all(step.is_done for step in steps)
        assert ask(served, lambda hub: hub.validate()) == []
        again = ask(served, lambda hub: hub.set_up())
        assert [step.text for step in again] == ["all there"] * 3
        for kind in ("calls", "communications", "notes"):
            assert served.standin.schemas[kind].unique(KEY) is not None  # type: ignore[attr-defined]


def test_a_key_that_is_not_unique_cannot_be_mended_and_says_what_to_do() -> None:
    with account() as served:
        served.standin.schemas["calls"].properties[KEY].is_unique = False  # type: ignore[attr-defined]
        (found,) = [each for each in ask(served, lambda hub: hub.validate()) if each.where[1] == "call"]
        assert found.where == ("targets", "call", "key")
        steps = {step.name: step for step in ask(served, lambda hub: hub.set_up())}
        step = steps[f"calls: property {KEY}"]
        assert (step.is_done, "delete it" in step.text) == (False, True)


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("no_such_property: subject", "there is no such property"),
        ("hs_object_id: subject", "calculates it itself"),
        ("hs_call_duration: subject", "it takes number"),
        ("hs_call_status: {value: DONE}", "none of its"),
        ("hs_call_disposition: {value: Connected}", "none of its"),
        ("hs_call_direction: {from: direction, map: {inbound: IN}}", "none of its"),
    ],
)
def test_a_field_that_does_not_fit_is_named(field: str, said: str) -> None:
    with account() as served:
        (found,) = problems(served, field)
        assert found.where == ("targets", "call", "fields", field.partition(":")[0])
        assert said in found.problem


def test_recordings_are_played_from_https_addresses_only() -> None:
    field = "hs_call_recording_url: recording_link"
    with account() as served:
        assert problems(served, field, rest="  link_url: https://files.example.com/{path}") == []
        (found,) = problems(served, field, rest="  link_url: http://files.example.com/{path}")
        assert found.where == ("targets", "call", "fields", "hs_call_recording_url")


def test_what_hubspot_requires_must_be_mapped() -> None:
    text = """
  targets:
    message: {object: communications, key: zcc_engagement_id, fields: {hs_communication_body: body_html}}
  channels: {messaging: message}
"""
    with account() as served:
        (found,) = ask(served, lambda hub: hub.validate(), mapping(text))
        assert "hs_communication_logged_from" in found.problem


def test_entries_an_unknown_object_and_an_unknown_look_up_are_problems() -> None:
    with account() as served:
        (found,) = problems(served, "hs_call_title: subject", rest="  notes: entries")
        assert found.where == ("notes",)
        lookup = """
  coexistence:
    queues: {"*": skip}
    lookup: {object: calls, field: no_such_field, from: engagement_id}
"""
        (found,) = problems(served, "hs_call_title: subject", rest=lookup)
        assert found.where == ("coexistence", "lookup", "field")


def test_an_option_that_is_not_known_names_its_line() -> None:
    text = """
  targets:
    call:
      object: calls
      key: zcc_engagement_id
      fields: {hs_timestamp: {from: started_at, as: datetime}}
      options: {task: true}
  channels: {voice: call}
"""
    with account() as served, pytest.raises(ConfigurationError, match=r"mine\.yml:9: "):
        ask(served, lambda hub: hub.validate(), mapping(text))


def test_an_examination_of_a_good_account_is_all_well_and_writes_nothing() -> None:
    with account() as served:
        checks = ask(served, lambda hub: hub.examine())
        assert {check.verdict for check in checks} == {"ok"}, checks
        said = " ".join(check.text for check in checks)
        assert "account 4242" in said
        assert "649,9" in said
        assert served.standin.counters.writes == 0


def test_an_examination_tells_of_a_wrong_key_a_missing_scope_and_a_missing_property() -> None:
    with account(access_token="another") as served:
        (check,) = ask(served, lambda hub: hub.examine())
        assert (check.verdict, "ZCC_HUBSPOT_ACCESS_TOKEN" in check.text) == ("problem", True)
    with account(scopes=["crm.objects.contacts.read", "crm.schemas.contacts.read"]) as served:
        verdicts = {check.topic: check.verdict for check in ask(served, lambda hub: hub.examine())}
        assert (verdicts["hubspot: owners"], verdicts["hubspot: files"]) == ("problem", "problem")
        assert verdicts["hubspot: contacts"] == "ok"
    with account() as served:
        del served.standin.schemas["notes"].properties[KEY]  # type: ignore[attr-defined]
        (problem,) = [each for each in ask(served, lambda hub: hub.examine()) if each.verdict == "problem"]
        assert (problem.topic, "--setup" in problem.remedy) == ("hubspot: notes", True)


def test_little_left_of_the_day_is_a_warning() -> None:
    with account() as served:
        served.standin.set_faults(Faults(daily_cap=8))
        (warning,) = [each for each in ask(served, lambda hub: hub.examine()) if each.verdict == "warning"]
        assert "0 of 8 left" in warning.text


def test_set_up_without_the_scope_says_which_one_is_missing() -> None:
    with running(make(CrmOptions(settings={"scopes": ["crm.schemas.contacts.read"]}))) as served:
        steps = ask(served, lambda hub: hub.set_up())
        assert not any(step.is_done for step in steps)
        assert all("crm.schemas.contacts.write" in step.text and "\n" not in step.text for step in steps)


@pytest.mark.parametrize("version", ["v3", "3", "2026-9", "2026-09/../v3"])
def test_only_dated_versions_can_be_asked_for(version: str) -> None:
    with pytest.raises(ConfigurationError, match="ZCC_HUBSPOT_API_VERSION"):
        HubSpotConfig("key", api_version=version)


def test_the_key_is_not_shown_with_the_configuration() -> None:
    assert "secret" not in repr(HubSpotConfig("secret"))


def test_usage_tells_calls_and_what_the_day_has_left() -> None:
    with account() as served:

        async def work(hub: HubSpotDestination) -> tuple[int, int | None, int | None]:
            await hub.validate()
            usage = hub.usage()
            return usage.api_calls, usage.quota_used, usage.quota_total

        assert ask(served, work) == (3, 3, 650_000)
