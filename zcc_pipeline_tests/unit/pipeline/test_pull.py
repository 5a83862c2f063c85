"""Which steps a pull takes, and in which order."""

from __future__ import annotations

import pytest

from zcc_pipeline.domain.datasets import DATASETS, Reading
from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.pipeline.pull import STEPS, steps_for


def test_every_polled_dataset_is_landed_by_exactly_one_step() -> None:
    produced = [name for step in STEPS for name in step.produces]
    assert len(produced) == len(set(produced))
    ours = {"zoom/files", "zoom/card_data", "zoom/coverage"}  # landed with each file and text, and by reconciling
    polled = {dataset.name for dataset in DATASETS.values() if dataset.reading is not Reading.PUSHED} - ours
    assert polled <= set(produced)


def test_voicemail_is_fetched_before_anything_that_can_wait() -> None:
    names = [step.name for step in STEPS]
    assert names.index("files/voicemails") < names.index("zoom/engagements")
    assert names[-1] == "zoom/completeness"


@pytest.mark.parametrize(
    ("asked", "step"),
    [
        ("engagements", "zoom/engagements"),
        ("notes", "zoom/engagements"),
        ("zoom/recordings", "zoom/recordings"),
        ("files/recordings", "files/recordings"),
        ("recordings", "zoom/recordings"),
    ],
)
def test_a_dataset_can_be_asked_for_by_its_short_or_full_name(asked: str, step: str) -> None:
    assert [each.name for each in steps_for([asked])] == [step]


def test_an_unknown_dataset_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ConfigurationError, match="no dataset 'calls'") as refused:
        steps_for(["calls"])
    assert "zoom/voice_calls" in str(refused.value)
