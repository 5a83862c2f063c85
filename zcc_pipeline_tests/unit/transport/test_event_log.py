"""Log lines: one JSON object each, and no reader can hold up those who write."""

from __future__ import annotations

import io
import json
import logging
import os
import threading

import pytest

from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline.transport.event_log import EventLog, logging_into


def lines_of(stream: io.BytesIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_what_was_said_is_written_at_the_latest_on_closing() -> None:
    stream = io.BytesIO()
    log = EventLog(stream, SystemClock())
    for number in range(1000):
        log.line("info", "counted", number=number, nothing=None)
    log.close()
    lines = lines_of(stream)
    assert [line["number"] for line in lines] == list(range(1000))
    assert set(lines[0]) == {"at", "level", "what", "number"}


def test_a_reader_who_hangs_holds_up_nobody_and_what_was_dropped_is_counted() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb", buffering=0) as stream, os.fdopen(reading, "rb") as reader:
        log = EventLog(stream, SystemClock(), max_waiting=1000)
        for number in range(50_000):
            log.line("info", "counted", number=number, pad="x" * 200)
        closing = threading.Thread(target=log.close)
        closing.start()
        kept, dropped, rest = 0, 0, b""
        while kept + dropped < 50_000:
            *lines, rest = (rest + os.read(reader.fileno(), 1_000_000)).split(b"\n")
            for line in map(json.loads, lines):
                if line["what"] == "log_lines_dropped":
                    dropped += line["count"]
                else:
                    kept += 1
        closing.join()
    assert kept + dropped == 50_000
    assert dropped > 10_000


def test_a_reader_who_is_gone_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb", buffering=0) as stream:
        log = EventLog(stream, SystemClock())
        log.line("info", "counted")
        log.close()


def test_libraries_speak_through_it_without_the_text_of_errors_and_not_for_ever() -> None:
    stream = io.BytesIO()
    log = EventLog(stream, SystemClock())
    library, ours = logging.getLogger("some_library"), logging.getLogger("zcc_pipeline.somewhere")
    with logging_into(log, {"some_library": logging.WARNING, "zcc_pipeline": logging.INFO}):
        library.info("too quiet")
        try:
            raise ValueError("+4930123456")
        except ValueError:
            library.exception("failed for %s", "agent@example.com")
        ours.info("connected in %.1f s", 1.5)
        for _ in range(100):
            library.warning("Invalid HTTP request received.")
    library.warning("after the block")
    log.close()
    lines = lines_of(stream)
    assert [(line["level"], line["message"], line.get("error")) for line in lines[:2]] == [
        ("error", "failed for %s", "ValueError"),
        ("info", "connected in 1.5 s", None),
    ]
    assert [line["message"] for line in lines[2:]] == ["Invalid HTTP request received."] * 10


@pytest.fixture(autouse=True)
def quiet_root(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "some_library")
    logging.getLogger("some_library").setLevel(logging.NOTSET)
