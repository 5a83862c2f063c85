"""What is found out before anything is sent: the mapping against the instance, the checks, the steps, the preview."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.exports.destination import Check, MappingProblem, PreparedRequest, SetupStep
from zcc_pipeline.exports.mapping import CrmMapping
from zcc_pipeline.simulator.crm.base import Credentials, Faults, Limit, RunningStandIn
from zcc_pipeline.simulator.crm.servicenow import Setup
from zcc_pipeline_tests.integration.exports.servicenow.adapter import KEY, instance_of
from zcc_pipeline_tests.integration.exports.servicenow.desk import (
    IMPORT_SETS,
    TABLE,
    RemoteRef,
    changed,
    file,
    insert,
    instance,
    note,
    record,
    run,
    write,
)

pytestmark = pytest.mark.integration

AT = ("servicenow", "targets", "interaction")
STAGING = (*AT, "options", "staging")


def problems(served: RunningStandIn, mapping: CrmMapping | None = None) -> Mapping[tuple[Any, ...], MappingProblem]:
    found = run(served, lambda destination: destination.validate(), mapping=mapping)
    return {each.where: each for each in found}


def checks(served: RunningStandIn, mapping: CrmMapping | None = None, **config: Any) -> dict[str, Check]:
    found = run(served, lambda destination: destination.examine(), mapping=mapping, **config)
    return {f"{each.topic} {each.verdict}": each for each in found}


def steps(served: RunningStandIn, mapping: CrmMapping | None = None) -> dict[str, SetupStep]:
    return {each.name: each for each in run(served, lambda destination: destination.set_up(), mapping=mapping)}


def test_the_shipped_mapping_fits_an_instance_that_is_set_up() -> None:
    with instance() as served:
        assert problems(served) == {}
        assert problems(served, changed(TABLE)) == {}
    with instance(settings={"setup": Setup(customer_service=False)}) as served:
        assert problems(served) == {}


def test_an_instance_is_described_in_a_handful_of_calls() -> None:
    with instance() as served:
        problems(served)
        assert served.standin.counters.api_calls <= 4


@pytest.mark.parametrize(
    ("mapping", "where", "words"),
    [
        ({"type: {from": "kind: {from"}, (*AT, "fields", "kind"), "drop it without a word"),
        ({"type: {from": "number: {from"}, (*AT, "fields", "number"), "read-only"),
        ({"u_zcc_summary: {from: body_text": "work_notes: {from: body_text"}, (*AT, "fields", "work_notes"), "journal"),
        ({"{from: started_at, as: servicenow_datetime}": "started_at"}, (*AT, "fields", "opened_at"), "date and time"),
        ({"u_zcc_talk_seconds: talk_seconds": "u_zcc_talk_seconds: subject"},
         (*AT, "fields", "u_zcc_talk_seconds"), "whole number"),
        ({"object: interaction\n": "object: interactions\n"}, (*AT, "object"), "no table interactions"),
        ({f"key: {KEY}": "key: u_other"}, (*AT, "key"), "no column u_other"),
        ({"staging: u_zcc_engagement_import": "staging: u_elsewhere"}, STAGING, "no staging table u_elsewhere"),
        ({"notes_column: work_notes": "notes_column: state"}, (*AT, "options", "notes_column"), "no journal state"),
        ({"owner_column: assigned_to": "owner_column: state"}, (*AT, "options", "owner_column"), "no reference"),
        ({"sys_user: opened_for": "sys_user: u_missing"},
         (*AT, "options", "customer_columns"), "no column u_missing"),
    ],
)  # fmt: skip
def test_what_the_platform_would_drop_cut_or_empty_is_found_before(
    mapping: dict[str, str], where: tuple[str, ...], words: str
) -> None:
    with instance() as served:
        found = problems(served, changed(mapping))
        assert where in found
        assert words in found[where].problem


@pytest.mark.parametrize(
    ("setup", "where", "words"),
    [
        (Setup(columns=False), (*AT, "key"), f"no column {KEY}"),
        (Setup(staging=False), STAGING, "no staging table"),
        (Setup(transform=False), STAGING, "no active transform map"),
        (Setup(coalesce=False), STAGING, "coalesces on nothing"),
        (Setup(copy_empty_fields=False), STAGING, "copy empty fields"),
        (
            Setup(staging_lengths={"u_short_description": 40}),
            (*AT, "fields", "short_description"),
            "takes 40 characters and cuts the rest",
        ),
    ],
)
def test_what_the_administrator_forgot_is_found_before(setup: Setup, where: tuple[str, ...], words: str) -> None:
    with instance(settings={"setup": setup}) as served:
        found = problems(served)
        assert words in found[where].problem


def test_without_an_import_set_the_unique_index_is_a_must() -> None:
    with instance(settings={"setup": Setup(unique=False)}) as served:
        assert "no unique index" in problems(served, changed(TABLE))[(*AT, "key")].problem
        assert problems(served) == {}


def test_a_field_map_that_would_make_people_up_is_found_before() -> None:
    with instance() as served:
        standin = instance_of(served).instance
        (entry,) = [row for row in standin.rows("sys_transform_entry") if row["target_field"] == "opened_for"]
        standin.update(entry, {"choice_action": "create"})
        assert "make a new record of sys_user" in problems(served)[STAGING].problem


def test_an_instance_that_may_not_be_read_is_not_written_to_blindly() -> None:
    with instance(settings={"hidden": ("sys_dictionary",)}) as served:
        found = problems(served)
        assert "sys_dictionary" in found[("servicenow",)].problem
        assert checks(served)["servicenow metadata problem"].remedy


def test_the_errors_name_the_line() -> None:
    mapping = changed({"type: {from": "kind: {from"})
    with instance() as served:
        found = list(problems(served, mapping).values())
    said = str(mapping.problems(found))
    assert "mine.yml:" in said
    assert "kind" in said


def test_unknown_options_are_refused_with_their_line() -> None:
    mapping = changed({"rows: batch ": "rows: many "})
    with instance() as served, pytest.raises(ConfigurationError, match=r"mine\.yml:\d+: .*options\.rows"):
        run(served, lambda destination: destination.validate(), mapping=mapping)


def test_the_doctor_is_content_with_an_instance_that_is_set_up() -> None:
    with instance() as served:
        insert(served, short_description="x")
        found = checks(served)
        assert not [name for name in found if name.endswith("problem")]
        assert {"servicenow sign-in ok", "servicenow interaction ok", "servicenow work_notes ok"} <= found.keys()


def test_the_doctor_names_what_is_missing() -> None:
    with instance(settings={"setup": Setup(unique=False, coalesce=False)}) as served:
        found = checks(served)
        assert "no unique index" in found["servicenow interaction warning"].text
        assert "does not coalesce" in found["servicenow interaction problem"].text
    with instance(settings={"setup": Setup(unique=False)}) as served:
        assert "servicenow interaction problem" in checks(served, changed(TABLE))


def test_the_doctor_names_files_that_are_not_let_in() -> None:
    with instance() as served:
        standin = instance_of(served).instance
        (allowed,) = standin.with_value("sys_properties", "name", "glide.attachment.extensions")
        standin.update(allowed, {"value": "txt,pdf"})
        assert "mp3, mp4" in checks(served)["servicenow attachments warning"].text


def test_the_doctor_looks_for_the_record_that_several_rows_at_once_need() -> None:
    mapping = changed(IMPORT_SETS)
    with instance() as served:
        assert "without their values" in checks(served, mapping)["servicenow insertMultiple problem"].text
    with instance(settings={"setup": Setup(insert_multiple="synchronous_names")}) as served:
        assert "servicenow insertMultiple ok" in checks(served, mapping)


def test_columns_of_a_table_that_an_object_extends_are_its_own() -> None:
    mapping = changed(
        {
            "object: interaction\n": "object: incident\n",
            f"key: {KEY}": "key: correlation_id",
            "write: import_set ": "write: table ",
            "{sys_user: opened_for, csm_consumer: consumer}": "{sys_user: caller_id}",
        }
    )
    with instance() as served:
        found = problems(served, mapping)
        assert "no unique index" in found[(*AT, "key")].problem
        assert (*AT, "fields", "short_description") not in found
        assert (*AT, "options", "notes_column") not in found
        assert "no column opened_at" in found[(*AT, "fields", "opened_at")].problem


def test_the_doctor_says_that_credentials_are_refused_and_by_which_setting() -> None:
    with instance(credentials=Credentials("other", "other")) as served:
        assert "ZCC_SERVICENOW_CLIENT_SECRET" in checks(served, client_secret="wrong")["servicenow problem"].text
        with_password = checks(served, client_secret="wrong", username="zcc", password="wrong")
        assert "ZCC_SERVICENOW_PASSWORD" in with_password["servicenow problem"].text


def test_a_user_and_password_do_without_an_oauth_client_and_with_one() -> None:
    with instance(settings={"user": ("zcc", "pw")}) as served:
        basic = {"client_id": "", "client_secret": "", "username": "zcc", "password": "pw"}
        assert write(served, [record("e1")], **basic)["e1"].remote
        assert served.standin.tokens.issued_count == 0
        assert write(served, [record("e2")], username="zcc", password="pw")["e2"].remote
        assert served.standin.tokens.issued_count == 1


def test_the_steps_say_what_is_done_and_exactly_what_is_not() -> None:
    with instance() as served:
        assert all(step.is_done for step in steps(served).values())
    with instance(settings={"setup": Setup(columns=False, staging=False)}) as served:
        found = steps(served)
        assert not found[f"Column interaction.{KEY}"].is_done
        assert "max length 64" in found[f"Column interaction.{KEY}"].text
        assert "Integer" in found["Column interaction.u_zcc_duration_seconds"].text
        assert "True/False" in found["Column interaction.u_zcc_deleted_at_source"].text
        assert "u_short_description (160)" in found["Staging table u_zcc_engagement_import"].text
        transform = found["Transform map u_zcc_engagement_import -> interaction"]
        assert "u_opened_for -> opened_for" in transform.text
        assert not found[f"Coalesce on {KEY}"].is_done
        assert served.standin.counters.writes == 0


def test_the_preview_is_what_is_sent() -> None:
    sent: list[tuple[str, str, bytes]] = []
    with instance() as served:
        one = record("e1", entries=(note(1),), attachments=(file("a b.mp3", b"sound"),))
        shown = run(served, _preview_of(one))
        standin = served.standin
        handle = standin._handle

        def overhear(route: Any, request: Any) -> Any:
            if request.method != "GET" and "batch" not in request.path and "oauth" not in request.path:
                sent.append((request.method, f"{served.url}{request.path}", request.body))
            return handle(route, request)

        standin._handle = overhear  # type: ignore[method-assign]
        outcome = write(served, [one])["e1"]
    assert outcome.remote is not None
    assert [each.method for each in shown] == [method for method, _, _ in sent]
    for each, (_, address, body) in zip(shown, sent, strict=True):
        assert each.url.partition("?")[0].replace("{sys_id}", outcome.remote.id) == address
        if each.headers["Content-Type"] == "application/json":
            assert json.loads(each.body) == json.loads(body)
        else:
            assert each.body == "(5 bytes)"


def _preview_of(one: Any) -> Any:
    async def show(destination: Any) -> list[PreparedRequest]:
        await destination.validate()
        return list(destination.preview(one))

    return show


def test_the_preview_knows_updates_other_programs_records_and_the_way_without_an_import_set() -> None:
    there = RemoteRef("interaction", "0" * 32)
    mapping = changed(TABLE)

    async def show(destination: Any) -> list[list[tuple[str, str]]]:
        previews = [
            destination.preview(record("e1", mapping=mapping)),
            destination.preview(record("e1", mapping=mapping, remote=there)),
            destination.preview(record("e1", remote=there, is_enriching=True, enrich={"state": "x"})),
        ]
        return [
            [(each.method, each.url.partition("/api/now/")[2].partition("?")[0]) for each in some] for some in previews
        ]

    with instance() as served:
        assert run(served, show, mapping=mapping) == [
            [("POST", "table/interaction")],
            [("PATCH", f"table/interaction/{there.id}")],
            [("PATCH", f"table/interaction/{there.id}")],
        ]


def test_the_quota_of_a_rule_is_shown_once_it_is_known() -> None:
    async def use(destination: Any) -> Any:
        await destination.validate()
        return destination.usage()

    with instance() as served:
        usage = run(served, use)
        assert (usage.api_calls, usage.quota_total) == (served.standin.counters.api_calls, None)
    with instance(limits={"api": Limit(1, 0.05)}, faults=Faults()) as served:
        assert run(served, use).quota_total == 1
