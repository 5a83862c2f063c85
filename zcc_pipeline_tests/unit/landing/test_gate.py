"""What was erased does not land again, by whatever route and under whatever id it comes."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.domain.records import RecordChunk
from zcc_pipeline.domain.suppression import KeyedHash, SuppressionList
from zcc_pipeline.landing import Lake
from zcc_pipeline.landing.gate import Gate
from zcc_pipeline_tests.lakes import DAY, ENGAGEMENTS, RECORDINGS, START, chunk, make_lake

KEY = b"k" * 32
SECRET = b'{"note":"the caller was Frieda"}'


def erased(*ids: str) -> SuppressionList:
    return SuppressionList(KEY, frozenset(KeyedHash(KEY).of(each) for each in ids))


class Erasures:
    """What was erased, told anew at each question."""

    def __init__(self, *ids: str) -> None:
        self.current = erased(*ids)
        self.asked = 0

    def __call__(self) -> SuppressionList:
        self.asked += 1
        return self.current


def ids_in(lake: Lake, dataset: str = ENGAGEMENTS.name) -> set[str]:
    return set(lake.latest(dataset, DAY, DAY, with_deleted=True).column("record_id").to_pylist())


def recordings(*rows: tuple[str, str | None]) -> RecordChunk:
    return chunk(
        [(record_id, SECRET) for record_id, _ in rows],
        dataset=RECORDINGS,
        engagement_ids=[engagement_id for _, engagement_id in rows],
    )


def test_records_of_an_erased_engagement_are_dropped_and_counted_and_the_others_land(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    lake.suppressed = Erasures("e2", "rec-4")
    with lake.writer(RECORDINGS) as writer:
        writer.add(recordings(("rec-1", "e1"), ("rec-2", "e2"), ("rec-3", None), ("rec-4", None), ("rec-5", "e2")))
        counts = writer.commit()

    assert ids_in(lake, RECORDINGS.name) == {"rec-1", "rec-3"}
    assert (counts.received, counts.new, counts.suppressed) == (5, 2, 3)


def test_a_chunk_of_nothing_but_erased_records_writes_no_file(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    lake.suppressed = Erasures("e1")
    with lake.writer(ENGAGEMENTS) as writer:
        writer.add(chunk([("e1", SECRET)], engagement_ids=["e1"]))
        writer.add(chunk([("e1", SECRET)], engagement_ids=["e1"], is_deleted=True))
        counts = writer.commit()

    assert (counts.suppressed, counts.files_written) == (2, 0)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"Frieda" in path.read_bytes()]


def test_what_was_erased_is_asked_for_twice_a_commit_however_many_chunks_there_are(tmp_path: Path) -> None:
    lake, erasures = make_lake(tmp_path), Erasures()
    lake.suppressed = erasures
    with lake.writer(ENGAGEMENTS) as writer:
        for number in range(50):
            writer.add(chunk([(f"e{number}", b"{}")]))
        counts = writer.commit()

    assert (counts.new, counts.suppressed) == (50, 0)
    assert erasures.asked == 2


def test_an_engagement_erased_while_its_day_is_read_does_not_appear_with_the_commit(tmp_path: Path) -> None:
    lake, erasures = make_lake(tmp_path), Erasures()
    lake.suppressed = erasures
    with lake.writer(ENGAGEMENTS, flush_bytes=1) as writer:
        writer.add(chunk([("e1", SECRET), ("e2", b"{}")], engagement_ids=["e1", "e2"]))
        writer.add(chunk([("e1", SECRET)], engagement_ids=["e1"], occurred_at="2026-11-19T12:00:00Z"))
        erasures.current = erased("e1")
        writer.add(chunk([("e3", b"{}")], engagement_ids=["e3"]))
        counts = writer.commit()

    assert ids_in(lake) == {"e2", "e3"}
    assert (counts.received, counts.new, counts.changed, counts.suppressed) == (4, 2, 0, 2)
    assert counts.files_written == 1
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"Frieda" in path.read_bytes()]
    for file in lake.files(ENGAGEMENTS.name, DAY):
        assert b"Frieda" not in b"".join(map(str.encode, pq.read_table(tmp_path / file.path)["payload"].to_pylist()))


def test_a_lake_that_was_told_of_no_erasures_takes_everything(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    with lake.writer(ENGAGEMENTS) as writer:
        writer.add(chunk([("e1", SECRET)], engagement_ids=["e1"]))

        assert writer.commit().new == 1


@given(
    rows=st.lists(st.tuples(st.text(max_size=4), st.none() | st.text(max_size=4)), max_size=12),
    gone=st.sets(st.text(max_size=4), max_size=6),
)
def test_a_record_passes_exactly_if_neither_its_engagement_nor_lacking_one_itself_was_erased(
    rows: list[tuple[str, str | None]], gone: set[str]
) -> None:
    dataset = DATASETS["zoom/voicemails"]
    offered = RecordChunk(
        dataset=dataset.name,
        shape="list",
        route="poll",
        as_of=START,
        batch_id="b",
        record_ids=[record_id for record_id, _ in rows],
        payloads=[str(number).encode() for number in range(len(rows))],
        engagement_ids=[engagement_id for _, engagement_id in rows],
        occurred_at=[None] * len(rows),
    )
    expected = [number for number, (record_id, owner) in enumerate(rows) if (owner or record_id) not in gone]

    admitted = Gate(Erasures(*gone)).admit(offered)

    assert admitted.payloads == [str(number).encode() for number in expected]
    assert list(zip(admitted.record_ids, admitted.engagement_ids, strict=True)) == [rows[number] for number in expected]
    assert len(admitted.occurred_at) == len(expected)
