"""Every request the pipeline makes and every answer it gets is held to the published definition of the API.

All stories are; here are the verbs that few stories use, and what the stories' own check is worth.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path

import pytest

from zcc_pipeline.pipeline.account_check import examine_account
from zcc_pipeline.pipeline.late_closers import find_late_closers
from zcc_pipeline.pipeline.notes_audit import audit_notes
from zcc_pipeline.pipeline.plan import plan
from zcc_pipeline.pipeline.pull import pull
from zcc_pipeline.pipeline.refresh import refresh
from zcc_pipeline_tests.story import Story, story

pytestmark = [pytest.mark.integration]


def test_every_exchange_of_a_plan_a_doctor_a_pull_a_refresh_and_the_audits_conforms(tmp_path: Path) -> None:
    with story(tmp_path / "home", days=2, per_day=40) as told:
        with told.runtime() as runtime:
            assert plan(runtime, told.days[0], told.days[-1]).probe_calls > 0
            examine_account(runtime)
            pull(runtime, told.days)
            find_late_closers(runtime, told.days)
            refresh(runtime, [entry["engagement_id"] for entry in told.closed_engagements()[:20]])
            audit_notes(runtime)
        assert len(told.exchanges.operations()) >= 19, sorted(told.exchanges.operations())


def ask(told: Story, path: str) -> None:
    try:
        urllib.request.urlopen(f"{told.simulator.api_url}/{path}", timeout=30).close()  # noqa: S310 - loopback
    except urllib.error.HTTPError as refused:
        refused.close()


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("contact_center/queues?colour=red", "no query name 'colour'"),
        ("contact_center/engagements?page_size=5000", "5000 is out of bounds"),
        ("contact_center/wishes", "is no path of the definition"),
    ],
)
def test_a_story_with_a_request_that_is_not_in_the_definition_fails(tmp_path: Path, path: str, problem: str) -> None:
    with pytest.raises(AssertionError, match=problem), story(tmp_path / "home", days=1, per_day=1) as told:
        ask(told, path)


def test_a_story_with_an_answer_that_is_not_in_the_definition_fails(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="colour is not a field"), story(tmp_path, days=1, per_day=1) as told:
        told.exchanges.answers.add(("/v2/contact_center/queues", 200, b'{"queues": [], "colour": 1}'))
