"""Bars on a terminal, silence anywhere else."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from zcc_pipeline.domain.ports import Progress, Silence

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID


class Bars:
    """Draws what is under way; what is finished leaves the screen, so that long ranges do not scroll it away."""

    def __init__(self, display: RichProgress) -> None:
        self._display = display
        self._tasks: dict[str, TaskID] = {}

    def start(self, task: str, total: int | None) -> None:
        """Show a bar, or give the one that is there another total."""
        if task in self._tasks:
            self._display.update(self._tasks[task], total=total)
        else:
            self._tasks[task] = self._display.add_task(task, total=total)

    def advance(self, task: str, amount: int = 1) -> None:
        """Move it on."""
        if task in self._tasks:
            self._display.advance(self._tasks[task], amount)

    def finish(self, task: str) -> None:
        """Take it away."""
        handle = self._tasks.pop(task, None)
        if handle is not None:
            self._display.remove_task(handle)


@contextmanager
def watched(*, as_json: bool = False) -> Iterator[Progress]:
    """Where a command's verbs say how far they are."""
    if as_json or not sys.stderr.isatty():
        yield Silence()
        return
    # Dagster sends standard error to a file while a step runs; a descriptor of our own still leads to the terminal
    with os.fdopen(os.dup(sys.stderr.fileno()), "w") as terminal, _display(terminal) as display:
        yield Bars(display)


def _display(terminal: TextIO) -> RichProgress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeElapsedColumn
    from rich.text import Text

    class Count(ProgressColumn):
        """Done and to be done, where that is known."""

        def render(self, task: Task) -> Text:
            return Text("" if task.total is None else f"{task.completed:,.0f} of {task.total:,.0f}")

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=30), Count(), TimeElapsedColumn())
    console = Console(file=terminal, force_terminal=True)
    return Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)


@contextmanager
def underway(progress: Progress, task: str) -> Iterator[None]:
    """Show that something is being done for as long as it takes."""
    progress.start(task, None)
    try:
        yield
    finally:
        progress.finish(task)
