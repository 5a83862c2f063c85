"""``zcc archive``: the compliance archive from the command line."""

from __future__ import annotations

from collections.abc import Callable

import typer

from zcc_pipeline.cli.archive_copy import copy
from zcc_pipeline.cli.archive_export import export
from zcc_pipeline.cli.archive_holds import hold, release, retention
from zcc_pipeline.cli.archive_index import index
from zcc_pipeline.cli.archive_lock import lock
from zcc_pipeline.cli.archive_package import package
from zcc_pipeline.cli.archive_purge import purge
from zcc_pipeline.cli.archive_restore import restore
from zcc_pipeline.cli.archive_rotate_key import rotate_key
from zcc_pipeline.cli.archive_verify import verify


def archive() -> None:
    """Keep engagements so that anyone can verify them: every version, a signed ledger, and what is missing.

    docs/archive.md tells what the archive promises and what a plain disk does not.

    Examples:
        zcc archive export
        zcc archive export --from 2026-11-01 --to 2026-11-07
    """


COMMANDS: dict[Callable[..., None], tuple[str, str]] = {
    export: ("export", "Archive what has changed."),
    verify: ("verify", "Is it what it was? Names what is not."),
    package: ("package", "Hand a selection over, with its audit trail."),
    restore: ("restore", "Lost files and records, back from it."),
    retention: ("retention", "What is kept until when, and what is held."),
    hold: ("hold", "Keep from being erased, for a matter."),
    release: ("release", "End what a matter holds."),
    purge: ("purge", "Erase what need not be kept, in every place."),
    lock: ("lock", "Tell a bucket again what the ledger promises."),
    copy: ("copy", "Bring the second copy up to date."),
    index: ("index", "Make the index anew."),
    rotate_key: ("rotate-key", "Let another key sign from now on."),
}
"""Each with its name and what it does in a few words, in the order in which people need them."""


def build_group(keep_lines: Callable[[str | None], str]) -> typer.Typer:
    """The commands under one name; ``keep_lines`` lays out help texts."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    group.callback(help=keep_lines(archive.__doc__))(archive)
    for command, (name, summary) in COMMANDS.items():
        group.command(name, short_help=summary, help=keep_lines(command.__doc__))(command)
    return group
