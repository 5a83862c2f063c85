"""What commands print: sentences, tables and, for scripts, one JSON document."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from pathlib import Path
from shutil import get_terminal_size
from textwrap import fill

import typer

Row = Sequence[object]


def terminal_width() -> int:
    """Columns; 100 where the output is no terminal."""
    return get_terminal_size((100, 24)).columns


def say(text: str = "") -> None:
    """A line on standard output."""
    typer.echo(text)


def filled(text: str, *, indent: str = "") -> str:
    """The text in lines as wide as the terminal; ``indent`` is for the lines after the first."""
    return fill(text, terminal_width(), subsequent_indent=indent, break_on_hyphens=False, break_long_words=False)


def paragraph(text: str, *, indent: str = "") -> None:
    """A sentence or more, filled to the width of the terminal."""
    typer.echo(filled(text, indent=indent))


def shortened(text: str) -> str:
    """The text in one line of the terminal."""
    width = terminal_width()
    return text if len(text) <= width else f"{text[: width - 1]}…"


def heading(text: str) -> None:
    """A line that starts a part of the report."""
    typer.echo()
    typer.secho(text, bold=True)


def print_json(document: object) -> None:
    """One document, with keys as the program names them; days and times as ISO 8601."""
    typer.echo(json.dumps(document, default=_plain, ensure_ascii=False, indent=2))


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"cannot print {type(value).__name__} as JSON")


def table(columns: Sequence[str], rows: Iterable[Row], *, numbers: Sequence[str] = (), fold: str | None = None) -> None:
    """A table as wide as the terminal; ``numbers`` are right-aligned, ``fold`` takes the room that is left.

    A cell may carry a colour as ``(text, style)``.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False, header_style="bold")
    for column in columns:
        drawn.add_column(
            column,
            justify="right" if column in numbers else "left",
            no_wrap=column != fold,
            overflow="fold" if column == fold else "ellipsis",
        )
    for row in rows:
        drawn.add_row(
            *(Text(cell[0], style=cell[1]) if isinstance(cell, tuple) else Text(_shown(cell)) for cell in row)
        )
    console = Console(width=terminal_width())
    with console.capture() as captured:
        console.print(drawn)
    typer.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def _shown(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return f"{cell:,}"
    if isinstance(cell, float):
        return f"{cell:,.1f}"
    return str(cell)


def counted(count: int, word: str) -> str:
    """``1 day``, ``2 days``."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def path_text(path: Path) -> str:
    """Relative to the working directory where it lies inside."""
    try:
        return f"./{path.relative_to(Path.cwd())}"
    except ValueError:
        return str(path)


def bytes_text(size: int) -> str:
    """``1.4 MB``: a size for people."""
    amount, units = float(size), ["B", "kB", "MB", "GB", "TB"]
    for unit in units:
        if amount < 1000 or unit == units[-1]:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    raise AssertionError("the loop returns")


def seconds_text(seconds: float) -> str:
    """``2 h 5 min``: a duration for people."""
    if seconds < 1:
        return "under a second"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min" + (f" {rest} s" if rest and minutes < 10 else "")
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h" + (f" {minutes} min" if minutes else "")
