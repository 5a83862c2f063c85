"""What `zcc run` tells of a dataset."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from zcc_pipeline.cli.run import COUNTS, show
from zcc_pipeline.orchestration import run
from zcc_pipeline.orchestration.partitions import FIRST_DAY, build_partitions
from zcc_pipeline.orchestration.run import RunSummary, run_range, summarise_datasets
from zcc_pipeline.settings import Settings
from zcc_pipeline.warehouse import Warehouse
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


class AskedEnoughError(Exception):
    """The definitions are made; what is in them is not looked at."""


@pytest.mark.parametrize(
    ("start_date", "first", "begins"),
    [
        (None, date(2020, 1, 1), date(2020, 1, 1)),
        (None, date(2026, 1, 1), FIRST_DAY),
        (date(2026, 2, 1), date(2026, 1, 1), date(2026, 1, 1)),
        (date(2026, 2, 1), date(2026, 3, 1), date(2026, 2, 1)),
    ],
)
def test_every_day_that_is_asked_for_is_a_partition(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start_date: date | None, first: date, begins: date
) -> None:
    asked: dict[str, Any] = {}

    def make(**arguments: Any) -> None:
        asked.update(arguments)
        raise AskedEnoughError

    monkeypatch.setattr(run, "build_defs", make)
    monkeypatch.setattr(Warehouse, "manifest_path", lambda _self: tmp_path / "manifest.json")
    with pytest.raises(AskedEnoughError):
        run_range(first, first, settings=Settings(home=tmp_path, start_date=start_date))
    assert build_partitions("UTC", asked["first_day"]).get_first_partition_key() == begins.isoformat()
