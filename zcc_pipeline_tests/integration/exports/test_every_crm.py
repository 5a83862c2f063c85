"""One suite over all CRMs: whatever happens on the way, each engagement is there once, complete and as it is now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from zcc_pipeline.domain.clock import ShiftedClock
from zcc_pipeline.exports.activity import Activity
from zcc_pipeline.exports.mapping import read_mapping
from zcc_pipeline.exports.outcomes import Status
from zcc_pipeline.exports.sync import Wanted
from zcc_pipeline.simulator.crm.base import Person
from zcc_pipeline_tests.integration.exports.adapters import CrmAdapter
from zcc_pipeline_tests.integration.exports.engagements import (
    BARE,
    FIRST,
    changed,
    email,
    engagement,
    many,
    phone,
    with_edited_note,
    with_note,
    without_first_note,
)
from zcc_pipeline_tests.integration.exports.office import Open, chunks_of, people, varied

pytestmark = pytest.mark.integration

ODD = (
    "Müller & Søn <b>bold</b> \"quoted\" 'single' `tick` 100% {brace} [bracket]",
    "日本語のメモ、한국어 메모, العربية, עברית, ไทย",
    "👩‍👩‍👧‍👦 family, 🇨🇭 flag, e\u0301 combining, ﷽, ZWJ\u200d, soft\u00adhyphen",
    "line one\r\nline two\n\ttabbed\u2028separated\u00a0spaces",
    "</script><script>alert(1)</script> ${jndi:ldap://x} {{7*7}} =cmd|' /C calc'!A0",
)
HOSTILE = (
    "O'Brien",
    'x" OR "1"="1',
    "x' OR Email != '",
    "a^ORactive=true^NQemail",
    "x') or (contactid ne null",
    "*",
    "%25%' --",
    "back\\slash\\' OR Name LIKE '%",
    "role:admin type:ticket *",
    "$filter=1 eq 1&$top=5000",
)


# What arrives


def test_every_engagement_arrives_once_complete_and_linked_to_its_customer(start: Open) -> None:
    story = start(people=people(range(0, 30, 2)) + people(range(1, 10, 2)))
    story.take(*many(30))
    report = story.export()
    assert report.counts == {Status.CREATED: 30}
    assert report.is_complete
    assert story.problems() == []
    known = {*range(0, 30, 2), *range(1, 10, 2)}
    linked = {key: view.customer for key, view in story.remote().items()}
    for number in range(30):
        person = linked[f"eng-{number:05d}"]
        expected = (email(number) if number % 2 else phone(number)) if number in known else None
        assert person == expected, number


def test_the_comparison_of_this_suite_notices_every_kind_of_difference(start: Open) -> None:
    story = start()
    story.take(*many(6))
    story.export()
    assert story.problems() == []
    story.take(
        changed(engagement(0), subject="Never exported"),
        changed(engagement(1), transcript_text="Agent: Never exported."),
        changed(engagement(2), is_deleted_at_source=True),
        with_edited_note(engagement(3), "Never exported"),
        engagement(9),
    )
    del story.activities["eng-00005"]
    noticed = {problem.partition(" ")[0].rstrip(":") for problem in story.problems()}
    assert noticed == {"eng-00000", "eng-00001", "eng-00002", "eng-00003", "eng-00005", "eng-00009"}


def test_a_second_run_writes_nothing(start: Open) -> None:
    story = start(people=people(range(5)))
    story.take(*many(25))
    story.export()
    before = story.crm
    report = story.export()
    assert report.counts == {Status.UNCHANGED: 25}
    assert (story.crm["writes"], story.crm["changes"]) == (before["writes"], before["changes"])
    assert story.crm["api_calls"] == before["api_calls"]


def test_what_has_changed_is_updated_and_nothing_else_is_written(start: Open) -> None:
    story = start()
    story.take(*many(20))
    story.export()
    before = story.remote()
    story.take(changed(engagement(3), subject="Another subject", duration_seconds=999))
    story.take(changed(engagement(4), subject="Yet another", transcript_text="Agent: It was all quite different."))
    report = story.export()
    assert report.counts == {Status.UPDATED: 2, Status.UNCHANGED: 18}
    assert story.problems() == []
    after = story.remote()
    assert {key for key in after if after[key] != before[key]} == {"eng-00003", "eng-00004"}


def test_a_late_note_is_added_an_edited_one_follows_and_a_deleted_one_is_told(start: Open) -> None:
    story = start()
    story.take(*many(10))
    story.export()
    story.take(with_note(engagement(0), "A late note about the first matter"))
    story.take(with_edited_note(engagement(1), "The note, in other words"))
    story.take(without_first_note(engagement(2)))
    assert story.export().counts == {Status.UPDATED: 3, Status.UNCHANGED: 7}
    assert story.problems() == []
    story.take(with_note(with_edited_note(engagement(1), "The note, in other words"), "And one more"))
    assert story.export().counts[Status.UPDATED] == 1
    assert story.problems() == []
    before = story.crm["writes"]
    assert story.export().counts == {Status.UNCHANGED: 10}
    assert story.crm["writes"] == before


def test_a_deletion_at_source_flags_the_record_and_deletes_nothing(start: Open) -> None:
    story = start()
    story.take(*many(6))
    story.export()
    story.take(changed(engagement(1), is_deleted_at_source=True))
    story.take(changed(engagement(77), is_deleted_at_source=True))
    report = story.export()
    assert report.counts == {Status.UPDATED: 1, Status.UNCHANGED: 5, Status.SKIPPED: 1}
    assert story.problems(without={"eng-00077"}) == []
    assert story.remote()["eng-00001"].is_deleted


def test_an_engagement_that_comes_twice_is_there_once(start: Open) -> None:
    story = start()
    story.take(*many(8))

    def doubled(wanted: Wanted) -> Iterator[list[Activity]]:
        for chunk in chunks_of(list(story.activities.values()), wanted):
            yield [*chunk, *chunk[:4]]
            yield chunk[4:]

    story.export_from(doubled)
    assert story.problems() == []
    assert story.export().counts == {Status.UNCHANGED: 8}


def test_engagements_that_look_alike_stay_apart(start: Open) -> None:
    story = start(people=people([1]))
    twins = [
        changed(engagement(1), engagement_id=f"twin-{each}", note_versions=(), notes_text=None) for each in "abcdefgh"
    ]
    story.take(*twins)
    assert story.export().counts == {Status.CREATED: 8}
    assert story.problems() == []


def test_missing_optional_fields_are_no_obstacle(start: Open) -> None:
    story = start()
    story.take(*(engagement(number, **BARE) for number in range(5)))
    assert story.export().counts == {Status.CREATED: 5}
    assert story.problems() == []
    story.take(*many(5))
    story.export()
    story.take(*(engagement(number, **BARE, subject="Empty again") for number in range(5)))
    story.export()
    assert {view.subject for view in story.remote().values()} == {"Empty again"}


def test_odd_characters_and_scripts_arrive_as_they_are(start: Open) -> None:
    story = start()
    for number, text in enumerate(ODD):
        flat = " ".join(text.split())
        made = engagement(number, subject=flat[:80], customer_name=flat[:60], queue_name=flat[:40])
        story.take(with_note(made, text.replace("\r\n", "\n")))
    assert story.export().counts == {Status.CREATED: len(ODD)}
    remote = story.remote()
    for number, text in enumerate(ODD):
        view = remote[f"eng-{number:05d}"]
        assert view.subject == " ".join(text.split())[:80]
        words = [word for line in text.splitlines() for word in line.split()]
        assert all(word in "\n".join(view.notes) for word in words), view.notes
    before = story.crm["writes"]
    assert story.export().counts == {Status.UNCHANGED: len(ODD)}
    assert story.crm["writes"] == before


def test_over_long_texts_are_cut_where_they_must_be_and_attached_whole(start: Open) -> None:
    story = start()
    line = "Agent: This is a sentence of a long, long conversation. "
    long = engagement(0, subject="A very long subject " * 100, transcript_text=line * 6_000)
    wide = engagement(1, transcript_text="長い会話です。" * 30_000, queue_name="Q" * 2_000, customer_name="N" * 2_000)
    story.take(long, wide, with_note(engagement(2), "A long note. " * 6_000))
    report = story.export()
    assert (report.counts, report.refused) == ({Status.CREATED: 3}, [])
    remote = story.remote()
    for key in ("eng-00000", "eng-00001"):
        whole, shown = (story.activities[key].transcript_text or "").strip(), remote[key].transcript or ""
        assert whole in shown or [name for name in remote[key].attachments if "transcript" in name], key
        assert shown[:1_000] in whole
    assert "A long note. " * 20 in "\n".join(remote["eng-00002"].notes)
    assert story.problems(without={"eng-00002"}) == ["eng-00002 is there"]


# To whom


def test_two_customers_with_one_phone_are_not_guessed_at(start: Open) -> None:
    story = start(people=(Person("Ada", "ada@people.example", phone(2)), Person("Bea", "bea@people.example", phone(2))))
    story.take(engagement(2), engagement(4))
    assert story.export().counts == {Status.CREATED: 2}
    assert [view.customer for view in story.remote().values()] == [None, None]


def test_a_customer_who_comes_into_the_crm_later_is_linked_and_nothing_is_there_twice(start: Open) -> None:
    story = start()
    clock = story.clock = ShiftedClock(FIRST + timedelta(days=2) - datetime.now(UTC))
    story.take(*many(5))
    story.export()
    late = [{"name": "Late", "email": email(1), "phone": phone(1), "kind": "customer"}]
    story.control("people", people=late)
    clock.shift += timedelta(hours=2)

    assert story.export().counts == {Status.UPDATED: 1, Status.UNCHANGED: 4}
    assert story.remote()["eng-00001"].customer == email(1)
    assert story.problems() == []


def test_what_is_not_to_be_without_its_customer_waits_in_quarantine(adapter: CrmAdapter, start: Open) -> None:
    mapping = varied(read_mapping(adapter.name, None), customer={"on_none": "quarantine", "on_several": "quarantine"})
    twice = (Person("Ada", "ada@people.example", phone(2)), Person("Bea", "bea@people.example", phone(2)))
    story = start(mapping=mapping, people=(*twice, Person("Cleo", email(1), phone(1))))
    story.take(engagement(1), engagement(2), engagement(4))
    report = story.export()
    assert report.counts == {Status.CREATED: 1, Status.FAILED_PERMANENT: 2}
    assert report.codes == {"several_customers": 1, "no_customer": 1}
    assert {item.record_id for item in story.held()} == {"eng-00002", "eng-00004"}
    assert story.problems(without={"eng-00002", "eng-00004"}) == []


def test_a_customer_who_is_not_there_is_created_once_where_that_is_wanted(adapter: CrmAdapter, start: Open) -> None:
    story = start(mapping=varied(read_mapping(adapter.name, None), customer={"on_none": "create"}))
    same = {"customer_email": email(1), "customer_phone": phone(1), "customer_name": "Ada Byron"}
    story.take(*(engagement(number, **same) for number in range(5)))
    assert story.export().counts == {Status.CREATED: 5}
    assert {view.customer for view in story.remote().values()} == {email(1)}
    assert story.problems() == []


def test_hostile_names_and_addresses_find_nobody_else_and_break_nothing(start: Open) -> None:
    story = start(people=people(range(20)))
    for number, text in enumerate(HOSTILE):
        local = text.replace(" ", "_").replace("@", "")
        story.take(
            engagement(
                100 + number,
                customer_name=text,
                customer_email=f"{local}@evil.example",
                customer_phone=None if number % 2 else f"+1415555{number:04d}",
                queue_name=text,
                agent_name=text,
                agent_email=f"{local}@evil.example",
                subject=f"Hostile: {text}",
                dispositions=(text,),
            )
        )
    report = story.export()
    assert (report.counts, report.refused) == ({Status.CREATED: len(HOSTILE)}, [])
    assert story.problems() == []
    assert {view.customer for view in story.remote().values()} == {None}


def test_a_queue_or_channel_that_nobody_mapped_is_held_and_counted(adapter: CrmAdapter, start: Open) -> None:
    shipped = read_mapping(adapter.name, None)
    queues = {name: rule for name, rule in shipped.section.queues.items() if name != "*"} | {"Support": "by_channel"}
    story = start(mapping=varied(shipped, queues=queues))
    story.take(engagement(0), engagement(1), engagement(3, channel="fax", channel_source=None))
    report = story.export()
    assert report.counts == {Status.CREATED: 1, Status.FAILED_PERMANENT: 2}
    assert report.codes == {"unmapped_queue": 1, "unmapped_channel": 1}
    assert {item.reason for item in story.held()} == {"unmapped_queue", "unmapped_channel"}
    assert story.problems(without={"eng-00001", "eng-00003"}) == []
