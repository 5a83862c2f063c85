"""What is sent, when, to whom, and what is written down about it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from zcc_pipeline.domain.errors import ConfigurationError, TransientError
from zcc_pipeline.domain.export_ledger import ExportBusy
from zcc_pipeline.exports.activity import Activity
from zcc_pipeline.exports.destination import Addressed, Customer, CustomerKeys, MappingProblem, WriteLog
from zcc_pipeline.exports.mapping import CrmMapping, parse_mapping
from zcc_pipeline.exports.outcomes import Outcome, Status
from zcc_pipeline.exports.report import ExportReport
from zcc_pipeline.exports.sync import Wanted, sync
from zcc_pipeline.state import StateStore
from zcc_pipeline_tests.integration.exports.engagements import changed, engagement, with_edited_note, with_note
from zcc_pipeline_tests.integration.exports.plain_crm import NoFiles, PlainCrm, PlainDestination, in_chunks
from zcc_pipeline_tests.integration.exports.scripted_server import START, FastClock

pytestmark = pytest.mark.integration

TEXT = """
version: 1
zendesk:
  export_when: {when}
  settle_hours: 24
  targets:
    ticket: {{object: ticket, key: external_id, fields: {{subject: subject, deleted: is_deleted_at_source}}}}
    mail: {{object: mail, key: external_id, fields: {{subject: subject}}}}
  channels: {{voice: ticket, video: ticket, messaging: ticket, email: mail}}
  queues: {queues}
  customer: {{on_none: {on_none}, on_several: {on_several}}}
  owner: {{from: agent_email, fallback: Fallback@centre.example}}
  notes: entries
  transcripts: none
  recordings: attach
  coexistence: {coexistence}
