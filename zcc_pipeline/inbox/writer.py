"""The thread that writes the inbox: takes what waits, writes it as one transaction, answers all of it at once."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import TypeVar

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.inbox.contract import InboxUnavailable, Put
from zcc_pipeline.inbox.storage import Row, Storage
from zcc_pipeline.inbox.waiting import Waiting, WaitingRoom

_PROBE_EVERY_SECONDS = 1.0
_DUPLICATE = Put(None, is_duplicate=True)
Result = TypeVar("Result")
Answers = list[Put | Exception]


class Writer:
    """Owns the storage from ``start`` on; only its thread touches it."""

    def __init__(self, storage: Storage, waiting: WaitingRoom, *, clock: Clock, batch: int) -> None:
        self._storage = storage
        self._waiting = waiting
        self._clock = clock
        self._batch = batch
        self._chores: deque[Callable[[], None]] = deque()
        self._notes: dict[str, datetime] = {}
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="zcc-inbox-writer", daemon=True)
        self.is_alive = False
        self.last_commit_at: datetime | None = None
        self.last_error: str | None = None

    def start(self) -> None:
        """Begin to write."""
        self.is_alive = True
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, then end; does not wait for it."""
        self._is_stopping = True
        self._waiting.wake()

    def join(self, timeout_seconds: float) -> bool:
        """Wait for the end; ``False`` where it has not come."""
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def note(self, name: str, at: datetime) -> None:
        """Write it when there is time; several of a name in the meantime become one."""
        self._notes[name] = at
        self._waiting.wake()

    def call(self, chore: Callable[[Storage], Result]) -> Result:
        """Have the thread do something between two batches and wait for what comes of it."""
        future: Future[Result] = Future()

        def run() -> None:
            try:
                future.set_result(self._attempt(lambda: chore(self._storage)))
            except Exception as error:  # noqa: BLE001 handed to the caller, who raises it
                future.set_exception(error)

        self._chores.append(run)
        self._waiting.wake()
        if not self.is_alive:  # it may have ended just before; then nobody runs what was appended
            raise InboxUnavailable("inbox: closed")
        return future.result()

    def _run(self) -> None:
        try:
            while True:
                is_stopping = self._is_stopping  # read first: what was put before the stop is still found
                if not self._work() and is_stopping:
                    break
        finally:
            self.is_alive = False
            self._refuse_the_rest()
            self._storage.close()

    def _work(self) -> bool:
        """Do what there is, or sleep until there is something; whether there was anything."""
        entries = self._waiting.take(self._batch)
        if entries:
            self._write(entries)
        if self._chores:
            self._chores.popleft()()
        elif self._notes:
            self._write_notes()
        elif not entries:
            if not self._is_stopping:
                self._rest()
            return False
        return True

    def _write(self, entries: list[Waiting]) -> None:
        rows = [entry.row for entry in entries]
        try:
            answers: Answers = [_answer(seq) for seq in self._attempt(lambda: self._storage.insert(rows))]
        except InboxUnavailable as error:
            answers = [InboxUnavailable(str(error)) for _ in rows]  # one each: raising grows its traceback
        except Exception:  # noqa: BLE001 one row that the driver cannot take must not cost the others
            answers = [self._write_alone(row) for row in rows]
        self._waiting.done()
        _tell(entries, answers)

    def _write_alone(self, row: Row) -> Put | Exception:
        cleaned = tuple(_storable(value) for value in row)
        try:
            return _answer(self._attempt(lambda: self._storage.insert([cleaned]))[0])
        except Exception as error:  # noqa: BLE001 handed to the one who put it
            return error

    def _write_notes(self) -> None:
        notes: dict[str, datetime] = {}
        while self._notes:  # one at a time: the loop may be adding to it
            name, at = self._notes.popitem()
            notes[name] = at
        try:
            self._attempt(lambda: self._storage.write_notes(notes))
        except Exception:  # noqa: BLE001 best effort: the next note of that name makes up for it
            return

    def _attempt(self, action: Callable[[], Result]) -> Result:
        try:
            result = action()
        except (InboxUnavailable, ConfigurationError) as error:
            self.last_error = type(error.__cause__ or error).__name__
            if isinstance(error, ConfigurationError):  # owned by another or newer, since the connection was lost
                raise InboxUnavailable(str(error)) from error
            raise
        self.last_commit_at = self._clock.now()
        self.last_error = None
        return result

    def _rest(self) -> None:
        if self.last_error is None:
            self._waiting.sleep(None)
            return
        self._waiting.sleep(_PROBE_EVERY_SECONDS)
        if not len(self._waiting):
            try:
                self._attempt(self._storage.probe)
            except Exception:  # noqa: BLE001 still broken; ``last_error`` says so
                return

    def _refuse_the_rest(self) -> None:
        """After a stop nothing is left; after a failure of the thread itself nobody may wait for ever."""
        while entries := self._waiting.take(self._batch):
            _tell(entries, [InboxUnavailable("inbox: closed") for _ in entries])
        self._waiting.done()
        while self._chores:
            self._chores.popleft()()


def _answer(seq: int | None) -> Put:
    return _DUPLICATE if seq is None else Put(seq, is_duplicate=False)


def _storable(value: object) -> object:
    """Text without what a database cannot hold: half characters, and the zero character that PostgreSQL refuses."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
    return value


def _tell(entries: Sequence[Waiting], answers: Answers) -> None:
    try:
        entries[0].future.get_loop().call_soon_threadsafe(_resolve, entries, answers)
    except RuntimeError:
        return  # the loop is closed: nobody waits any more


def _resolve(entries: Sequence[Waiting], answers: Answers) -> None:
    for entry, answer in zip(entries, answers, strict=True):
        future = entry.future
        if future.done():
            continue  # given up by its caller, or refused as too slow
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
