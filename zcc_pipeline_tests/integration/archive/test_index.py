"""The index says what is there and how it is kept, follows each hold and release, and is made again from the truth."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from zcc_pipeline.archive.index import SCHEMA, read_day
from zcc_pipeline.archive.index_table import write_index_table
from zcc_pipeline.archive.storage import FolderPlace
from zcc_pipeline.pipeline.archive_indexing import archive_index_view, rebuild, refresh_index, table_path
from zcc_pipeline.pipeline.archive_keeping import Keeping, count_kept
from zcc_pipeline.pipeline.archiving import archive_changes
from zcc_pipeline.pipeline.holding import hold, plan_to_release, release
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.warehouse import Marts, WarehouseConfig
from zcc_pipeline.warehouse.publish import publish_marts
from zcc_pipeline_tests.integration.archive.small_home import MONDAY, TUESDAY, land, make_home, opened

pytestmark = pytest.mark.integration


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    make_home(tmp_path, monkeypatch)
    with opened() as runtime:
        archive_changes(runtime)
        yield runtime


def top(runtime: Runtime) -> Path:
    return runtime.archive.top / "index"


def contents(runtime: Runtime) -> dict[str, bytes]:
    files = {path.relative_to(top(runtime)).as_posix(): path for path in top(runtime).rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items()}


def keeping(runtime: Runtime, where: str | None = None) -> dict[str, tuple[Any, ...]]:
    source = where or f"{top(runtime)}/*/*.parquet"
    columns = "engagement_id, retain_until, retention_class, held"
    return {row[0]: row[1:] for row in duckdb.sql(f"select {columns} from '{source}'").fetchall()}


def as_it_is_made_anew(runtime: Runtime) -> dict[str, bytes]:
    shutil.rmtree(top(runtime))
    assert rebuild(runtime) == 3
    return contents(runtime)


def years_after(day: date, years: int) -> date:
    is_leap_day = (day.month, day.day) == (2, 29)
    return date(day.year + years, 3, 1) if is_leap_day else day.replace(year=day.year + years)


def test_it_says_until_when_each_object_is_kept_and_on_what_class(runtime: Runtime) -> None:
    expected = {
        "eng-1": (years_after(MONDAY, 5), "standard", False),
        "eng-2": (years_after(MONDAY, 7), "trading", False),
        "eng-3": (TUESDAY + timedelta(days=2), "feedback", False),
    }
    assert keeping(runtime) == expected
    assert keeping(runtime, str(table_path(runtime))) == expected
    assert contents(runtime) == as_it_is_made_anew(runtime)


def test_holds_and_releases_show_at_once_and_the_store_and_ledger_alone_give_the_same(runtime: Runtime) -> None:
    def held() -> set[str]:
        (there,) = {frozenset(name for name, row in keeping(runtime, where).items() if row[2])
                    for where in (None, str(table_path(runtime)))}  # fmt: skip
        return set(there)

    hold(runtime, matter="M-1", actor="legal", engagement_ids=["eng-1"])
    assert held() == {"eng-1"}
    hold(runtime, matter="M-2", actor="legal", days=[TUESDAY])
    assert held() == {"eng-1", "eng-3"}
    assert contents(runtime) == as_it_is_made_anew(runtime)
    release(runtime, plan_to_release(runtime, matter="M-1", actor="legal"), matter="M-1")
    assert held() == {"eng-3"}
    assert contents(runtime) == as_it_is_made_anew(runtime)


def test_what_is_held_and_what_may_soon_go_is_counted(
    runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert count_kept(runtime) == Keeping(objects=3, expired=1)
    hold(runtime, matter="M-1", actor="legal", days=[MONDAY])
    assert count_kept(runtime) == Keeping(objects=3, held=2, expired=1)
    with opened(-timedelta(days=20)) as earlier:
        assert count_kept(earlier) == Keeping(objects=3, held=2, expiring=1)
    monkeypatch.setenv("ZCC_HOME", str(tmp_path / "another"))
    with opened() as empty:
        assert count_kept(empty) == Keeping()


def test_a_hold_while_an_export_runs_is_seen_by_the_next_one(runtime: Runtime) -> None:
    with runtime.state.exports.exclusive("archive"):
        hold(runtime, matter="M-1", actor="legal", engagement_ids=["eng-2"])
    assert not keeping(runtime)["eng-2"][2]
    archive_changes(runtime)
    assert keeping(runtime)["eng-2"][2]
    assert contents(runtime) == as_it_is_made_anew(runtime)


def test_what_a_crash_kept_from_the_index_comes_with_the_next_look(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    for step in ("seal_index", "write_index_table"):
        with monkeypatch.context() as patched:
            patched.setattr(f"zcc_pipeline.pipeline.archive_indexing.{step}", dies)
            with pytest.raises(KeyboardInterrupt):
                hold(runtime, matter=f"M-{step}", actor="legal", days=[MONDAY])
        archive_changes(runtime)
        assert keeping(runtime, str(table_path(runtime)))["eng-1"][2]
        assert contents(runtime) == as_it_is_made_anew(runtime)
        release(runtime, plan_to_release(runtime, matter=f"M-{step}", actor="legal"), matter=f"M-{step}")
        assert not keeping(runtime, str(table_path(runtime)))["eng-1"][2]


def test_an_index_of_an_earlier_release_gets_the_columns_that_it_lacks(runtime: Runtime) -> None:
    before = contents(runtime)
    path = top(runtime) / f"date={MONDAY}" / "part-0.parquet"
    pq.write_table(pq.ParquetFile(path).read().drop_columns(["held", "retention_class"]), path)
    with runtime.state.exports.exclusive("archive"):
        hold(runtime, matter="M-1", actor="legal", days=[MONDAY])
        release(runtime, plan_to_release(runtime, matter="M-1", actor="legal"), matter="M-1")
    archive_changes(runtime)
    assert contents(runtime) == before


def test_a_look_without_news_writes_nothing(runtime: Runtime) -> None:
    before = {path: path.stat().st_mtime_ns for path in [*top(runtime).rglob("*"), table_path(runtime)]}
    archive_changes(runtime)
    refresh_index(runtime)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_one_file_takes_over_days_that_are_the_same_and_heals_when_it_is_lost(runtime: Runtime) -> None:
    path = table_path(runtime)
    before = path.read_bytes()
    land(runtime, "eng-4", TUESDAY + timedelta(days=1))
    archive_changes(runtime)
    assert set(keeping(runtime, str(path))) == {"eng-1", "eng-2", "eng-3", "eng-4"}
    place = FolderPlace(runtime.archive.top)
    for damage in (b"", b"no parquet", before):
        path.write_bytes(damage)
        write_index_table(place, path, ())
        assert set(keeping(runtime, str(path))) == {"eng-1", "eng-2", "eng-3", "eng-4"}
    path.unlink()
    view = archive_index_view(runtime)
    assert set(keeping(runtime, str(view.path))) == {"eng-1", "eng-2", "eng-3", "eng-4"}
    assert read_day(place, MONDAY) is not None


def published(runtime: Runtime, tmp_path: Path) -> Marts:
    config = WarehouseConfig(
        warehouse_path=tmp_path / "warehouse.duckdb",
        analytics_path=runtime.config.warehouse.analytics_path,
        lake_url=str(tmp_path / "lake"),
        scratch_dir=tmp_path,
        timezone="UTC",
    )
    duckdb.connect(str(config.warehouse_path)).close()
    publish_marts(
        config, clock=runtime.clock, lock_wait_seconds=1, manifest={"nodes": {}},
        views=(archive_index_view(runtime),),
    )  # fmt: skip
    return Marts(config.analytics_path)


def test_the_view_in_the_analysts_copy_follows_the_archive_without_being_published_again(
    runtime: Runtime, tmp_path: Path
) -> None:
    marts = published(runtime, tmp_path)
    assert "archive_index" in marts.names()
    assert marts.archive_index(as_="arrow").num_rows == 3
    assert list(marts.describe("archive_index")["column_name"]) == SCHEMA.names
    assert not marts.describe("archive_index")["meaning"].isna().any()
    hold(runtime, matter="M-1", actor="legal", engagement_ids=["eng-3"])
    assert list(marts.sql("select engagement_id from archive_index where held")["engagement_id"]) == ["eng-3"]


def test_where_nothing_is_archived_the_view_is_empty_with_its_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_home(tmp_path, monkeypatch)
    monkeypatch.delenv("ZCC_ARCHIVE_RETENTION")
    with opened() as runtime:
        marts = published(runtime, tmp_path)
        assert marts.archive_index(as_="arrow").schema.names == SCHEMA.names
        assert len(marts.archive_index()) == 0
        assert not runtime.archive.top.exists()
        archive_changes(runtime)
        assert len(marts.archive_index()) == 3
