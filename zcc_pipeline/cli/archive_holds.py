"""``zcc archive hold``, ``release`` and ``retention``: what must not be erased, and what may be when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from zcc_pipeline.cli.options import JsonOption, parse_days
from zcc_pipeline.cli.screen import counted, heading, paragraph, print_json, say, table
from zcc_pipeline.cli.sentences import FAILED

if TYPE_CHECKING:
    from datetime import date

    from zcc_pipeline.pipeline.holding import HoldOutcome
    from zcc_pipeline.pipeline.retention_overview import MatterRow, RetentionOverview
    from zcc_pipeline.pipeline.runtime import Runtime

SHOWN = 10
"""Engagements or days that are named one by one; --json has all."""

MatterOption = Annotated[
    str,
    typer.Option(
        "--matter",
        metavar="NUMBER",
        help="Number of the matter; no names of people, the ledger is for ever.",
        show_default=False,
    ),
]
ActorOption = Annotated[
    str,
    typer.Option(
        "--actor", metavar="ACCOUNT", help="Who decides: a role or an account name of yours.", show_default=False
    ),
]
EngagementOption = Annotated[
    list[str] | None,
    typer.Option("--engagement", metavar="ID", help="An engagement; may be given several times.", show_default=False),
]
FirstOption = Annotated[
    str | None,
    typer.Option("--from", metavar="DAY", help="First of whole days on which engagements started.", show_default=False),
]
LastOption = Annotated[str | None, typer.Option("--to", metavar="DAY", help="Last day, included.", show_default=False)]


def hold(
    matter: MatterOption,
    actor: ActorOption,
    engagements: EngagementOption = None,
    first: FirstOption = None,
    last: LastOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep engagements from being erased for a matter, whatever their retention says.

    A held day also holds what is archived of it later. What several matters hold is free when each has released it.
    Holding again what is held changes nothing. Exit code 1 when something is gone already.

    Examples:
        zcc archive hold --matter 2026-17 --actor legal --engagement AbCdEfGhIjKlMnOpQrSt12
        zcc archive hold --matter 2026-17 --actor legal --from 2026-11-01 --to 2026-11-07
    """
    from zcc_pipeline.cli.session import opened_runtime
    from zcc_pipeline.pipeline.holding import hold as hold_in

    if not engagements and first is None and last is None:
        raise typer.BadParameter("say what: --engagement, or --from and --to.", param_hint="--engagement")
    check_words(matter, actor)
    with opened_runtime(as_json=as_json) as runtime:
        days = _days(first, last, runtime)
        outcome = hold_in(runtime, matter=matter, actor=actor, engagement_ids=engagements or (), days=days)
    if as_json:
        print_json(outcome)
    else:
        _show_hold(outcome)
    if outcome.purged or outcome.unwitnessed:
        raise typer.Exit(FAILED)


def release(
    matter: MatterOption,
    actor: ActorOption,
    engagements: EngagementOption = None,
    first: FirstOption = None,
    last: LastOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything that the matter holds.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this it is only said what would be done.")] = False,
    as_json: JsonOption = False,
) -> None:
    """End what a matter holds: an engagement that was held by its id, a day that was held as a day, or all of it.

    Releasing a day leaves engagements that were held by their id, and the other way round. What no other matter holds
    and is past its last day may then be purged. Exit code 1 without --yes, and when there was nothing to release.

    Examples:
        zcc archive release --matter 2026-17 --actor legal --engagement AbCdEfGhIjKlMnOpQrSt12 --yes
        zcc archive release --matter 2026-17 --actor legal --all
    """
    from zcc_pipeline.cli.session import opened_runtime
    from zcc_pipeline.pipeline.holding import describe_plan, plan_to_release
    from zcc_pipeline.pipeline.holding import release as release_in

    is_narrowed = bool(engagements) or first is not None or last is not None
    if is_narrowed == everything:
        raise typer.BadParameter("say what: --engagement, --from and --to, or --all.", param_hint="--engagement")
    check_words(matter, actor)
    with opened_runtime(as_json=as_json) as runtime:
        days = _days(first, last, runtime)
        planned = plan_to_release(runtime, matter=matter, actor=actor, engagement_ids=engagements or (), days=days)
        outcome = release_in(runtime, planned, matter=matter) if yes else describe_plan(*planned, matter)
    is_something = bool(outcome.engagement_ids or outcome.days)
    if as_json:
        print_json({"is_released": yes and is_something, "outcome": outcome})
    else:
        _show_release(outcome, is_done=yes)
    if not (yes and is_something) or outcome.unwitnessed:
        raise typer.Exit(FAILED)


