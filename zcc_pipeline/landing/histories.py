"""The versions of the records that need a closer look, in all their shapes, with the payloads that may be compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from zcc_pipeline.landing.canonical import canonical, content_of
from zcc_pipeline.landing.columns import Array, from_numpy
from zcc_pipeline.landing.known import Versions

Payloads = Callable[[Array], dict[int, bytes]]


@dataclass(slots=True)
class Version:
    """One version of a record under comparison."""

    as_of: int
    observed_at: int
    is_deleted: bool
    digest: bytes
    payload: bytes | None
    _meaning: bytes | None = None

    @property
    def order(self) -> tuple[int, int]:
        """The newest version is the one with the greatest."""
        return self.as_of, self.observed_at

    def says_the_same(self, other: Version, volatile_fields: frozenset[str]) -> bool:
        """Whether both say the same of the record in one shape; of tombstones only the fact of deletion counts."""
        if self.is_deleted or other.is_deleted:
            return self.is_deleted == other.is_deleted
        return self.digest == other.digest or self._canonical(volatile_fields) == other._canonical(volatile_fields)

    def _canonical(self, volatile_fields: frozenset[str]) -> bytes:
        if self._meaning is None:
            self._meaning = canonical(self.payload or b"", volatile_fields)
        return self._meaning

    def content(self, volatile_fields: frozenset[str]) -> object:
        """What it says, for comparison with another shape."""
        return content_of(self.payload or b"", volatile_fields)


@dataclass(slots=True)
class History:
    """The versions of one record in one shape, and which of them is the latest."""

    versions: list[Version] = field(default_factory=list)
    latest: Version | None = None

    def add(self, version: Version) -> None:
        """Take a version in; of two equally new ones the later addition counts."""
        self.versions.append(version)
        if self.latest is None or version.order >= self.latest.order:
            self.latest = version

    def latest_until(self, as_of: int) -> Version | None:
        """The newest version that speaks for no later time than that."""
        if self.latest is None or self.latest.as_of <= as_of:
            return self.latest
        return max((version for version in self.versions if version.as_of <= as_of), key=_order, default=None)


def _order(version: Version) -> tuple[int, int]:
    return version.order


@dataclass(slots=True)
class Histories:
    """Histories by record and shape."""

    _by_record: dict[str, dict[str, History]] = field(default_factory=dict)

    def of(self, record_id: str, shape: str) -> History:
        """The history of a record in that shape; empty where there is none yet."""
        return self._by_record.setdefault(record_id, {}).setdefault(shape, History())

    def in_other_shapes(self, record_id: str, shape: str) -> list[History]:
        """Those of the same record in other shapes."""
        return [history for other, history in self._by_record[record_id].items() if other != shape]

    def load(self, versions: Versions, payloads: Payloads, *, id_keys: Array, as_of: Array) -> None:
        """Bring in what is stored of the arriving records, whose keys and times are given.

        Payloads come with the latest version of each shape, and with all of a shape that is newer than an arriving one.
        """
        chosen = np.flatnonzero(np.isin(versions.id_keys, id_keys))
        wanted, places = np.unique(versions.keys[chosen], return_inverse=True)
        newest = np.full(len(wanted), np.iinfo(np.int64).min)
        np.maximum.at(newest, places, versions.as_of[chosen])
        arriving, arrivals = np.unique(id_keys, return_inverse=True)
        oldest_arriving = np.full(len(arriving), np.iinfo(np.int64).max)
        np.minimum.at(oldest_arriving, arrivals, as_of)
        oldest = oldest_arriving[np.searchsorted(arriving, versions.id_keys[chosen])]
        may_compare = (versions.as_of[chosen] == newest[places]) | (oldest < newest[places])
        may_compare &= ~versions.is_deleted[chosen]
        texts = payloads(versions.rows[chosen[may_compare]])
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
            self.of(record_id, shape).add(Version(moment, observed_at, is_deleted, digest, texts.get(row)))
