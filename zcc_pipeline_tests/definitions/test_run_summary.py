"""What `zcc run` tells of a dataset."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from zcc_pipeline.cli.run import COUNTS, show
from zcc_pipeline.orchestration.run import RunSummary, summarise_datasets
from zcc_pipeline_tests.definitions.fake_pipeline import DAYS, FakePipeline

OF_A_DAY = {"new": 2, "changed": 3, "deleted": 4, "suppressed": 6, "failed": 5, "api_calls": 1}


def test_every_count_of_its_days_is_in_it_and_what_was_erased_is_shown_where_there_is_any(
    pipeline: FakePipeline, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline.landed = {name: count for name, count in OF_A_DAY.items() if name not in {"new", "api_calls"}}
    (found,) = [one for one in summarise_datasets(pipeline.run()) if one.dataset == "zoom/engagements"]
    assert {name: getattr(found, name) for name in COUNTS if name != "unchanged"} == {
        name: count * len(DAYS) for name, count in OF_A_DAY.items()
    }
    summary = RunSummary(
        run_id="run", is_success=True, seconds=1.0, steps=(), datasets=(found,), exports=(), failed_checks=(),
        cleared_runs=(),
    )  # fmt: skip
    show(summary, tmp_path)
    assert "erased" in capsys.readouterr().out
    show(replace(summary, datasets=(replace(found, suppressed=0),)), tmp_path)
    assert "erased" not in capsys.readouterr().out
