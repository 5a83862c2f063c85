"""What was erased is not archived again, and its day says why it is not there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from zcc_pipeline.archive.ledger import Action
from zcc_pipeline.archive.naming import object_id_of
from zcc_pipeline.domain.window import day_window
from zcc_pipeline.pipeline.archive_days import LISTED
from zcc_pipeline.pipeline.archiving import archive_changes
from zcc_pipeline.pipeline.purging import Wish, purge
from zcc_pipeline.pipeline.restore import restore
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline_tests.integration.archive.small_home import MONDAY, TUESDAY, land, make_home, opened

pytestmark = pytest.mark.integration

ERASED = {"record_id": "eng-1", "kind": "zoom/engagements", "status": "erased", "reason": "erased"}


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    make_home(tmp_path, monkeypatch)
    with opened() as found:
        list_day(found, MONDAY)
        yield found


def list_day(runtime: Runtime, day: date) -> None:
    for dataset in LISTED:
        now = runtime.clock.now()
        batch_id = runtime.state.windows.begin(dataset, day_window(day, ZoneInfo("UTC")), day=day, now=now)
        runtime.state.windows.finish(
            batch_id, rows=2, announced=2, pages=1, api_calls=1, is_complete=True, error=None, now=now
        )


def manifests(runtime: Runtime, day: date = MONDAY) -> list[dict[str, Any]]:
    """Of engagements of a day, in the order in which they were closed."""
    found = {}
    for key in runtime.archive.place.keys("completeness"):
        data = runtime.archive.place.read(key)
        assert data is not None
        found[key.rpartition(".")[0].rpartition(".")[2]] = json.loads(data)
    closed = [
        logged.entry.manifest_sha512 or ""
        for logged in runtime.archive.ledger.entries()
        if logged.entry.action is Action.WINDOW_CLOSED and logged.entry.dataset == "zoom/engagements"
    ]
    return [found[digest[:16]] for digest in closed if found[digest[:16]]["day"] == str(day)]


def test_an_erased_engagement_that_is_still_in_the_lake_is_not_archived_and_its_day_says_why(runtime: Runtime) -> None:
    runtime.state.suppression.add(["eng-1"], now=runtime.clock.now())

    report = archive_changes(runtime)

    assert (report.created, report.suppressed, report.refused) == (2, 1, [])
    assert runtime.archive.objects.head(object_id_of("account", "eng-1")) is None
    (only,) = manifests(runtime)
    assert (only["archived"], only["pending"], only["absent"]) == (["eng-2"], [], [ERASED])


def test_a_day_that_is_closed_again_after_an_erasure_names_what_was_erased(runtime: Runtime) -> None:
    archive_changes(runtime)
    runtime.state.suppression.add(["eng-1"], now=runtime.clock.now())
    for path in (runtime.config.home / "lake" / "zoom" / "engagements" / f"date={MONDAY}").iterdir():
        path.unlink()
    land(runtime, "eng-1", MONDAY)
    land(runtime, "eng-2", MONDAY)
    land(runtime, "eng-4", MONDAY)

    report = archive_changes(runtime)

    assert MONDAY in report.days_reopened
    assert report.suppressed == 0, "it has not even landed"
    first, second = manifests(runtime)
    assert first["archived"] == ["eng-1", "eng-2"]
    assert (second["archived"], second["pending"], second["absent"]) == (["eng-2", "eng-4"], [], [ERASED])
    land(runtime, "eng-5", MONDAY)
    archive_changes(runtime)
    assert manifests(runtime)[2]["absent"] == [ERASED], "and so does every later one"


def test_a_closed_day_is_closed_again_by_the_first_export_after_a_purge(runtime: Runtime) -> None:
    list_day(runtime, TUESDAY)
    archive_changes(runtime)
    runtime.config.warehouse.analytics_path.unlink()

    assert purge(runtime, Wish(engagement_ids=("eng-3",))).finished == ("eng-3",)
    report = archive_changes(runtime)

    assert (report.days_reopened, report.days_closed) == ({TUESDAY}, {TUESDAY})
    first, second = manifests(runtime, TUESDAY)
    assert (first["archived"], first["absent"]) == (["eng-3"], [])
    assert (second["archived"], second["absent"]) == ([], [ERASED | {"record_id": "eng-3"}])
    size = report.ledger_size
    assert archive_changes(runtime).ledger_size == size, "and only once"


def test_restore_leaves_erased_engagements_in_the_archive_and_counts_them(runtime: Runtime) -> None:
    archive_changes(runtime)
    runtime.state.suppression.add(["eng-1"], now=runtime.clock.now())
    for path in (runtime.config.home / "lake" / "zoom" / "engagements" / f"date={MONDAY}").iterdir():
        path.unlink()

    would = restore(runtime, dry_run=True)
    report = restore(runtime)

    assert (would.suppressed, report.suppressed, report.records_restored, report.failed) == (1, 1, 1, {})
    assert runtime.lake.latest("zoom/engagements", MONDAY, MONDAY)["record_id"].to_pylist() == ["eng-2"]
