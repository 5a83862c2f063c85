"""Custom objects, the mapping against the account, what --setup makes and what the doctor says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.exports.destination import Check, SetupStep
from zcc_pipeline.exports.mapping import CrmMapping, FieldRule, read_mapping
from zcc_pipeline.exports.outcomes import Status
from zcc_pipeline.exports.zendesk.schema import kind_of
from zcc_pipeline.simulator.crm.base import Faults, Limit
from zcc_pipeline_tests.integration.exports.engagements import changed, email, engagement, with_note
from zcc_pipeline_tests.integration.exports.office import Office, people, varied
from zcc_pipeline_tests.integration.exports.zendesk.account import asked, routed, zendesk

pytestmark = pytest.mark.integration

RECORDS = routed("record", notes="field", transcripts="field")


def set_up(story: Office) -> Sequence[SetupStep]:
    return asked(story, lambda destination: destination.set_up())


def checks(story: Office) -> dict[str, Check]:
    return {check.topic: check for check in asked(story, lambda destination: destination.examine())}


def records(story: Office) -> dict[str, dict[str, Any]]:
    held = story.running.standin.records()["custom_objects"]["zoom_engagement"]
    assert len({each["external_id"] for each in held}) == len(held)
    return {each["external_id"]: each for each in held}


def with_fields(target: str, **rules: Any) -> CrmMapping:
    """The shipped mapping with other fields in a target; None takes one away."""
    shipped = read_mapping("zendesk", None)
    found = shipped.section.targets[target]
    spelled_out = {name: {"from": rule} if isinstance(rule, str) else rule for name, rule in rules.items()}
    made = {name: FieldRule.model_validate(rule) for name, rule in spelled_out.items() if rule is not None}
    fields = {
        name: rule for name, rule in (found.fields | made).items() if name not in rules or rules[name] is not None
    }
    return varied(shipped, targets=shipped.section.targets | {target: found.model_copy(update={"fields": fields})})


def with_records(folder: Path, **options: Any) -> Any:
    return zendesk(folder, mapping=options.pop("mapping", RECORDS), **options)


def test_setup_makes_the_object_with_its_fields_and_may_be_repeated(tmp_path: Path) -> None:
    with with_records(tmp_path) as story:
        first = set_up(story)
        assert all(step.is_done for step in first)
        made = story.running.standin.custom_objects.by_key["zoom_engagement"]  # type: ignore[attr-defined]
        kinds = {key: field["type"] for key, field in made.fields.items()}
        assert kinds == {
            "channel": "text", "direction": "text", "queue": "text", "agent": "text", "started_at": "text",
            "duration_seconds": "integer", "summary": "textarea", "notes": "textarea", "transcript": "textarea",
            "recordings": "textarea", "deleted_in_zoom": "checkbox", "customer": "lookup", "agent_user": "lookup",
        }  # fmt: skip
        writes = story.crm["writes"]
        assert [step.text for step in set_up(story)] == ["is there"]
        assert story.crm["writes"] == writes


def test_without_setup_the_mapping_is_refused_with_its_line(tmp_path: Path) -> None:
    with with_records(tmp_path) as story:
        story.take(engagement(0))
        with pytest.raises(ConfigurationError, match=r"crm_mapping\.yml.*:\d+: zendesk\.targets\.record\.object"):
            story.export()
        assert story.crm["writes"] == 0


def test_records_are_written_once_updated_and_linked(tmp_path: Path) -> None:
    with with_records(tmp_path, people=people(range(1, 30))) as story:
        set_up(story)
        story.take(*(engagement(number) for number in range(1, 25)))
        assert story.export().counts == {Status.CREATED: 24}
        assert story.export().counts == {Status.UNCHANGED: 24}
        story.take(changed(with_note(engagement(3), "late"), is_deleted_at_source=True, duration_seconds=77))
        assert story.export().counts == {Status.UPDATED: 1, Status.UNCHANGED: 23}
        now = records(story)
        assert len(now) == 24
        fields = now["eng-00003"]["custom_object_fields"]
        assert (fields["deleted_in_zoom"], fields["duration_seconds"]) == (True, 77)
        assert "late" in fields["notes"]
        users = {str(each["id"]): each for each in story.running.standin.records()["users"]}
        assert users[fields["customer"]]["email"] == email(3)
        assert users[fields["agent_user"]]["role"] == "agent"
        assert now["eng-00003"]["name"] == engagement(3).subject


@pytest.mark.parametrize("fault", ["timeout_after_commit", "timeout_before_commit"])
def test_an_upsert_that_nobody_answered_is_sent_again(tmp_path: Path, fault: str) -> None:
    with with_records(tmp_path) as story:
        set_up(story)
        story.control("faults", **{fault: [1]})
        story.take(*(engagement(number) for number in range(5)))
        assert story.export().is_complete
        assert len(records(story)) == 5


def test_a_failed_job_and_refused_rows_leave_nothing_unaccounted(tmp_path: Path) -> None:
    with with_records(tmp_path, faults=Faults(refuse_keys=("eng-00001",))) as story:
        set_up(story)
        story.control("fail-jobs", jobs=1)
        story.take(*(engagement(number) for number in range(6)))
        assert story.export().counts == {Status.FAILED_RETRYABLE: 6}
        assert story.export().counts == {Status.CREATED: 5, Status.FAILED_PERMANENT: 1}
        assert "breaks a rule" in story.held()[0].detail
        assert len(records(story)) == 5


def test_a_run_that_never_heard_of_its_records_finds_them_by_their_key(tmp_path: Path) -> None:
    with with_records(tmp_path, tuned={"job_wait_seconds": 0.1}) as story:
        set_up(story)
        story.control("hold-jobs", is_held=True)
        story.take(*(engagement(number) for number in range(4)))
        assert story.export().counts == {Status.UNKNOWN: 4}
        story.control("hold-jobs", is_held=False)
        assert story.export().counts == {Status.UPDATED: 4}
        assert len(records(story)) == 4


def test_a_record_is_made_to_fit_into_its_32_kilobytes(tmp_path: Path) -> None:
    wide = varied(
        with_fields("record", transcript={"from": "transcript_text"}, notes={"from": "notes_text"}),
        channels=dict.fromkeys(RECORDS.section.channels, "record"),
        notes="field",
        transcripts="field",
    )
    with with_records(tmp_path, mapping=wide) as story:
        set_up(story)
        story.take(
            engagement(0, transcript_text="長い会話です。" * 9_000), with_note(engagement(1), 'said "it".\n' * 5_000)
        )
        assert story.export().counts == {Status.CREATED: 2}
        fields = records(story)["eng-00000"]["custom_object_fields"]
        assert fields["transcript"].endswith("[Shortened: Zendesk takes 32 KB a record.]")
        assert len(fields["transcript"].encode()) > 25_000


@pytest.mark.parametrize(
    ("mapping", "problem"),
    [
        (with_fields("ticket", subjekt="subject"), r"fields\.subjekt: is no field of tickets"),
        (with_fields("ticket", **{"custom_fields.9001": {"from": "talk_seconds", "as": "integer"}}), "is of type text"),
        (with_fields("ticket", **{"custom_fields.9001": {"from": "talk_seconds", "as": "text"}}), None),
        (with_fields("ticket", **{"custom_fields.9002": "queue_name"}), "is of type integer in Zendesk and would get"),
        (
            with_fields("ticket", **{"custom_fields.77": "queue_name"}),
            r"custom fields of this account: 9001 \(Zoom queue\)",
        ),
        (with_fields("ticket", comment=None), "comment is missing"),
        (routed("call"), None),
        (varied(RECORDS, notes="entries"), "records of custom objects have no comments"),
        (varied(RECORDS, recordings="attach"), "records get no files here"),
    ],
)
def test_what_the_account_contradicts_is_named_before_anything_is_written(
    tmp_path: Path, mapping: CrmMapping, problem: str | None
) -> None:
    with zendesk(tmp_path, mapping=mapping) as story:
        story.take(engagement(0))
        if problem is None:
            story.export()
            return
        with pytest.raises(ConfigurationError, match=problem):
            story.export()
        assert story.crm["writes"] == 0


def test_a_custom_ticket_field_is_filled_and_emptied(tmp_path: Path) -> None:
    mapping = with_fields("ticket", **{"custom_fields.9001": "queue_name", "custom_fields.9002": "talk_seconds"})
    with zendesk(tmp_path, mapping=mapping) as story:
        story.take(engagement(0))
        story.export()
        (ticket,) = story.running.standin.records()["tickets"]
        assert ticket["custom_fields"] == [{"id": 9001, "value": "Support"}, {"id": 9002, "value": 250}]
        story.take(changed(engagement(0), queue_name=None, talk_seconds=251))
        story.export()
        (ticket,) = story.running.standin.records()["tickets"]
        assert ticket["custom_fields"] == [{"id": 9001, "value": ""}, {"id": 9002, "value": 251}]
        assert story.problems() == []


def test_options_that_are_not_known_are_named_with_their_line(tmp_path: Path) -> None:
    file = tmp_path / "mapping.yml"
    file.write_text(
        "version: 1\nzendesk:\n  targets:\n    t:\n      object: ticket\n      key: external_id\n"
        "      fields: {comment: summary}\n      options:\n        creat: live\n  channels: {voice: t}\n"
    )
    mapping = read_mapping("zendesk", file)
    with (
        zendesk(tmp_path, mapping=mapping) as story,
        pytest.raises(ConfigurationError, match=r"mapping\.yml:9: .*'create'"),
    ):
        story.export()


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ({"from": "survey_score"}, "decimal"),
        ({"from": "handle_seconds", "as": "minutes"}, "integer"),
        ({"from": "started_date"}, "date"),
        ({"from": "is_answered"}, "checkbox"),
        ({"from": "is_answered", "map": {"true": "yes"}}, "text"),
        ({"from": "body_text"}, "textarea"),
        ({"template": "{channel}"}, "textarea"),
    ],
)
def test_the_kind_of_a_field_follows_from_its_rule(rule: dict[str, Any], kind: str) -> None:
    assert kind_of(FieldRule.model_validate(rule)) == kind


def test_the_doctor_says_what_is_well(tmp_path: Path) -> None:
    with zendesk(tmp_path, limits={"api": Limit(400, 60)}) as story:
        found = checks(story)
        assert {check.verdict for check in found.values()} == {"ok"}
        assert "not unique" in found["zendesk key"].text
        assert found["zendesk jobs"].text.startswith("0 of 30")
        assert "400 requests a minute" in found["zendesk limits"].text
        assert story.crm["writes"] == 0


def test_the_doctor_says_what_is_not(tmp_path: Path) -> None:
    legacy = {"client_id": None, "client_secret": None, "email": "a@example.org", "api_token": "key"}
    with zendesk(tmp_path, mapping=RECORDS, tuned=legacy, settings={"is_admin": False}) as story:
        found = checks(story)
        assert (found["zendesk credentials"].verdict, found["zendesk role"].verdict) == ("warning", "problem")
        assert "30 April 2027" in found["zendesk credentials"].text
        assert found["zendesk key"].verdict == "problem"


def test_setup_says_what_is_left_to_an_administrator(tmp_path: Path) -> None:
    with zendesk(tmp_path) as story:
        steps = set_up(story)
        assert [step.is_done for step in steps] == [False, False]
        assert all("zoom_contact_center" in step.text for step in steps)
