"""Records that are looked at before they land: the first glance is a thread's, and the batch lands one later."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from zcc_pipeline.landing import Lake
from zcc_pipeline.landing.batch import Batch
from zcc_pipeline.landing.columns import Array
from zcc_pipeline_tests.lakes import DAY, ENGAGEMENTS, chunk, make_lake

RECORDS = [(f"e{number}", b'{"n":%d,"secret":"%d"}' % (number, number % 3)) for number in range(30)]


class Eraser:
    """Suspects every third record and takes its secret out, if its glance does not fail."""

    def __init__(self) -> None:
        self.threads: set[int] = set()
        self.looked_at: list[str] = []
        self.finished_after = -1
        self.error: Exception | None = None

    def glance(self, batch: Batch) -> Sequence[int]:
        self.threads.add(threading.get_ident())
        if self.error is not None:
            raise self.error
        return [row for row in range(len(batch)) if b'"secret":"0"' in batch.payloads.raw(row)]

    def look(self, dataset: str, batch: Batch, rows: Array, suspects: Sequence[int]) -> None:
        assert dataset == ENGAGEMENTS.name
        self.looked_at += [batch.record_ids.raw(row).decode() for row in rows.tolist()]
        batch.rewrite({row: batch.payloads.raw(row).replace(b'"secret":"0"', b'"secret":null') for row in suspects})

    def finish(self) -> None:
        self.finished_after = len(self.looked_at)


def screened_lake(tmp_path: Path, eraser: Eraser) -> Lake:
    lake = make_lake(tmp_path)
    lake.screen = lambda _dataset: eraser
    return lake


def landed(lake: Lake) -> dict[str, str]:
    table = lake.latest(ENGAGEMENTS.name, DAY, DAY, columns=("record_id", "payload"))
    return dict(zip(table.column("record_id").to_pylist(), table.column("payload").to_pylist(), strict=True))


CLEAN = {record_id: payload.decode().replace('"secret":"0"', '"secret":null') for record_id, payload in RECORDS}


@pytest.mark.parametrize("flush_bytes", [1, 1_000, 1 << 20])
def test_however_many_batches_there_are_each_is_looked_at_once_and_lands_as_it_was_rewritten(
    tmp_path: Path, flush_bytes: int
) -> None:
    eraser = Eraser()
    lake = screened_lake(tmp_path, eraser)
    with lake.writer(ENGAGEMENTS, flush_bytes=flush_bytes) as writer:
        for record in RECORDS:
            writer.add(chunk([record]))
        writer.begin_flush()
        counts = writer.commit()
    assert counts.received == counts.new == len(RECORDS)
    assert landed(lake) == CLEAN
    assert eraser.looked_at == [record_id for record_id, _ in RECORDS]
    assert eraser.finished_after == len(RECORDS)
    assert threading.get_ident() not in eraser.threads


def test_a_flush_leaves_nothing_behind_that_is_not_counted(tmp_path: Path) -> None:
    lake = screened_lake(tmp_path, Eraser())
    with lake.writer(ENGAGEMENTS) as writer:
        writer.add(chunk(RECORDS))
        writer.begin_flush()
        assert writer.counts.new == 0
        writer.flush()
        assert writer.counts.new == len(RECORDS)
    assert landed(lake) == {}


def test_what_comes_again_in_the_next_batch_is_unchanged(tmp_path: Path) -> None:
    lake = screened_lake(tmp_path, Eraser())
    with lake.writer(ENGAGEMENTS, flush_bytes=1) as writer:
        for _ in range(3):
            writer.add(chunk(RECORDS))
        counts = writer.commit()
    assert (counts.new, counts.unchanged) == (len(RECORDS), 2 * len(RECORDS))
    assert landed(lake) == CLEAN


def test_a_glance_that_fails_lands_nothing(tmp_path: Path) -> None:
    eraser = Eraser()
    eraser.error = ValueError("no")
    lake = screened_lake(tmp_path, eraser)
    with lake.writer(ENGAGEMENTS) as writer:
        writer.add(chunk(RECORDS))
        with pytest.raises(ValueError, match="no"):
            writer.commit()
    assert landed(lake) == {}
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
