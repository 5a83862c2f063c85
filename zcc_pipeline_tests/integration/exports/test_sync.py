"""What is sent, when, and what is written down about it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.domain.export_ledger import ExportBusy
from zcc_pipeline.exports.destination import MappingProblem
from zcc_pipeline.exports.outcomes import Status
from zcc_pipeline_tests.integration.exports.centre import Centre, Dark, mapping
from zcc_pipeline_tests.integration.exports.engagements import changed, engagement, with_edited_note, with_note
from zcc_pipeline_tests.integration.exports.scripted_server import START

pytestmark = pytest.mark.integration


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