"""
PLAIN = {
    "when": "ended",
    "queues": '{"*": by_channel}',
    "on_none": "leave_unlinked",
    "on_several": "leave_unlinked",
    "coexistence": "{}",
}


def mapping(**changes: str) -> CrmMapping:
    found = parse_mapping("zendesk", TEXT.format(**{**PLAIN, **changes}), "crm_mapping.yml")
    assert found is not None
    return found


class Dark(PlainDestination):
    """Its search does not answer."""

    async def find_customers(self, wanted: Sequence[CustomerKeys]) -> Mapping[CustomerKeys, Sequence[Customer]]:
        raise TransientError("search customers: 503")


class Centre:
    """Engagements, a ledger and a CRM."""

    def __init__(self, folder: Path) -> None:
        self.state = StateStore.open(str(folder / "state.sqlite"))
        self.crm = PlainCrm()
        self.clock = FastClock()
        self.activities: dict[str, Activity] = {}
        self.read: list[str] = []
        self.mapping = mapping()
        self.destination = PlainDestination(self.crm)

    def take(self, *activities: Activity) -> None:
        self.activities |= {each.engagement_id: each for each in activities}

    def export(self, **options: Any) -> ExportReport:
        self.destination = options.pop("kind", PlainDestination)(self.crm, **options.pop("destination", {}))
        self.read = []

        def source(wanted: Wanted) -> Iterator[list[Activity]]:
            for chunk in in_chunks(self.activities.values(), 5):
                ids = set(wanted(chunk))
                self.read += [each.engagement_id for each in chunk if each.engagement_id in ids]
                yield [each for each in chunk if each.engagement_id in ids]

        return asyncio.run(
            sync(
                source,
                self.destination,
                mapping=self.mapping,
                ledger=self.state.exports,
                quarantine=self.state.quarantine,
                files=NoFiles(),
                clock=self.clock,
                **options,
            )
        )

    def rows(self) -> dict[str, Any]:
        return self.state.exports.get("zendesk", self.activities)

    def held(self) -> list[Any]:
        return list(self.state.quarantine.list())


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    story = Centre(tmp_path)
    with story.state:
        yield story


def test_what_is_new_is_created_and_what_has_not_changed_is_not_even_read(centre: Centre) -> None:
    centre.take(*(engagement(number) for number in range(7)))

    first = centre.export()
    assert (first.counts, first.written, first.is_complete) == ({Status.CREATED: 7}, 7, True)
    assert first.days == {each.started_date for each in centre.activities.values()}

    second = centre.export()
    assert second.counts == {Status.UNCHANGED: 7}
    assert (centre.read, centre.destination.batches, centre.destination.asked, second.days) == ([], [], [], set())


def test_only_what_has_changed_is_sent_again_to_the_same_record(centre: Centre) -> None:
    centre.take(*(engagement(number) for number in range(4)))
    centre.export()

    centre.take(changed(engagement(2), subject="Another matter"))
    report = centre.export()

    assert report.counts == {Status.UPDATED: 1, Status.UNCHANGED: 3}
    assert [record.fields["subject"] for record in centre.crm.of("eng-00002")] == ["Another matter"]


def test_a_change_that_the_crm_would_not_see_is_not_sent(centre: Centre) -> None:
    centre.take(engagement(1))
    centre.export()

    centre.take(changed(engagement(1), survey_score=1.0))
    report = centre.export()

    assert (report.counts, centre.destination.batches) == ({Status.UNCHANGED: 1}, [])
    assert centre.export().counts == {Status.UNCHANGED: 1}
    assert centre.read == []


def test_a_changed_mapping_looks_at_everything_again(centre: Centre) -> None:
    centre.take(engagement(1), engagement(2))
    centre.export()

    centre.mapping = mapping(when="settled")
    assert (centre.export().counts, centre.destination.batches) == ({Status.UNCHANGED: 2}, [])
    assert centre.read == ["eng-00001", "eng-00002"]
    centre.mapping = mapping(queues='{"*": mail}')
    assert centre.export().counts == {Status.UPDATED: 2}


def test_batches_are_full_and_of_one_target_each(centre: Centre) -> None:
    centre.take(*(engagement(number) for number in range(20)))  # every fifth is an e-mail
    centre.export(destination={"batch_size": 4})

    assert [len(batch) for batch in centre.destination.batches] == [4, 4, 4, 4, 4]


def test_each_version_of_a_note_is_appended_once(centre: Centre) -> None:
    centre.take(engagement(1))
    centre.export()
    centre.take(with_edited_note(with_note(engagement(1), "later"), "better"))
    centre.export()
    centre.take(changed(centre.activities["eng-00001"], subject="x"))
    centre.export()

    (record,) = centre.crm.of("eng-00001")
    assert sorted(key.rpartition(":")[0] for key in record.entries) == [
        "note:eng-00001-late",
        "note:eng-00001-note",
        "note:eng-00001-note",
    ]


def test_attachments_are_sent_once(centre: Centre) -> None:
    centre.take(engagement(0))
    centre.export()
    centre.take(changed(engagement(0), subject="x"))
    centre.export()

    (record,) = centre.crm.of("eng-00000")
    assert [key.rpartition(":")[0] for key in record.files] == ["file:recording:rec-eng-00000"]


def test_an_engagement_leaves_when_the_mapping_says(centre: Centre) -> None:
    ended = START - timedelta(hours=23)
    centre.take(engagement(1, ended_at=None), engagement(2, ended_at=ended, completeness_status="waiting"))

    assert (centre.export().counts, centre.export().not_due) == ({Status.CREATED: 1}, 1)
    centre.take(engagement(3, ended_at=ended, completeness_status="waiting"))
    centre.mapping = mapping(when="settled")
    assert centre.export().not_due == 2
    centre.mapping = mapping(when="complete")
    assert centre.export().not_due == 2
    centre.mapping = mapping(when="settled")
    centre.clock.seconds = 3601
    assert centre.export().counts[Status.CREATED] == 1
    assert len(centre.crm.of("eng-00003")) == 1


def test_what_was_deleted_at_the_source_is_flagged_where_it_is_and_never_sent_anew(centre: Centre) -> None:
    centre.take(engagement(1), engagement(2, is_deleted_at_source=True))
    assert centre.export().counts == {Status.CREATED: 1, Status.SKIPPED: 1}

    centre.take(changed(engagement(1), is_deleted_at_source=True))
    assert centre.export().counts == {Status.UPDATED: 1, Status.SKIPPED: 1}

    assert [record.fields["deleted"] for record in centre.crm.records.values()] == [True]


def test_an_unlisted_queue_or_channel_is_quarantined_once_and_not_dropped(centre: Centre) -> None:
    centre.mapping = mapping(queues="{Support: by_channel, Sales: skip}")
    centre.take(*(engagement(number) for number in range(3)), engagement(3, channel="fax"))

    report = centre.export()
    assert report.counts == {Status.CREATED: 1, Status.SKIPPED: 1, Status.FAILED_PERMANENT: 2}
    assert report.codes == {"unmapped_queue": 1, "unmapped_channel": 1}
    assert {(item.reason, item.detail) for item in centre.held()} == {
        ("unmapped_queue", "Billing"),
        ("unmapped_channel", "fax"),
    }

    again = centre.export()
    assert (again.counts[Status.FAILED_PERMANENT], again.refused, len(centre.held())) == (2, [], 2)

    centre.mapping = mapping()
    centre.take(engagement(3))
    assert centre.export().counts[Status.CREATED] == 3
    assert centre.held() == []


def test_a_queue_that_is_left_out_on_purpose_leaves_the_quarantine(centre: Centre) -> None:
    centre.mapping = mapping(queues="{Support: by_channel}")
    centre.take(engagement(1))
    centre.export()
    assert [item.reason for item in centre.held()] == ["unmapped_queue"]

    centre.mapping = mapping(queues="{Sales: skip}")
    assert centre.export().counts == {Status.SKIPPED: 1}
    assert centre.held() == []


def test_a_refused_record_is_held_with_the_crms_words_and_comes_again_only_when_something_changes(
    centre: Centre,
) -> None:
    centre.take(engagement(1), engagement(2))
    answers = iter(["refused", ""])
    centre.crm.trouble = lambda: next(answers, "")
    report = centre.export()
    centre.crm.trouble = lambda: ""

    assert report.counts == {Status.CREATED: 1, Status.FAILED_PERMANENT: 1}
    (refused,) = report.refused
    assert (refused.engagement_id, refused.code, refused.words) == (
        "eng-00001",
        "RecordInvalid",
        "Subject … of … is not allowed",
    )
    (item,) = centre.held()
    assert (item.record_id, item.reason, item.detail) == ("eng-00001", "RecordInvalid", refused.words)
    assert "Messaging about matter 1" in json.loads(item.payload)["message"]

    assert centre.export().counts == {Status.UNCHANGED: 1, Status.FAILED_PERMANENT: 1}
    assert centre.destination.batches == []

    centre.take(changed(engagement(1), subject="Allowed"))
    assert centre.export().counts == {Status.UNCHANGED: 1, Status.CREATED: 1}
    assert centre.held() == []


def test_a_code_that_looks_like_no_code_is_not_repeated_anywhere(centre: Centre) -> None:
    class Talkative(PlainDestination):
        async def write(self, batch: Sequence[Addressed], log: WriteLog) -> Sequence[Outcome]:
            return [
                Outcome(one.outgoing.engagement_id, Status.FAILED_PERMANENT, None, "Customer 1 is bad") for one in batch
            ]

    centre.take(engagement(1))
    report = centre.export(kind=Talkative)

    assert (report.codes, centre.rows()["eng-00001"].code) == ({"unnamed": 1}, "unnamed")


def test_a_refused_record_comes_again_when_it_is_replayed(centre: Centre) -> None:
    centre.take(engagement(1))
    centre.crm.trouble = lambda: "refused"
    centre.export()
    centre.crm.trouble = lambda: ""

    assert centre.state.exports.offer_again("zendesk", "eng-00001")

    assert centre.export().counts == {Status.CREATED: 1}
    assert centre.held() == []


def test_what_was_not_written_this_time_comes_in_the_next_run(centre: Centre) -> None:
    centre.take(engagement(1))
    centre.crm.trouble = lambda: "busy"
    report = centre.export()
    assert (report.counts, report.is_complete) == ({Status.FAILED_RETRYABLE: 1}, False)

    centre.crm.trouble = lambda: ""
    assert centre.export().counts == {Status.CREATED: 1}


@pytest.mark.parametrize("trouble", ["lost", "late", "silent", "gone_dark"])
def test_what_nobody_knows_is_looked_up_before_it_is_sent_again(centre: Centre, trouble: str) -> None:
    centre.take(engagement(1))
    centre.crm.trouble = lambda: trouble
    assert centre.export().counts == {Status.UNKNOWN: 1}

    centre.crm.trouble = lambda: ""
    centre.export()

    assert centre.destination.asked[0] == ("resolve", ["eng-00001"])
    assert len(centre.crm.of("eng-00001")) == 1
    assert centre.rows()["eng-00001"].status in ("created", "updated")


def test_an_update_that_was_lost_is_not_forgotten_when_the_run_that_looked_it_up_ends_early(centre: Centre) -> None:
    centre.take(engagement(1))
    centre.export()
    centre.take(changed(engagement(1), subject="Another matter"))
    centre.crm.trouble = lambda: "lost"
    centre.export()
    centre.crm.trouble = lambda: ""

    stopped = centre.export(kind=Dark)
    assert (stopped.stopped, centre.destination.asked[0][0]) == ("search customers: 503", "resolve")

    assert centre.export().counts == {Status.UPDATED: 1}
    assert centre.crm.of("eng-00001")[0].fields["subject"] == "Another matter"


def test_a_used_up_day_ends_the_run_and_the_next_one_goes_on(centre: Centre) -> None:
    centre.take(*(engagement(number) for number in (1, 2, 3, 5, 6, 7)))
    centre.crm.trouble = lambda: "quota" if len(centre.destination.batches) == 2 else ""

    report = centre.export()
    assert "daily limit" in report.stopped
    assert (report.counts, report.is_complete) == ({Status.CREATED: 3}, False)

    centre.crm.trouble = lambda: ""
    centre.export()
    assert sorted(record.engagement_id for record in centre.crm.records.values()) == sorted(centre.activities)


def test_a_crm_that_takes_nothing_is_not_asked_for_ever(centre: Centre) -> None:
    centre.take(*(engagement(number) for number in range(40)))
    centre.crm.trouble = lambda: "busy"

    report = centre.export()

    assert "nothing of 3 batches" in report.stopped
    assert len(centre.destination.batches) == 3


def test_a_record_that_the_crm_chokes_on_ends_up_alone_and_holds_up_nobody(centre: Centre) -> None:
    class Choking(PlainDestination):
        async def write(self, batch: Sequence[Addressed], log: WriteLog) -> Sequence[Outcome]:
            if any(one.outgoing.engagement_id == "eng-00003" for one in batch):
                raise TransientError("zendesk: 502")
            return await super().write(batch, log)

    centre.mapping = mapping(queues='{"*": ticket}')
    centre.take(*(engagement(number) for number in range(20)))
    runs = 0
    while len(centre.crm.records) < 19:
        centre.export(destination={"batch_size": 8}, kind=Choking)
        runs += 1

    assert runs <= 7
    assert centre.crm.of("eng-00003") == []
    centre.take(*(engagement(number) for number in range(20, 24)))
    assert centre.export(destination={"batch_size": 8}, kind=Choking).counts == {
        Status.UNCHANGED: 19,
        Status.CREATED: 4,
        Status.UNKNOWN: 1,
    }
    assert centre.destination.batches == [[f"eng-{number:05d}" for number in range(20, 24)]]


def test_a_record_in_flight_that_no_longer_leaves_is_still_looked_up(centre: Centre) -> None:
    centre.take(engagement(1))
    centre.crm.trouble = lambda: "late"
    centre.export()
    gone = centre.activities.pop("eng-00001")
    centre.crm.trouble = lambda: ""

    assert centre.export(is_whole=False).counts == {}
    assert centre.state.exports.get("zendesk", [gone.engagement_id])["eng-00001"].status == "unknown"
    centre.export()
    assert centre.state.exports.get("zendesk", [gone.engagement_id])["eng-00001"].status == "created"


def test_customers_are_found_once_a_run_and_linked(centre: Centre) -> None:
    same = {"customer_email": "Ann@people.example", "customer_phone": None}
    centre.crm.people = {"ann@people.example": ["p1"], "+41446680009": ["p2"]}
    centre.take(
        *(engagement(number, **same) for number in (1, 2, 3, 6, 7)),
        engagement(8, customer_email=None, customer_phone="+41446680009"),
    )

    centre.export(destination={"batch_size": 2})

    assert [record.customer for record in centre.crm.records.values()] == ["p1"] * 5 + ["p2"]
    asked = [keys for what, wanted in centre.destination.asked if what == "customers" for keys in wanted]
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("policy", "people", "counts", "code"),
    [
        ({}, {}, {Status.CREATED: 1}, None),
        ({"on_none": "quarantine"}, {}, {Status.FAILED_PERMANENT: 1}, "no_customer"),
        ({}, {"customer.1@people.example": ["a", "b"]}, {Status.CREATED: 1}, None),
        (
            {"on_several": "quarantine"},
            {"customer.1@people.example": ["a", "b"]},
            {Status.FAILED_PERMANENT: 1},
            "several_customers",
        ),
    ],
)
def test_none_or_several_customers_are_left_unlinked_or_quarantined(
    centre: Centre, policy: dict[str, str], people: dict[str, list[str]], counts: dict[Status, int], code: str | None
) -> None:
    centre.mapping, centre.crm.people = mapping(**policy), people
    centre.take(engagement(1))

    assert centre.export().counts == counts
    assert [item.reason for item in centre.held()] == ([code] if code else [])
    assert [record.customer for record in centre.crm.records.values()] == ([] if code else [None])
    if code:
        assert centre.export().counts == counts
        assert centre.destination.asked == []


def test_a_customer_who_is_not_there_is_created_once(centre: Centre) -> None:
    centre.mapping = mapping(on_none="create")
    same = {"customer_email": "ann@people.example", "customer_phone": None}
    centre.take(
        *(engagement(number, **same) for number in (1, 2, 3)),
        engagement(6, customer_name=None),
        engagement(7, customer_email=None, customer_phone=None),
    )

    report = centre.export()

    assert len(centre.crm.people) == 1
    assert report.codes == {"customer_refused": 1}
    assert report.counts == {Status.CREATED: 4, Status.FAILED_PERMANENT: 1}


def test_records_belong_to_the_agent_or_else_to_whom_the_mapping_names(centre: Centre) -> None:
    centre.crm.users = {"bo.lindqvist@centre.example": "bo", "fallback@centre.example": "desk"}
    centre.take(engagement(1), engagement(2), engagement(3, agent_email=None))

    centre.export()

    assert [centre.crm.of(f"eng-0000{number}")[0].owner for number in (1, 2, 3)] == ["bo", "desk", "desk"]


COEXISTENCE = (
    "{{queues: {{Support: {rule}}}, lookup: {{object: log, field: call, from: engagement_id}}, "
    "enrich_fields: {{summary: summary}}}}"
)


def test_what_another_program_logs_is_left_alone(centre: Centre) -> None:
    centre.mapping = mapping(coexistence=COEXISTENCE.format(rule="skip"))
    centre.crm.logged = {"eng-00003": "L1"}
    centre.take(engagement(3), engagement(6), engagement(7))

    assert centre.export().counts == {Status.SKIPPED: 1, Status.CREATED: 2}
    assert centre.export().counts == {Status.SKIPPED: 1, Status.UNCHANGED: 2}
    assert sorted(record.engagement_id for record in centre.crm.records.values()) == ["eng-00006", "eng-00007"]


def test_without_a_lookup_a_queue_of_another_program_is_left_alone_whole(centre: Centre) -> None:
    centre.mapping = mapping(coexistence="{queues: {Support: skip}}")
    centre.take(engagement(3), engagement(7))

    assert centre.export().counts == {Status.SKIPPED: 1, Status.CREATED: 1}


def test_what_another_program_logs_is_enriched_and_never_logged_twice(centre: Centre) -> None:
    centre.mapping = mapping(coexistence=COEXISTENCE.format(rule="enrich"))
    centre.crm.logged = {"eng-00003": "L1"}
    centre.take(engagement(3))

    assert centre.export().counts == {Status.UPDATED: 1}
    centre.take(changed(engagement(3), summary="more"))
    assert centre.export().counts == {Status.UPDATED: 1}

    row = centre.rows()["eng-00003"]
    assert (row.remote_id, row.is_foreign, centre.crm.records) == ("L1", True, {})


def test_a_dry_run_counts_and_shows_a_request_and_writes_nothing(centre: Centre) -> None:
    centre.take(engagement(1), engagement(2))
    centre.export()
    centre.mapping = mapping(on_none="create")
    centre.take(changed(engagement(1), subject="x"), engagement(3), engagement(6, channel="fax"))
    before, records = centre.rows(), len(centre.crm.records)

    report = centre.export(is_dry_run=True)

    assert report.counts == {Status.UPDATED: 2, Status.CREATED: 1, Status.FAILED_PERMANENT: 1}
    assert (report.preview[0].method, report.preview_of) == ("POST", "eng-00001")
    assert centre.export(is_dry_run=True, preview_of="eng-00003").preview_of == "eng-00003"
    assert (centre.rows(), len(centre.crm.records), centre.held(), centre.crm.people) == (before, records, [], {})


def test_a_dry_run_shows_the_request_for_a_record_that_has_not_changed(centre: Centre) -> None:
    centre.take(engagement(1), engagement(2))
    centre.export()

    report = centre.export(is_dry_run=True, preview_of="eng-00002")

    assert report.preview_of == "eng-00002"


def test_a_mapping_that_the_crm_contradicts_stops_before_the_first_write_and_names_the_line(centre: Centre) -> None:
    centre.take(engagement(1))
    problem = MappingProblem(("targets", "ticket", "fields", "subject"), "there is no field subject", "make one")

    with pytest.raises(
        ConfigurationError, match=r"crm_mapping\.yml:7: zendesk\.targets\.ticket\.fields\.subject: there is no"
    ):
        centre.export(destination={"problems": [problem]})

    assert (centre.rows(), centre.crm.records) == ({}, {})


def test_two_runs_to_one_crm_exclude_each_other(centre: Centre) -> None:
    with centre.state.exports.exclusive("zendesk"), pytest.raises(ExportBusy):
        centre.export()


def test_a_crm_that_does_not_answer_a_lookup_ends_the_run_with_nothing_lost(centre: Centre) -> None:
    centre.take(engagement(1))

    report = centre.export(kind=Dark)

    assert (report.stopped, report.counts) == ("search customers: 503", {})
    assert centre.export().counts == {Status.CREATED: 1}


def test_the_ledger_holds_nothing_about_people(centre: Centre) -> None:
    centre.take(*(engagement(number, is_deleted_at_source=False) for number in range(6)))
    answers = iter(["refused", "", "late", ""])
    centre.crm.trouble = lambda: next(answers, "")
    centre.export()

    said = repr(centre.rows()) + repr(centre.state.exports.pieces("zendesk", centre.activities))
    everything = [
        value
        for each in centre.activities.values()
        for value in (
            each.customer_name,
            each.customer_email,
            each.customer_phone,
            each.subject,
            each.agent_name,
            each.notes_text,
            each.transcript_text,
        )
    ]
    assert not [value for value in everything if value and value in said]
