"""Before the first write: the mapping against the definitions, the doctor's lines, and what --setup makes."""

from __future__ import annotations

import pytest

from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.exports.mapping import shipped_text
from zcc_pipeline.exports.outcomes import Status
from zcc_pipeline.simulator.crm.base import Credentials
from zcc_pipeline_tests.integration.exports.dynamics.environment import (
    PHONE_CALLS,
    calls,
    changed,
    organisation,
    record,
    run,
    shipped,
    with_phone_calls,
    write,
)

pytestmark = pytest.mark.integration


def problems(served, mapping=None):
    found = run(served, lambda destination: destination.validate(), mapping=mapping)
    return {each.where: each.problem for each in found}


def test_the_shipped_mapping_fits_the_table_that_setup_makes():
    with organisation() as served:
        assert problems(served) == {}
        assert problems(served, with_phone_calls()) == {}
        assert served.standin.counters.writes == 0


QUEUE, STARTED = "zcc_queue: {from: queue_name, cut: 200}", "zcc_startedat: {from: started_at, as: datetime}"
FLOW, ANSWERED = "zcc_flow: {", "zcc_isanswered: is_answered"
ABOVE = "\n        zcc_flow: {"


@pytest.mark.parametrize(
    ("before", "after", "where", "words"),
    [
        ("object: zcc_engagement ", "object: zcc_engagment ", "object", "there is no table"),
        ("key: zcc_zoomengagementid", "key: zcc_id", "key", "has no column"),
        ("key: zcc_zoomengagementid", "key: zcc_queue", "key", "is no alternate key"),
        (FLOW, "zcc_flows: {", "fields.zcc_flows", "did you mean 'zcc_flow'"),
        (QUEUE, "zcc_queue: {from: queue_name, cut: 201}", "fields.zcc_queue", "holds 200"),
        (QUEUE, "zcc_queue: queue_name", "fields.zcc_queue", "longer than"),
        (STARTED, "zcc_startedat: channel", "fields.zcc_startedat", "DateTime"),
        (ANSWERED, "zcc_isanswered: {from: is_answered, as: text}", "fields.zcc_isanswered", "Boolean"),
        (FLOW, f"createdon: started_at{ABOVE}", "fields.createdon", "cannot be written"),
        (FLOW, f"ownerid: {{value: x}}{ABOVE}", "fields.ownerid", "look-up"),
        ("entity_set: zcc_engagements ", "entity_set: zcc_engagement ", "options.entity_set", "zcc_engagements"),
        ("zcc_ContactId", "zcc_contactid", "options.customer_link", "zcc_ContactId"),
    ],
)
def test_what_the_definitions_contradict_is_named_by_its_place(before, after, where, words):
    with organisation() as served:
        found = problems(served, changed({before: after}))
        assert words in found["targets", "engagement", *where.split(".")]


def test_problems_name_the_line_of_the_file():
    with organisation() as served:
        mapping = changed({"zcc_flow: {": "zcc_flows: {"})
        found = run(served, lambda destination: destination.validate(), mapping=mapping)
        text = str(mapping.problems(list(found)))
        line = next(number for number, line in enumerate(open_text(mapping), 1) if "zcc_flows" in line)
        assert f"mine.yml:{line}:" in text


def open_text(mapping) -> list[str]:
    whole = shipped_text()
    section = "version: 1\n" + whole[whole.index("\ndynamics:\n") : whole.index("\nhubspot:\n")]
    return section.replace("zcc_flow: {", "zcc_flows: {").splitlines()


def test_options_that_are_not_known_are_refused_with_their_line():
    with organisation() as served, pytest.raises(ConfigurationError, match=r"mine.yml:\d+: .*identify_with"):
        problems(served, changed({"identify_by:": "identify_with:"}))


def test_a_key_whose_index_is_still_being_built_is_told():
    seconds = [0.0]
    options = {"settings": {"index_seconds": 60}, "monotonic": lambda: seconds[0], "token_seconds": 1e6}
    with organisation(**options) as served:
        assert "Pending" in problems(served)["targets", "engagement", "key"]
        seconds[0] = 61
        assert problems(served) == {}


def test_a_table_without_attachments_cannot_take_files():
    with organisation() as served:
        served.standin.tables["zcc_engagement"].has_notes = False
        assert "HasNotes" in problems(served)["targets", "engagement", "object"]


