"""Bars on a terminal, silence elsewhere."""

from __future__ import annotations

import io
import os
import pty
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from rich.console import Console
from rich.progress import Progress

from zcc_pipeline.cli.progress import Bars, underway, watched
from zcc_pipeline.domain.ports import Silence


def test_without_a_terminal_nobody_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    with watched() as progress:
        assert isinstance(progress, Silence)
        with underway(progress, "building"):
            progress.advance("building")
    assert capfd.readouterr() == ("", "")


@contextmanager
def a_terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Standard error is a terminal; yields the other end of it. No fixture: pytest's capture would undo it."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as stream, monkeypatch.context() as patched:
        patched.setenv("TERM", "xterm")
        patched.setattr(sys, "stderr", stream)
        yield ours
    os.close(ours)


def test_a_terminal_sees_bars_even_while_standard_error_goes_to_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    with a_terminal(monkeypatch) as terminal, watched() as progress:
        assert isinstance(progress, Bars)
        elsewhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(elsewhere, sys.stderr.fileno())
        os.close(elsewhere)
        progress.start("recording 2026-11-21", 10)
        progress.advance("recording 2026-11-21", 4)
        shown = ""
        while "4 of 10" not in shown and select.select([terminal], [], [], 20)[0]:
            shown += os.read(terminal, 65_536).decode()
    assert "4 of 10" in shown


def test_a_document_for_scripts_has_no_bars_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with a_terminal(monkeypatch), watched(as_json=True) as progress:
        assert isinstance(progress, Silence)


def test_what_is_finished_leaves_the_screen() -> None:
    with Progress(console=Console(file=io.StringIO())) as display:
        bars = Bars(display)
        bars.start("a", 2)
        bars.start("a", 3)
        bars.start("b", None)
        bars.advance("a")
        assert [(task.description, task.completed, task.total) for task in display.tasks] == [
            ("a", 1, 3),
            ("b", 0, None),
        ]
        bars.finish("a")
        bars.finish("a")
        bars.advance("a")
        assert [task.description for task in display.tasks] == ["b"]