def retention(as_json: JsonOption = False) -> None:
    """Tell what is archived until when, on what ground, and what is held for which matter.

    ZCC_ARCHIVE_RETENTION names the file with the classes; docs/archive-retention.md tells how it is written. What has
    no date never expires. Reads the ledger and changes nothing.

    Examples:
        zcc archive retention
        zcc archive retention --json
    """
    from zcc_pipeline.cli.session import opened_runtime
    from zcc_pipeline.pipeline.retention_overview import retention_overview

    with opened_runtime(as_json=as_json) as runtime:
        overview = retention_overview(runtime)
        has_file = runtime.archive.retention is not None
    if as_json:
        print_json(overview)
    else:
        show_retention(overview, has_file=has_file)


def check_words(matter: str | None, actor: str | None) -> None:
    """Wrong usage before anything is opened."""
    from zcc_pipeline.archive.holds import ACTOR, MATTER

    for text, pattern, option in ((matter, MATTER, "--matter"), (actor, ACTOR, "--actor")):
        if text is not None and not pattern.fullmatch(text):
            raise typer.BadParameter(
                "takes a number or an account name: letters, digits and . _ - without spaces.", param_hint=option
            )


def _days(first: str | None, last: str | None, runtime: Runtime) -> Sequence[date]:
    from zcc_pipeline.domain.window import iter_days

    if first is None and last is None:
        return ()
    if first is None or last is None:
        raise typer.BadParameter("both ends are needed: --from and --to.", param_hint="--from")
    return tuple(iter_days(*parse_days(first, last, today=runtime.today())))


def _show_hold(outcome: HoldOutcome) -> None:
    said = _what(outcome.engagement_ids, outcome.days)
    paragraph(f"Held for {outcome.matter}: {said}." if said else f"Nothing new to hold for {outcome.matter}.")
    before = _what(outcome.unchanged.object_ids, outcome.unchanged.days)
    if before:
        paragraph(f"Held already: {before}.")
    if outcome.not_archived:
        paragraph(f"Not in the archive; held once it is, so check the ids: {_named(outcome.not_archived)}.")
    if outcome.purged:
        paragraph(f"Too late, erased before: {_named(outcome.purged)}.")
    say(f"{counted(outcome.still_held, 'archived engagement')} held for {outcome.matter} in all.")
    _say_unwitnessed(outcome)


def _show_release(outcome: HoldOutcome, *, is_done: bool) -> None:
    said = _what(outcome.engagement_ids, outcome.days)
    if not said:
        paragraph(f"Nothing of that is held for {outcome.matter}; `zcc archive retention` tells what is.")
        return
    paragraph(f"{'Released' if is_done else 'Would be released'} from {outcome.matter}: {said}.")
    other = _what(outcome.unchanged.object_ids, outcome.unchanged.days)
    if other:
        paragraph(f"Not held for it in this way: {other}.")
    if is_done:
        say(f"{counted(outcome.still_held, 'archived engagement')} still held for {outcome.matter}.")
        _say_unwitnessed(outcome)
    else:
        say("Nothing was released. With --yes it is.")


def _say_unwitnessed(outcome: HoldOutcome) -> None:
    if outcome.unwitnessed:
        paragraph(f"The checkpoint has no copy elsewhere ({', '.join(outcome.unwitnessed)}).")


def _what(engagement_ids: Sequence[str], days: Sequence[date]) -> str:
    parts = []
    if engagement_ids:
        parts.append(f"{counted(len(engagement_ids), 'engagement')} ({_named(engagement_ids)})")
    if days:
        parts.append(f"{counted(len(days), 'whole day')} ({_named([str(day) for day in days])})")
    return " and ".join(parts)


def _named(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def show_retention(overview: RetentionOverview, *, has_file: bool) -> None:
    """Classes, then matters."""
    say(f"{counted(overview.objects, 'engagement')} archived, {overview.purged:,} purged.")
    if not has_file:
        paragraph("No file says how long to keep them (ZCC_ARCHIVE_RETENTION): nothing more is ever given a last day.")
    if overview.classes:
        heading("Kept until")
        columns = ("class", "engagements", "held", "expired", "earliest", "latest", "ground")
        rows = [
            (
                one.class_name or ("no class" if one.first_day else "for ever"),
                one.objects,
                one.held,
                one.expired,
                one.first_day,
                one.last_day,
                one.legal_ground,
            )
            for one in overview.classes
        ]
        table(columns, rows, numbers=("engagements", "held", "expired"), fold="ground")
    if overview.matters:
        heading("Held")
        held = [_matter_row(one) for one in overview.matters]
        table(("matter", "engagements", "since", "by", "what"), held, numbers=("engagements",), fold="what")


def _matter_row(one: MatterRow) -> tuple[object, ...]:
    return (
        one.matter,
        one.objects,
        f"{one.since:%Y-%m-%d}",
        ", ".join(one.actors),
        _what(one.engagement_ids, one.days),
    )
