"""Reading the analysts' copy while it is exchanged."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from zcc_pipeline.warehouse import Marts


def publish(path: Path, rows: int) -> None:
    """Exchange the copy as a publication does."""
    beside = path.with_name("beside.duckdb")
    with duckdb.connect(str(beside)) as connection:
        connection.execute(f"create table engagements as select range as number from range({rows})")
        connection.execute("comment on column engagements.number is 'counts'")
        connection.execute("create view busiest as select max(number) as number from engagements")
    beside.replace(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """In a folder that has to be quoted."""
    folder = tmp_path / "the analyst's"
    folder.mkdir()
    publish(folder / "analytics.duckdb", 1)
    return folder / "analytics.duckdb"


def test_every_call_reads_the_newest_copy_although_somebody_holds_an_older_one(path: Path) -> None:
    marts = Marts(path)
    with duckdb.connect(str(path), read_only=True) as held:
        publish(path, 5)
        assert held.execute("select count(*) from engagements").fetchall() == [(1,)]
        assert len(marts.engagements()) == marts.engagements(as_="arrow").num_rows == 5
        assert int(marts.sql("select number from busiest")["number"][0]) == 4


def test_the_copy_is_all_there_is_to_see_and_stays_as_it_is(path: Path) -> None:
    marts = Marts(path)
    assert marts.names() == ["busiest", "engagements"]
    assert marts.describe("engagements").values.tolist() == [["number", "BIGINT", "counts"]]
    with pytest.raises(duckdb.InvalidInputException, match="read-only"):
        marts.sql("create table another as select 1")
