"""Whatever goes wrong, the pipeline ends with what is true: nothing lost, nothing doubled, no invented reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from zcc_pipeline_tests.story import story

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.acceptance]


# without faults: the demo's story, which compares with the truth as well
@pytest.mark.parametrize("faults", ["realistic", "harsh"])
def test_what_is_landed_and_judged_equals_the_truth_under_faults(tmp_path: Path, faults: str) -> None:
    with story(tmp_path / "home", days=2, per_day=60, faults=faults, drip_seconds=0.2) as told:
        told.pull()
        told.clock.shift += told.clock.shift / 3  # a day later: what failed is due again
        told.pull()
        told.build()
        assert told.disagreements() == []
        assert told.ask("state")["leaked_tokens"] == 0


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    with story(tmp_path / "home", days=2, per_day=60) as told:
        told.pull()
        before = sorted(path for path in (tmp_path / "home" / "lake").rglob("*.parquet"))
        again = told.pull()
        assert again.days_touched == set()
        assert again.problems == []
        assert sorted(path for path in (tmp_path / "home" / "lake").rglob("*.parquet")) == before
