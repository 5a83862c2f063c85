"""Whole runs with the section for phone calls: what the suite over all CRMs shows for tables, for activities."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from zcc_pipeline.exports.outcomes import Status
from zcc_pipeline.simulator.crm.base import Faults
from zcc_pipeline_tests.integration.exports.dynamics.adapter import DynamicsAdapter
from zcc_pipeline_tests.integration.exports.dynamics.environment import with_phone_calls
from zcc_pipeline_tests.integration.exports.engagements import changed, engagement, with_edited_note, with_note
from zcc_pipeline_tests.integration.exports.office import Office, office, people

pytestmark = pytest.mark.integration

COMPLETED = 1


class AppendingAdapter(DynamicsAdapter):
    """The section writes notes as entries: one annotation for each version."""

    appends_notes = True


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Office]]:
    with ExitStack() as stack:

        def begin(**options: Any) -> Office:
            return stack.enter_context(office(AppendingAdapter(), tmp_path, mapping=with_phone_calls(), **options))

        yield begin


def all_completed(story: Office) -> bool:
    return {row["statecode"] for row in story.running.standin.records()["phonecall"]} == {COMPLETED}


def test_voice_becomes_phone_calls_and_the_rest_rows_and_a_second_run_writes_nothing(start):
    story = start(people=people(range(40)))
    story.take(*(engagement(number) for number in range(40)))
    assert story.export().counts == {Status.CREATED: 40}
    assert story.problems() == []
    held = story.running.standin.records()
    assert (len(held["phonecall"]), len(held["zcc_engagement"])) == (8, 32)
    assert all_completed(story)
    before = story.crm["writes"]
    assert story.export().counts == {Status.UNCHANGED: 40}
    assert story.crm["writes"] == before


def test_a_late_note_a_change_and_a_deletion_reach_calls_that_are_completed(start):
    story = start()
    story.take(*(engagement(number) for number in range(20)))
    story.export()
    story.take(with_note(engagement(0), "A late note"), with_edited_note(engagement(5), "Other words"))
    story.take(changed(engagement(10), subject="Another subject"), changed(engagement(15), is_deleted_at_source=True))
    assert story.export().counts == {Status.UPDATED: 4, Status.UNCHANGED: 16}
    assert story.problems() == []
    assert all_completed(story)


def test_answers_that_never_come_leave_each_call_there_once_and_completed(start):
    story = start(faults=Faults(timeout_after_commit=(1, 3, 4, 6), timeout_before_commit=(2,)))
    story.take(*(engagement(number) for number in range(30)))
    story.export_until_done()
    assert story.problems() == []
    assert all_completed(story)


def test_some_that_are_refused_keep_no_other_call_open(start):
    story = start(faults=Faults(refuse_share=0.3))
    story.take(*(engagement(number) for number in range(60)))
    report = story.export()
    refused = {item.record_id for item in story.held()}
    assert report.counts[Status.FAILED_PERMANENT] == len(refused) > 0
    assert story.problems(without=refused) == []
    assert all_completed(story)
