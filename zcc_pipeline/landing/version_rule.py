"""Which of the records that arrive are versions: the rule that polling an unchanged day writes nothing.

A record is compared with the latest version of the same ``(record_id, shape)`` by ``as_of`` (then ``observed_at``,
then place), and kept when it says something else, so A, B, A gives three versions. One that speaks for an earlier
time than the latest is kept when its content is new to the record: a fact, though never the newest. Of a tombstone
only the fact of deletion counts.

Shapes are different facts about one record, and yet they speak of the same thing. Where a list says A, a read by id B
and the list A again, the last word is A. So what repeats the latest of its own shape is kept all the same when a newer
version in *another* shape, which does not speak for a later time than the arriving one, contradicts it:

- it is a tombstone and the arriving one is not, or the other way round;
- a field that both have says something else. Fields that are volatile, null or absent never contradict, at any depth:
  a shape may tell less, and does so with every read. Among several other shapes the newest that has a field speaks.

What agrees on the common fields is never written again, however often the shapes take turns, and what was written
again once is then the newest itself. (Shapes that always disagree on a field cost a version at each turn.)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from zcc_pipeline.landing.batch import Batch
from zcc_pipeline.landing.canonical import contradicts, overlaid
from zcc_pipeline.landing.columns import Array, from_numpy, repeated, to_numpy
from zcc_pipeline.landing.histories import Histories, History, Version
from zcc_pipeline.landing.known import DayVersions, Versions


@dataclass(slots=True)
class Verdict:
    """For each row asked about, in the same order."""

    is_kept: Array
    is_known: Array
    """Whether the record had a version before."""
    observed_at: Array


def judge(
    batch: Batch, rows: Array, known: DayVersions, *, observed_at: int, volatile_fields: frozenset[str]
) -> Verdict:
    """Decide on the rows of one day.

    Records that come once and are unknown, or whose bytes are those of their latest version, are settled as whole
    columns; only the others (changed, repeated within the batch, older than what is stored, or with something newer
    stored in another shape) are looked at one by one.
    """
    verdict = Verdict(np.ones(len(rows), np.bool_), np.zeros(len(rows), np.bool_), np.full(len(rows), observed_at))
    distinct, is_open = _distinct_and_repeated(batch.id_keys[rows])
    versions = known.find(distinct)
    if versions is not None:
        is_found, is_same = _compare_with_latest(batch, rows, versions)
        verdict.is_kept[is_same & ~is_open] = False
        verdict.is_known |= is_found
        is_open |= is_found & ~is_same
    open_rows = np.flatnonzero(is_open)
    if len(open_rows):
        histories = Histories()
        if versions is not None:
            chosen = rows[open_rows]
            histories.load(versions, known.payloads, id_keys=batch.id_keys[chosen], as_of=batch.as_of[chosen])
        _judge_one_by_one(batch, rows, open_rows, verdict, histories, volatile_fields)
    return verdict


def _distinct_and_repeated(keys: Array) -> tuple[Array, Array]:
    """The distinct keys in order, and whether each row's key comes more than once."""
    order = np.argsort(keys)
    ordered = keys[order]
    is_again = np.append(False, ordered[1:] == ordered[:-1])
    is_repeated = np.empty(len(keys), np.bool_)
    is_repeated[order] = is_again | np.append(is_again[1:], False)
    return ordered[~is_again], is_repeated


def _compare_with_latest(batch: Batch, rows: Array, versions: Versions) -> tuple[Array, Array]:
    """Whether a row's key is found, and whether the latest version found is the same record with the same content and
    nothing newer is known in another shape."""
    order = np.lexsort((versions.rows, versions.observed_at, versions.as_of, versions.keys))
    keys = versions.keys[order]
    is_last = np.append(keys[1:] != keys[:-1], True)
    latest, latest_keys = order[is_last], keys[is_last]
    place = np.minimum(np.searchsorted(latest_keys, batch.keys[rows]), len(latest_keys) - 1)
    is_found = latest_keys[place] == batch.keys[rows]
    partner = latest[place]
    is_deleted = batch.is_deleted[rows]
    is_same = is_found & (versions.is_deleted[partner] == is_deleted)
    is_same &= is_deleted | (versions.hashes[partner] == batch.hashes[rows]).all(axis=1)
    if np.ptp(versions.keys ^ versions.id_keys):  # else there is one shape
        is_same &= versions.as_of[partner] >= _newest_in_any_shape(versions, batch.id_keys[rows])
    candidates = np.flatnonzero(is_same)
    is_same[candidates] = _is_same_record(batch, rows[candidates], versions, partner[candidates])
    return is_found, is_same


