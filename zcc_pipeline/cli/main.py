"""The front door: the commands by name, and the one option that belongs to all of them."""

from __future__ import annotations

from collections.abc import Callable
from inspect import cleandoc
from typing import Annotated

import typer

from zcc_pipeline.cli.archive import build_group as build_archive_group
from zcc_pipeline.cli.build import build
from zcc_pipeline.cli.cards import build_group as build_cards_group
from zcc_pipeline.cli.demo import demo
from zcc_pipeline.cli.doctor import doctor
from zcc_pipeline.cli.export import export
from zcc_pipeline.cli.listen import listen
from zcc_pipeline.cli.plan import plan
from zcc_pipeline.cli.pull import pull
from zcc_pipeline.cli.quarantine import build_group
from zcc_pipeline.cli.receive import receive
from zcc_pipeline.cli.reconcile import reconcile
from zcc_pipeline.cli.run import run
from zcc_pipeline.cli.sentences import ErrorsAsSentences
from zcc_pipeline.cli.simulate import simulate
from zcc_pipeline.cli.status import status

COMMANDS: dict[Callable[..., None], str] = {
    demo: "The whole pipeline on an invented contact centre.",
    doctor: "Is everything set up, and what would be missing?",
    plan: "What reading a range of days will cost.",
    run: "Read, prove, build and publish a range of days.",
    pull: "Only read: Zoom to lake and files.",
    build: "Only build: lake to warehouse and analytics.duckdb.",
    status: "What is complete, what is not, and why.",
    reconcile: "Pushed against polled: compare, heal, report.",
    export: "Engagements to Salesforce, Zendesk, ServiceNow, Dynamics or HubSpot.",
    receive: "Take webhooks and flow events as Zoom pushes them.",
    listen: "Take events over the WebSocket.",
    simulate: "Serve the stand-in for Zoom.",
}
"""In the order in which people need them."""


def keep_lines(text: str | None) -> str:
    """Help text in which paragraphs with indented lines are not filled anew: they are commands to copy."""
    paragraphs = cleandoc(text or "").split("\n\n")
    return "\n\n".join(f"\b\n{each}" if "\n  " in f"\n{each}" else each for each in paragraphs)


app = typer.Typer(
    name="zcc",
    cls=ErrorsAsSentences,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def front_door(
    context: typer.Context,
    traceback: Annotated[
        bool, typer.Option("--traceback", help="On an unexpected error show where in the program it happened.")
    ] = False,
) -> None:
    """Own your Zoom Contact Center engagement data: pull it, unify it, and prove that nothing is missing.

    Try it with no Zoom account at all:

        zcc demo

    With your own account: put the ZCC_ZOOM_... settings into .env, then

        zcc doctor                              is everything set up, what would be missing
        zcc plan --from 2026-11-01              what a backfill costs
        zcc run  --from 2026-11-01              the whole pipeline for those days
        zcc status                              what is there, what is not, and why
        zcc export salesforce --dry-run         what would become of it in a CRM

    Exit codes: 0 done; 1 failed, overdue or unexplained; 2 wrong usage or settings.
    """
    context.obj = {"traceback": traceback}


app.callback(help=keep_lines(front_door.__doc__))(front_door)
for command, summary in COMMANDS.items():
    app.command(short_help=summary, help=keep_lines(command.__doc__))(command)
app.add_typer(
    build_archive_group(keep_lines), name="archive", short_help="Engagements kept so that anyone can verify them."
)
app.add_typer(build_cards_group(keep_lines), name="cards", short_help="Card data in texts: look again.")
app.add_typer(build_group(keep_lines), name="quarantine", short_help="What could not be processed: look, replay, drop.")


def main() -> None:
    """Entry point of ``zcc``."""
    app()
