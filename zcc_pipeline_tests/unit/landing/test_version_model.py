"""The version rule against a model that anybody can read, over sequences nobody would think of."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from zcc_pipeline_tests.examples import of_all
from zcc_pipeline_tests.lakes import ENGAGEMENTS, START, all_rows, chunk, land, make_lake

# Three meanings; the second has two spellings, the third comes with two values of a volatile field.
CONTENTS: list[tuple[bytes, str]] = [
    (b'{"v":1}', "one"),
    (b'{"v":2,"w":0}', "two"),
    (b'{ "w":0, "v":2 }', "two"),
    (b'{"transcript_url":"https://a"}', "url"),
    (b'{"transcript_url":"https://b"}', "url"),
]


@dataclass(frozen=True)
class Arrival:
    record_id: str
    shape: str
    minute: int
    content: int
    is_deleted: bool

    @property
    def meaning(self) -> str:
        return "deleted" if self.is_deleted else CONTENTS[self.content][1]


arrivals = st.builds(
    Arrival,
    record_id=st.sampled_from(["a", "b", "ä/../"]),
    shape=st.sampled_from(["list", "detail"]),
    minute=st.integers(0, 5),
    content=st.integers(0, len(CONTENTS) - 1),
    is_deleted=st.sampled_from([False, False, False, True]),
)
# Three levels: commits, flushes within a commit, and arrivals within a flush.
histories = st.lists(st.lists(st.lists(arrivals, max_size=6), max_size=3), max_size=4)


def newest(versions: list[Arrival]) -> Arrival | None:
    return max(enumerate(versions), key=lambda pair: (pair[1].minute, pair[0]), default=(0, None))[1]


def is_contradicted(arrival: Arrival, other_shape: list[Arrival], since: int) -> bool:
    """By the last word of the other shape up to the arrival's time; the URL is volatile, so only ``v`` is common."""
    last = newest([v for v in other_shape if v.minute <= arrival.minute])
    if last is None or last.minute <= since:
        return False
    if last.is_deleted or arrival.is_deleted:
        return last.is_deleted != arrival.is_deleted
    return {last.meaning, arrival.meaning} == {"one", "two"}


def expected_versions(arrived: list[Arrival]) -> list[Arrival]:
    """The rule in words: unlike the latest, or older than it and new, or contradicted since in the other shape."""
    kept: list[Arrival] = []
    for arrival in arrived:
        same = [v for v in kept if (v.record_id, v.shape) == (arrival.record_id, arrival.shape)]
        others = [v for v in kept if v.record_id == arrival.record_id and v.shape != arrival.shape]
        latest = newest(same)
        if latest is None:
            kept.append(arrival)
        elif arrival.minute < latest.minute:
            if arrival.meaning not in {version.meaning for version in same}:
                kept.append(arrival)
        elif arrival.meaning != latest.meaning or is_contradicted(arrival, others, latest.minute):
            kept.append(arrival)
    return kept


def expected_latest(kept: list[Arrival]) -> dict[tuple[str, str], str]:
    latest: dict[tuple[str, str], Arrival] = {}
    for version in kept:
        before = latest.get((version.record_id, version.shape))
        if before is None or version.minute >= before.minute:
            latest[version.record_id, version.shape] = version
    return {key: version.meaning for key, version in latest.items()}


def meaning_of(payload: str, is_deleted: bool) -> str:
    return "deleted" if is_deleted else {body.decode(): meaning for body, meaning in CONTENTS}[payload]


def said(shape: str, minute: int, content: int) -> Arrival:
    return Arrival("b", shape, minute, content, is_deleted=False)


# two older versions that speak for one moment: the one that came later is the last word of its shape
LATE_TWINS = [
    [[said("detail", 3, 3), said("detail", 4, 1)]],
    [[said("list", 0, 1), said("detail", 3, 0), said("list", 3, 1)]],
]


@settings(max_examples=of_all(50), deadline=None)
@given(history=histories, merges=st.booleans())
@example(history=LATE_TWINS, merges=False)
def test_any_sequence_of_arrivals_leaves_the_versions_of_the_model(
    history: list[list[list[Arrival]]], merges: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake = make_lake(Path(folder))
        for commit in history:
            with lake.writer(ENGAGEMENTS) as writer:
                for flush in commit:
                    for each in flush:
                        body = CONTENTS[each.content][0]
                        more = {"shape": each.shape, "is_deleted": each.is_deleted}
                        writer.add(chunk([(each.record_id, body)], minute=each.minute, **more))
                    writer.flush()
                writer.commit()
            for day in lake.days("zoom/engagements") if merges else []:
                lake.compact("zoom/engagements", day)

        kept = expected_versions([each for commit in history for flush in commit for each in flush])
        landed = [
            (row["record_id"], row["shape"], row["as_of"], meaning_of(row["payload"], row["is_deleted"]))
            for row in all_rows(lake)
        ]
        modelled = [(v.record_id, v.shape, START + timedelta(minutes=v.minute), v.meaning) for v in kept]
        assert sorted(landed) == sorted(modelled)

        if kept:
            newest = lake.latest("zoom/engagements", lake.days("zoom/engagements")[0], START.date(), with_deleted=True)
            read = {
                (row["record_id"], row["shape"]): meaning_of(row["payload"], row["is_deleted"])
                for row in newest.to_pylist()
            }
            assert read == expected_latest(kept)


@settings(max_examples=of_all(40), deadline=None)
@given(
    record=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
        max_leaves=12,
    )
)
def test_any_json_lands_byte_for_byte_and_lands_once(record: object) -> None:
    payload = json.dumps({"value": record}, ensure_ascii=False).encode("utf-8", "replace")
    respelled = json.dumps({"value": record}, indent=1).encode()
    with tempfile.TemporaryDirectory() as folder:
        lake = make_lake(Path(folder))
        land(lake, chunk([("x", payload)]))
        assert all_rows(lake)[0]["payload"].encode() == payload
        if json.loads(payload) == json.loads(respelled):
            assert land(lake, chunk([("x", respelled)], minute=1)).unchanged == 1
