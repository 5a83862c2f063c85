"""Records that wait for company: a batch is of one target, and as large as the CRM takes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from zcc_pipeline.exports.planning import Send

_TRUSTED_ATTEMPTS = 2
"""A record that was sent more often in vain travels in ever smaller company, and last of all: one that a CRM chokes on
neither holds up the others nor stays unknown among them."""


class Waiting:
    """What is to be sent and has not been."""

    def __init__(self, batch_size: int) -> None:
        self._batch_size = batch_size
        self._trusted: dict[str, list[Send]] = {}
        self._suspect: list[Send] = []
        self._ids: set[str] = set()

    def __contains__(self, engagement_id: str) -> bool:
        return engagement_id in self._ids

    def add(self, send: Send) -> None:
        """It goes with the next batch of its target."""
        self._ids.add(send.plan.engagement_id)
        if _attempts(send) > _TRUSTED_ATTEMPTS:
            self._suspect.append(send)
        else:
            self._trusted.setdefault(send.outgoing.target, []).append(send)

    def full(self) -> Iterator[list[Send]]:
        """Batches that are full, taken out one by one."""
        for waiting in self._trusted.values():
            while len(waiting) >= self._batch_size:
                yield self._taken(waiting, self._batch_size)

    def rest(self) -> Iterator[list[Send]]:
        """Everything that still waits."""
        for waiting in self._trusted.values():
            while waiting:
                yield self._taken(waiting, self._batch_size)
        self._suspect.sort(key=lambda send: (_attempts(send), send.outgoing.target))
        for (attempts, _), sends in groupby(self._suspect, key=lambda send: (_attempts(send), send.outgoing.target)):
            waiting = list(sends)
            while waiting:
                yield self._taken(waiting, max(1, self._batch_size >> min(attempts - _TRUSTED_ATTEMPTS, 30)))

    def _taken(self, waiting: list[Send], size: int) -> list[Send]:
        batch = waiting[:size]
        del waiting[:size]
        self._ids.difference_update(send.plan.engagement_id for send in batch)
        return batch


def _attempts(send: Send) -> int:
    return send.row.attempts if send.row is not None else 0
