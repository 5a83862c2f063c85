"""Which of the records that arrive are versions: the rule that polling an unchanged day writes nothing.

A record is compared with the latest version of the same ``(record_id, shape)`` by ``as_of`` (then ``observed_at``,
then place), and kept when it says something else, so A, B, A gives three versions. One that speaks for an earlier
time than the latest is kept when its content is new to the record: a fact, though never the newest. Of a tombstone
only the fact of deletion counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from zcc_pipeline.landing.batch import Batch
from zcc_pipeline.landing.canonical import canonical
from zcc_pipeline.landing.columns import Array, from_numpy, repeated, to_numpy
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
    columns; only the others (changed, repeated within the batch, older than what is stored) are looked at one by one.
    """
    keys = batch.keys[rows]
    verdict = Verdict(np.ones(len(rows), np.bool_), np.zeros(len(rows), np.bool_), np.full(len(rows), observed_at))
    distinct, is_open = _distinct_and_repeated(keys)
    versions = known.find(distinct)
    if versions is not None:
        is_found, is_same = _compare_with_latest(batch, rows, versions)
        verdict.is_kept[is_same & ~is_open] = False
        verdict.is_known |= is_found
        is_open |= is_found & ~is_same
    open_rows = np.flatnonzero(is_open)
    if len(open_rows):
        _judge_one_by_one(batch, rows, open_rows, verdict, _Histories(known, versions, volatile_fields))
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
    """Whether a row's key is found, and whether the latest version found is the same record with the same content."""
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
    candidates = np.flatnonzero(is_same)
    is_same[candidates] = _is_same_record(batch, rows[candidates], versions, partner[candidates])
    return is_found, is_same


def _is_same_record(batch: Batch, rows: Array, versions: Versions, partners: Array) -> Array:
    """Equal 64-bit keys are a strong hint; the ids decide."""
    rows, partners = from_numpy(rows, pa.int64()), from_numpy(partners, pa.int64())
    is_same_id = pc.equal(batch.record_ids.to_arrow().take(rows), versions.record_ids.take(partners))
    is_same_shape = pc.equal(
        repeated(batch.shapes, batch.chunk_numbers).take(rows).cast(pa.string()), versions.shapes.take(partners)
    )
    return to_numpy(pc.and_(is_same_id, is_same_shape), "bool")


@dataclass(slots=True)
class _Version:
    """One version of a record under comparison."""

    as_of: int
    observed_at: int
    is_deleted: bool
    digest: bytes
    payload: bytes | None
    _meaning: bytes | None = None

    def says_the_same(self, other: _Version, volatile_fields: frozenset[str]) -> bool:
        if self.is_deleted or other.is_deleted:
            return self.is_deleted == other.is_deleted
        return self.digest == other.digest or self.meaning(volatile_fields) == other.meaning(volatile_fields)

    def meaning(self, volatile_fields: frozenset[str]) -> bytes:
        if self._meaning is None:
            self._meaning = canonical(self.payload or b"", volatile_fields)
        return self._meaning


@dataclass(slots=True)
class _History:
    """The versions of one record, and which of them is the latest."""

    versions: list[_Version] = field(default_factory=list)
    latest: _Version | None = None

    def add(self, version: _Version) -> None:
        self.versions.append(version)
        if self.latest is None or (version.as_of, version.observed_at) >= (self.latest.as_of, self.latest.observed_at):
            self.latest = version


class _Histories:
    """Histories of the records that need a closer look."""

    def __init__(self, known: DayVersions, versions: Versions | None, volatile_fields: frozenset[str]) -> None:
        self._known, self._versions = known, versions
        self.volatile_fields = volatile_fields
        self.by_record: dict[tuple[str, str], _History] = {}

    def load(self, keys: Array, as_of: Array) -> None:
        """Bring in what is stored of those records, with the payloads that may be compared.

        That is the latest one of each record, and all of them where an arriving one speaks for an earlier time.
        """
        versions = self._versions
        if versions is None:
            return
        chosen = np.flatnonzero(np.isin(versions.keys, keys))
        wanted, places = np.unique(versions.keys[chosen], return_inverse=True)
        newest = np.full(len(wanted), np.iinfo(np.int64).min)
        np.maximum.at(newest, places, versions.as_of[chosen])
        oldest_arriving = np.full(len(wanted), np.iinfo(np.int64).max)
        is_stored = np.isin(keys, wanted)
        np.minimum.at(oldest_arriving, np.searchsorted(wanted, keys[is_stored]), as_of[is_stored])
        may_compare = (versions.as_of[chosen] == newest[places]) | (oldest_arriving < newest)[places]
        may_compare &= ~versions.is_deleted[chosen]
        payloads = self._known.payloads(versions.rows[chosen[may_compare]])
        columns = zip(
            versions.record_ids.take(from_numpy(chosen, pa.int64())).to_pylist(),
            versions.shapes.take(from_numpy(chosen, pa.int64())).to_pylist(),
            versions.as_of[chosen].tolist(),
            versions.observed_at[chosen].tolist(),
            versions.is_deleted[chosen].tolist(),
            versions.rows[chosen].tolist(),
            chosen.tolist(),
            strict=True,
        )
        for record_id, shape, moment, observed_at, is_deleted, row, index in columns:
            digest = versions.hashes[index].tobytes()
            version = _Version(moment, observed_at, is_deleted, digest, payloads.get(row))
            self.by_record.setdefault((record_id, shape), _History()).add(version)


def _judge_one_by_one(batch: Batch, rows: Array, open_rows: Array, verdict: Verdict, histories: _Histories) -> None:
    chosen = rows[open_rows]
    histories.load(batch.keys[chosen], batch.as_of[chosen])
    for place, row in zip(open_rows.tolist(), chosen.tolist(), strict=True):
        history = histories.by_record.setdefault(batch.record(row), _History())
        arriving = _Version(
            int(batch.as_of[row]),
            int(verdict.observed_at[place]),
            bool(batch.is_deleted[row]),
            batch.hashes[row].tobytes(),
            batch.payloads.raw(row),
        )
        verdict.is_known[place] = history.latest is not None
        verdict.is_kept[place] = is_kept = _is_version(arriving, history, histories.volatile_fields)
        if is_kept:
            verdict.observed_at[place] = arriving.observed_at
            history.add(arriving)


def _is_version(arriving: _Version, history: _History, volatile_fields: frozenset[str]) -> bool:
    latest = history.latest
    if latest is None:
        return True
    if arriving.as_of < latest.as_of:
        return not any(arriving.says_the_same(version, volatile_fields) for version in history.versions)
    if arriving.says_the_same(latest, volatile_fields):
        return False
    if arriving.as_of == latest.as_of:
        # Both speak for the same moment, so the order of arrival must be readable from the times.
        arriving.observed_at = max(arriving.observed_at, latest.observed_at + 1)
    return True
