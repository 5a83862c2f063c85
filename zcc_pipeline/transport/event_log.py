"""One JSON object a line, for machines that collect logs.

Fields are chosen by the caller, one by one: ids of our own, counts, reasons. Never a body, a name, a number, an address
of a person, a token, or a query.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import BinaryIO, Literal

import msgspec

from zcc_pipeline.domain.clock import Clock

Level = Literal["info", "warning", "error"]
_TICK_SECONDS = 0.05
_SAME_WORDS_A_MINUTE = 10


class EventLog:
    """Writes from a thread of its own, so that a log collector that hangs holds up nothing that answers a request.

    What does not fit into its memory meanwhile is dropped, and the number of dropped lines is told.
    """

    def __init__(self, stream: BinaryIO, clock: Clock, *, max_waiting: int = 50_000) -> None:
        self._stream, self._clock, self._max_waiting = stream, clock, max_waiting
        self._encoder = msgspec.json.Encoder()
        self._waiting: deque[bytes] = deque()
        self._dropped = 0
        self._wanted, self._closing = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="event-log", daemon=True)
        self._thread.start()

    def line(self, level: Level, what: str, **fields: object) -> None:
        """Write a line soon; None among the fields is left out."""
        if len(self._waiting) >= self._max_waiting:
            self._dropped += 1
            return
        self._append(level, what, fields)
        if not self._wanted.is_set():
            self._wanted.set()

    def _append(self, level: Level, what: str, fields: Mapping[str, object]) -> None:
        said: dict[str, object] = {"at": self._clock.now(), "level": level, "what": what}
        said.update((name, value) for name, value in fields.items() if value is not None)
        self._waiting.append(self._encoder.encode(said) + b"\n")

    def close(self) -> None:
        """Write what is waiting, and stop; gives up on a stream that takes nothing."""
        self._closing.set()
        self._wanted.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            is_last = self._closing.wait(_TICK_SECONDS)  # a line rarely comes alone
            self._wanted.clear()
            self._write_out()
            if is_last:
                return

    def _write_out(self) -> None:
        if self._dropped:
            dropped, self._dropped = self._dropped, 0
            self._append("error", "log_lines_dropped", {"count": dropped})
        lines = [self._waiting.popleft() for _ in range(len(self._waiting))]
        try:
            self._stream.write(b"".join(lines))
            self._stream.flush()
        except (OSError, ValueError):  # whoever read it is gone, and there is no other place to complain
            self._dropped += len(lines)


class _Handler(logging.Handler):
    """Lines of an ``EventLog`` from what is said through ``logging``; of an error only its kind, never text or trace.

    The same words are written ten times a minute at most: a stranger can make a server complain as often as they like.
    """

    def __init__(self, log: EventLog) -> None:
        super().__init__()
        self._log = log
        self._said: dict[str, int] = {}
        self._minute = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line."""
        minute, words = int(record.created // 60), str(record.msg)
        if minute != self._minute:
            self._minute, self._said = minute, {}
        self._said[words] = said = self._said.get(words, 0) + 1
        if said > _SAME_WORDS_A_MINUTE:
            return
        # Our own messages carry no secret and no person; what libraries put into theirs is not known.
        text = record.getMessage() if record.name.startswith("zcc_pipeline") else words
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        self._log.line(_level(record.levelno), "said", by=record.name, message=text.strip(), error=kind)


def _level(number: int) -> Level:
    if number >= logging.ERROR:
        return "error"
    return "warning" if number >= logging.WARNING else "info"


@contextmanager
def logging_into(log: EventLog, levels: Mapping[str, int]) -> Iterator[None]:
    """For the length of a block, loggers by name write from that level on into ``log``, and nowhere else."""
    handler = _Handler(log)
    before = {}
    for name, level in levels.items():
        logger = logging.getLogger(name)
        before[logger] = (logger.level, logger.propagate)
        logger.addHandler(handler)
        logger.setLevel(level)
        logger.propagate = False
    try:
        yield
    finally:
        for logger, (level, propagates) in before.items():
            logger.removeHandler(handler)
            logger.setLevel(level)
            logger.propagate = propagates
