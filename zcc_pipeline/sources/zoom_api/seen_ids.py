"""The ids that a listing has shown, in eight bytes each: a day may hold a million."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np

_Hashes = np.ndarray[Any, np.dtype[np.int64]]


class SeenIds:
    """A set of ids that can be asked and counted, not listed.

    Holds Python's own 64-bit hash of each, keyed anew in each process. Of a million ids two share a hash once in forty
    million listings: the count is then one too low, or a missing id is taken for seen until the next process looks.
    """

    def __init__(self, ids: Iterable[str] = ()) -> None:
        self._sorted = np.empty(0, np.int64)
        self._fresh: list[_Hashes] = []
        self._fresh_count = 0
        self.update(list(ids))

    def update(self, ids: Sequence[str]) -> None:
        """Take ids in."""
        self._append(_hashes(ids))

    def __ior__(self, other: Self) -> Self:
        self._append(other._merged())
        return self

    def __len__(self) -> int:
        return len(self._merged())

    def __contains__(self, record_id: str) -> bool:
        return not self.missing([record_id])

    def missing(self, ids: Sequence[str]) -> list[str]:
        """Those of the ids given that are not in it, in order."""
        known, wanted = self._merged(), _hashes(ids)
        if not len(known):
            return list(ids)
        places = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
        return [ids[place] for place in np.flatnonzero(known[places] != wanted).tolist()]

    def _append(self, hashes: _Hashes) -> None:
        if not len(hashes):
            return
        self._fresh.append(hashes)
        self._fresh_count += len(hashes)
        if self._fresh_count > max(len(self._sorted), 10_000):
            self._merged()

    def _merged(self) -> _Hashes:
        if self._fresh:
            ordered = np.sort(np.concatenate([self._sorted, *self._fresh]))  # np.unique takes five times as long
            self._sorted = ordered[np.append(True, ordered[1:] != ordered[:-1])]
            self._fresh, self._fresh_count = [], 0
        return self._sorted


def _hashes(ids: Sequence[str]) -> _Hashes:
    return np.fromiter(map(hash, ids), np.int64, len(ids))
