"""Days that should be closed by now."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from zcc_pipeline.pipeline.archive_days import DATASETS_CLOSED, overdue_days
from zcc_pipeline_tests.integration.archive.small_home import MONDAY, TUESDAY, land, make_home, opened

pytestmark = pytest.mark.integration


def test_a_day_that_nobody_has_listed_is_overdue_unless_it_is_before_the_first_of_interest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_home(tmp_path, monkeypatch)
    with opened() as runtime:
        land(runtime, "recent", runtime.today() - timedelta(days=1))
        assert overdue_days(runtime) == {day: list(DATASETS_CLOSED) for day in (MONDAY, TUESDAY)}
    monkeypatch.setenv("ZCC_START_DATE", str(TUESDAY))
    with opened() as runtime:
        assert set(overdue_days(runtime)) == {TUESDAY}