def test_setup_makes_everything_and_then_finds_everything():
    with organisation(settings={"is_provisioned": False}) as served:
        mapping = with_phone_calls()
        steps = run(served, lambda destination: destination.set_up(), mapping=mapping)
        assert [step for step in steps if not step.is_done] == []
        assert problems(served, mapping) == {}
        made = served.standin.counters.writes
        again = run(served, lambda destination: destination.set_up(), mapping=mapping)
        assert all(step.is_done for step in again)
        assert calls(served, "POST /api/data/v9.2/EntityDefinitions") == 1
        assert made > 10
        assert write(served, [record("e1")], mapping=mapping)["e1"].status is Status.CREATED


def test_setup_of_the_shipped_mapping_makes_columns_that_it_fits():
    with organisation(settings={"is_provisioned": False}) as served:
        run(served, lambda destination: destination.set_up())
        assert problems(served) == {}
        made = served.standin.tables["zcc_engagement"]
        wanted = set(shipped().section.targets["engagement"].fields)
        assert wanted <= set(made.columns)
        assert made.columns["zcc_body"].kind == "Memo"
        assert made.columns["zcc_isanswered"].kind == "Boolean"


def test_setup_adds_what_a_longer_mapping_needs_to_a_table_that_is_there():
    with organisation() as served:
        mapping = changed({FLOW: "zcc_account: {from: account_number, cut: 60}\n        zcc_flow: {"})
        assert ("targets", "engagement", "fields", "zcc_account") in problems(served, mapping)
        steps = run(served, lambda destination: destination.set_up(), mapping=mapping)
        assert [(step.name, step.is_done) for step in steps] == [
            ("publisher with the prefix zcc", True),
            ("solution zccpipeline", True),
            ("column zcc_account", True),
            ("alternate key on zcc_zoomengagementid", True),
        ]
        assert problems(served, mapping) == {}


def test_setup_files_its_labels_under_the_base_language_of_the_organisation():
    with organisation(settings={"is_provisioned": False, "language": 1031}) as served:
        steps = run(served, lambda destination: destination.set_up())
        assert [step for step in steps if not step.is_done] == []


def test_setup_says_that_an_index_is_still_being_built():
    with organisation(settings={"is_provisioned": False, "index_seconds": 3600}) as served:
        steps = run(served, lambda destination: destination.set_up())
        assert [(step.name, step.is_done) for step in steps[-2:]] == [
            ("alternate key on zcc_zoomengagementid", True),
            ("alternate key on zcc_zoomengagementid: index", False),
        ]


def test_without_the_privilege_setup_says_what_an_administrator_does():
    with organisation(settings={"is_provisioned": False, "may_customize": False}) as served:
        steps = run(served, lambda destination: destination.set_up())
        (undone,) = [step for step in steps if not step.is_done]
        assert undone.name == "table zcc_engagement"
        assert "make.powerapps.com" in undone.text


def test_the_doctor_has_a_line_for_everything():
    with organisation() as served:
        checks = run(served, lambda destination: destination.examine())
        assert {check.topic: check.verdict for check in checks} == {
            "credentials": "ok",
            "table zcc_engagement": "ok",
            "rights zcc_engagements": "ok",
            "key zcc_zoomengagementid": "ok",
            "rights contacts": "ok",
            "rights systemusers": "ok",
            "file size": "ok",
            "limits": "ok",
        }
        assert served.standin.counters.writes == 0


def test_the_doctor_tells_what_is_missing():
    with organisation(settings={"is_member": False}) as served:
        (check,) = run(served, lambda destination: destination.examine())
        assert (check.verdict, "application user" in check.remedy) == ("problem", True)
    with organisation(settings={"is_provisioned": False}) as served:
        checks = run(served, lambda destination: destination.examine())
        assert [check.topic for check in checks if check.verdict == "problem"] == ["table zcc_engagement"]
    mapping = changed({"recordings: link": "recordings: attach"})
    with organisation() as served:
        checks = run(served, lambda destination: destination.examine(), mapping=mapping)
        assert [check.topic for check in checks if check.verdict == "warning"] == ["file size"]


def test_the_doctor_names_the_setting_of_a_wrong_secret():
    with (
        organisation(credentials=Credentials("app", "right")) as served,
        pytest.raises(ConfigurationError, match="ZCC_DYNAMICS_CLIENT_SECRET"),
    ):
        run(served, lambda destination: destination.examine(), client_secret="wrong")


def test_the_section_that_comes_along_for_phone_calls_is_read():
    assert set(with_phone_calls().section.targets) == {"call", "engagement"}
    assert PHONE_CALLS.is_file()
