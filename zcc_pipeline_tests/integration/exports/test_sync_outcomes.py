"""Refusals, answers that never came, and used-up days: what becomes of each, and what comes again."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from zcc_pipeline.domain.errors import TransientError
from zcc_pipeline.exports.destination import Addressed, WriteLog
from zcc_pipeline.exports.outcomes import Outcome, Status
from zcc_pipeline_tests.integration.exports.centre import Centre, Dark, mapping
from zcc_pipeline_tests.integration.exports.engagements import changed, engagement
from zcc_pipeline_tests.integration.exports.plain_crm import PlainDestination

pytestmark = pytest.mark.integration


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
