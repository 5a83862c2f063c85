"""What goes wrong on the way to any CRM: tokens die, days are used up, answers never come. All is there once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from zcc_pipeline.domain.export_ledger import ExportBusy
from zcc_pipeline.exports.activity import Activity
from zcc_pipeline.exports.outcomes import Status
from zcc_pipeline.exports.sync import Wanted
from zcc_pipeline.simulator.crm.base import Faults
from zcc_pipeline_tests.integration.exports.adapters import CRMS, CrmAdapter
from zcc_pipeline_tests.integration.exports.engagements import changed, many
from zcc_pipeline_tests.integration.exports.office import Open, people

pytestmark = [pytest.mark.integration, pytest.mark.slow]

KEY_AGREED_ON = "hubspot"
"""Its service key is agreed on beforehand and does not expire."""


def test_a_tenth_refused_is_quarantined_in_the_crm_s_words_and_arrives_once_it_is_accepted(
    adapter: CrmAdapter, start: Open
) -> None:
    faults = Faults(refuse_share=0.1)
    story = start(faults=faults)
    story.take(*many(60))
    refused = {key for key in story.activities if faults.refuses(key)}
    assert 2 < len(refused) < 15
    report = story.export()
    assert report.counts == {Status.CREATED: 60 - len(refused), Status.FAILED_PERMANENT: len(refused)}
    assert story.problems(without=refused) == []
    assert {item.record_id for item in story.held()} == refused
    assert all(adapter.words_of_refusal in item.detail for item in story.held())
    before = story.crm["writes"]
    assert story.export().counts == {Status.UNCHANGED: 60 - len(refused), Status.FAILED_PERMANENT: len(refused)}
    assert story.crm["writes"] == before
    story.control("faults")
    for key in refused:
        assert story.state.exports.offer_again(adapter.name, key)
    story.export()
    assert story.problems() == []
    assert story.held() == []


@pytest.mark.parametrize("calls", [3, 7])
@pytest.mark.parametrize("adapter", [name for name in CRMS if name != KEY_AGREED_ON], indirect=True)
def test_a_token_that_dies_in_mid_run_is_replaced(start: Open, calls: int) -> None:
    story = start(faults=Faults(token_dies_after=calls), people=people(range(4)))
    story.batch_size = 10
    story.take(*many(30))
    assert story.export().is_complete
    assert story.problems() == []
    assert story.crm["tokens_issued"] > 1


@pytest.mark.parametrize("fault", [{"storm_429": 4}, {"storm_429": 3, "retry_after_seconds": 1}, {"fail_5xx": 3}])
def test_storms_and_broken_servers_pass(start: Open, fault: dict[str, Any]) -> None:
    story = start(faults=Faults(**fault))
    story.batch_size = 10
    story.take(*many(25))
    story.export_until_done()
    assert story.problems() == []


def test_a_used_up_day_ends_the_run_and_the_next_one_goes_on(start: Open) -> None:
    story = start()
    story.batch_size = 5
    story.take(*many(30))
    story.export()
    spent = story.crm["api_calls"]
    story.take(*(changed(each, subject=f"{each.subject}, once more") for each in many(30)))
    story.control("faults", daily_cap=spent // 2)
    report = story.export()
    assert report.stopped
    assert not report.is_complete
    accounted = sum(report.counts.values())
    assert accounted < 30
    story.control("faults")
    story.export_until_done()
    assert story.problems() == []


@pytest.mark.parametrize("fault", ["timeout_after_commit", "timeout_before_commit"])
@pytest.mark.parametrize(
    "writes",
    [
        [1],
        pytest.param([2], marks=pytest.mark.slow),
        pytest.param([3, 4], marks=pytest.mark.slow),
        [1, 2, 3, 4, 5, 6, 7, 8],
    ],
)
def test_an_answer_that_never_comes_writes_nothing_twice(start: Open, fault: str, writes: list[int]) -> None:
    story = start(faults=Faults(**{fault: writes}), people=people(range(3)))
    story.batch_size = 10
    story.take(*many(30))
    story.export_until_done()
    assert story.problems() == []
    assert story.crm["unanswered"] >= 1


def test_two_runs_at_once_are_one_too_many_and_the_second_says_so(start: Open) -> None:
    story = start()
    story.take(*many(10))
    busy: list[BaseException | None] = []

    def meddled(wanted: Wanted) -> Iterator[list[Activity]]:
        with ThreadPoolExecutor(1) as another:
            busy.append(another.submit(story.export).exception())
        yield from story.source(wanted)

    assert story.export_from(meddled).counts == {Status.CREATED: 10}
    assert [type(error) for error in busy] == [ExportBusy]
    assert story.problems() == []