def _newest_in_any_shape(versions: Versions, id_keys: Array) -> Array:
    """The greatest ``as_of`` of each record asked for; anything where a record has no version."""
    order = np.lexsort((versions.as_of, versions.id_keys))
    ordered = versions.id_keys[order]
    is_last = np.append(ordered[1:] != ordered[:-1], True)
    place = np.minimum(np.searchsorted(ordered[is_last], id_keys), int(is_last.sum()) - 1)
    newest: Array = versions.as_of[order[is_last]][place]
    return newest


def _is_same_record(batch: Batch, rows: Array, versions: Versions, partners: Array) -> Array:
    """Equal 64-bit keys are a strong hint; the ids decide."""
    rows, partners = from_numpy(rows, pa.int64()), from_numpy(partners, pa.int64())
    is_same_id = pc.equal(batch.record_ids.to_arrow().take(rows), versions.record_ids.take(partners))
    is_same_shape = pc.equal(
        repeated(batch.shapes, batch.chunk_numbers).take(rows).cast(pa.string()), versions.shapes.take(partners)
    )
    return to_numpy(pc.and_(is_same_id, is_same_shape), "bool")


def _judge_one_by_one(
    batch: Batch,
    rows: Array,
    open_rows: Array,
    verdict: Verdict,
    histories: Histories,
    volatile_fields: frozenset[str],
) -> None:
    for place, row in zip(open_rows.tolist(), rows[open_rows].tolist(), strict=True):
        record_id, shape = batch.record(row)
        history = histories.of(record_id, shape)
        others = histories.in_other_shapes(record_id, shape)
        arriving = Version(
            int(batch.as_of[row]),
            int(verdict.observed_at[place]),
            bool(batch.is_deleted[row]),
            batch.hashes[row].tobytes(),
            batch.payloads.raw(row),
        )
        verdict.is_known[place] = history.latest is not None
        verdict.is_kept[place] = is_kept = _is_version(arriving, history, others, volatile_fields)
        if is_kept:
            verdict.observed_at[place] = arriving.observed_at
            history.add(arriving)


def _is_version(
    arriving: Version, history: History, others: Iterable[History], volatile_fields: frozenset[str]
) -> bool:
    latest = history.latest
    if latest is None:
        return True
    if arriving.as_of < latest.as_of:
        _come_after(arriving, (version for version in history.versions if version.as_of == arriving.as_of))
        return not any(arriving.says_the_same(version, volatile_fields) for version in history.versions)
    if arriving.says_the_same(latest, volatile_fields):
        newer = _said_since(latest, arriving, others)
        if not _contradict(newer, arriving, volatile_fields):
            return False
        latest = newer[-1]
    if arriving.as_of == latest.as_of:
        _come_after(arriving, [latest])
    return True


def _come_after(arriving: Version, others: Iterable[Version]) -> None:
    """They speak for the same moment, so the order of arrival must be readable from the times."""
    arriving.observed_at = max(arriving.observed_at, *(version.observed_at + 1 for version in others), 0)


def _said_since(latest: Version, arriving: Version, others: Iterable[History]) -> list[Version]:
    """The last word of each other shape between the latest of the own shape and the arriving one, oldest first."""
    last_words = (history.latest_until(arriving.as_of) for history in others)
    newer = [version for version in last_words if version is not None and version.as_of > latest.as_of]
    return sorted(newer, key=lambda version: version.order)


def _contradict(newer: list[Version], arriving: Version, volatile_fields: frozenset[str]) -> bool:
    if not newer:
        return False
    if arriving.is_deleted or newer[-1].is_deleted:
        return arriving.is_deleted != newer[-1].is_deleted
    said: object = None
    for version in newer:
        if not version.is_deleted:
            said = overlaid(said, version.content(volatile_fields))
    return contradicts(said, arriving.content(volatile_fields))
