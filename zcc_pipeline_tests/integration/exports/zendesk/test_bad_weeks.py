"""Weeks in which everything goes wrong by chance: in the end each engagement is there once, with each note once."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from zcc_pipeline.domain.errors import TransientError
from zcc_pipeline.exports.activity import Activity
from zcc_pipeline.exports.mapping import CrmMapping, read_mapping
from zcc_pipeline_tests.integration.exports.engagements import (
    changed,
    engagement,
    recording,
    with_edited_note,
    with_note,
    without_first_note,
)
from zcc_pipeline_tests.integration.exports.office import Office, people, varied
from zcc_pipeline_tests.integration.exports.zendesk.account import routed, with_options, zendesk

pytestmark = pytest.mark.integration

NIGHTS = 8
ATTACHING: dict[str, Any] = {"recordings": "attach", "customer": {"on_none": "create"}}
MAPPINGS: dict[str, CrmMapping] = {
    "import": varied(read_mapping("zendesk", None), **ATTACHING),
    "live": with_options(varied(read_mapping("zendesk", None), **ATTACHING), "ticket", create="live"),
    "voice": routed("call", **ATTACHING),
}


def something_new(story: Office, chance: random.Random, night: int) -> None:
    """What a day brings."""
    for number in range(night * 6, night * 6 + 6):
        story.take(engagement(number))
    for key in chance.sample(sorted(story.activities), k=min(8, len(story.activities))):
        story.take(_changed(story.activities[key], chance, night))


def _changed(activity: Activity, chance: random.Random, night: int) -> Activity:
    match chance.randrange(6):
        case 0:
            return with_note(activity, f"Late note of night {night}", note_id=f"late-{night}")
        case 1:
            return (
                with_edited_note(activity, f"Edited in night {night}") if len(activity.note_versions) == 1 else activity
            )
        case 2:
            return without_first_note(activity) if len(activity.note_versions) == 1 else activity
        case 3:
            return changed(activity, subject=f"Another subject since night {night}")
        case 4:
            another = recording(f"{activity.engagement_id}-{night}")
            return changed(activity, recordings=(*activity.recordings, another))
        case _:
            return changed(activity, transcript_text=f"Agent: told anew in night {night}.")


def bad_luck(chance: random.Random) -> dict[str, Any]:
    """One night's."""
    return chance.choice(
        [
            {"timeout_after_commit": sorted(chance.sample(range(1, 20), k=4))},
            {"timeout_before_commit": sorted(chance.sample(range(1, 20), k=4))},
            {"timeout_after_commit": [1], "timeout_before_commit": [3], "storm_429": 2},
            {"storm_429": chance.randrange(1, 30)},
            {"fail_5xx": chance.randrange(1, 15)},
            {"token_dies_after": chance.randrange(2, 9)},
            {"daily_cap": chance.randrange(3, 40)},
        ]
    )


@pytest.mark.slow
@pytest.mark.parametrize("way", MAPPINGS)
@pytest.mark.parametrize("seed", range(3))
def test_after_weeks_of_bad_luck_everything_is_there_once(tmp_path: Path, way: str, seed: int) -> None:
    chance = random.Random(f"{way}-{seed}")
    known = people(range(0, NIGHTS * 6, 2))
    with zendesk(tmp_path, mapping=MAPPINGS[way], people=known, settings={"search_delay_seconds": 0}) as story:
        for night in range(NIGHTS):
            story.batch_size = chance.choice([3, 7, 500])
            something_new(story, chance, night)
            story.control("faults", **bad_luck(chance))
            story.control("fail-jobs", jobs=chance.randrange(2))
            with suppress(TransientError):
                story.export()
        story.control("faults")
        story.control("fail-jobs", jobs=0)
        story.batch_size = None
        story.export_until_done()
        assert story.problems() == []
        writes = story.crm["writes"]
        story.export()
        assert story.crm["writes"] == writes
