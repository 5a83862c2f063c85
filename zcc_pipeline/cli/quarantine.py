"""``zcc quarantine``: what could not be processed, held whole until somebody replays or drops it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zcc_pipeline.cli.options import JsonOption
from zcc_pipeline.cli.screen import counted, paragraph, print_json, say, table
from zcc_pipeline.cli.sentences import FAILED
from zcc_pipeline.domain.errors import PermanentError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from zcc_pipeline.domain.ports import Quarantine, QuarantineItem
    from zcc_pipeline.pipeline.runtime import Runtime

HINTS = {
    "polling": "read its day again (`zcc pull --from DAY --to DAY`): what can be read then lands by itself",
    "times": "it is stored and judged as it is; a later version of it with times that can be read counts by these",
    "transcripts": "its file is stored; it is parsed again when the file changes or after an upgrade",
}
"""Rooms whose items cannot be replayed from what is held, and what to do instead."""

NEXT = {
    "exports": "The next `zcc export` of that CRM offers them again.",
    "card_data": "The next `zcc build`, `zcc export` and `zcc archive export` take what was let go.",
}
"""What follows a replay, by room; the others' items are events."""

IdArguments = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Items, as the list names them.")]


def list_items(
    show_all: Annotated[bool, typer.Option("--all", help="Also those that were replayed or dropped.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List what is held, oldest first, without its content.

    Examples:
        zcc quarantine list
        zcc quarantine list --all --json
    """
    with _opened() as runtime:
        items = runtime.state.quarantine.list(None if show_all else "held")
    if as_json:
        print_json([_described(item) for item in items])
        return
    if not items:
        say("Nothing is in quarantine.")
        return
    columns = ("id", "dataset", "reason", "since", "times")
    rows = [
        (item.item_id, item.dataset, _reason(item), f"{item.first_seen_at:%Y-%m-%d}", item.times_seen) for item in items
    ]
    table(columns, rows, numbers=("times",), fold="reason")
    say()
    paragraph(
        f"{counted(len(items), 'item')}. `zcc quarantine show ID` says more, `replay` tries again, `drop` gives up."
    )


def show(
    item_id: Annotated[str, typer.Argument(metavar="ID", help="The item, as the list names it.")],
    reveal: Annotated[bool, typer.Option("--reveal", help="Show names, numbers and texts as they are.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show one item. What customers and agents are called, reached under and said is masked unless --reveal.

    Examples:
        zcc quarantine show 01JD3ZK8Q7W5V2M4N6P8R0T2X4
        zcc quarantine show 01JD3ZK8Q7W5V2M4N6P8R0T2X4 --reveal
    """
    with _opened() as runtime:
        item = _get(runtime.state.quarantine, item_id)
    content = _content(item.payload, reveal=reveal)
    if as_json:
        print_json(_described(item) | {"content": content})
        return
    for name, value in _described(item).items():
        say(f"{name.replace('_', ' '):14} {'' if value is None else value}")
    say()
    say(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=2))
    if not reveal:
        say()
        say("Values are masked; --reveal shows them.")


def replay(
    item_ids: IdArguments = None,
    all_held: Annotated[bool, typer.Option("--all", help="Everything that is held.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Try items again: after an upgrade, or after a setting was put right.

    An event that is accepted now is applied as if it had just arrived, for the moment at which it happened. A record
    that a CRM refused is offered again by the next export. Texts that are blocked because of card data are let go. Exit
    code 1 when something is still refused.

    Examples:
        zcc quarantine replay 01JD3ZK8Q7W5V2M4N6P8R0T2X4
        zcc quarantine replay --all
    """
    with _opened() as runtime:
        items = _chosen(runtime.state.quarantine, item_ids, all_held=all_held)
        outcomes = [_replay(runtime, item) for item in items]
    if as_json:
        print_json(outcomes)
    else:
        for outcome in outcomes:
            paragraph(f"{outcome['item_id']}: {outcome['outcome']}" + (f": {said}" if (said := outcome["why"]) else ""))
        rooms = {item.room for item, done in zip(items, outcomes, strict=True) if done["outcome"] == "replayed"}
        for room in sorted(rooms):
            say(NEXT.get(room, "The next refresh reads again what the events name (`zcc run`, or the sensor)."))
    if any(outcome["outcome"] == "refused again" for outcome in outcomes):
        raise typer.Exit(FAILED)


def drop(item_ids: IdArguments = None, as_json: JsonOption = False) -> None:
    """Give items up. They stay in the ledger as dropped and are not held again when the same comes once more.

    Examples:
        zcc quarantine drop 01JD3ZK8Q7W5V2M4N6P8R0T2X4
    """
    with _opened() as runtime:
        items = _chosen(runtime.state.quarantine, item_ids, all_held=False)
        for item in items:
            runtime.state.quarantine.mark(item.item_id, "dropped")
    if as_json:
        print_json([{"item_id": item.item_id, "outcome": "dropped"} for item in items])
    else:
        say(f"Dropped {counted(len(items), 'item')}.")


def quarantine() -> None:
    """What could not be processed: records and events, held whole with the reason.

    Nothing that arrives is thrown away. What cannot be read is set aside here and the rest goes on; after an upgrade,
    or once a setting is put right, it is tried again.

    Examples:
        zcc quarantine list
        zcc quarantine show ID
        zcc quarantine replay --all
    """


def build_group(keep_lines: Callable[[str | None], str]) -> typer.Typer:
    """The four commands under one name; ``keep_lines`` lays out help texts."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    group.callback(help=keep_lines(quarantine.__doc__))(quarantine)
    for name, command, summary in (
        ("list", list_items, "What is held, and why."),
        ("show", show, "One item, masked."),
        ("replay", replay, "Try again."),
        ("drop", drop, "Give up."),
    ):
        group.command(name, short_help=summary, help=keep_lines(command.__doc__))(command)
    return group


def _opened() -> Any:  # noqa: ANN401 - a context manager of the runtime, whose module is slow to import
    from zcc_pipeline.cli.session import opened_runtime

    return opened_runtime()


def _get(quarantine: Quarantine, item_id: str) -> QuarantineItem:
    item = quarantine.get(item_id)
    if item is None:
        raise PermanentError(f"there is no item {item_id} in quarantine; `zcc quarantine list --all` names them")
    return item


def _chosen(quarantine: Quarantine, item_ids: list[str] | None, *, all_held: bool) -> Sequence[QuarantineItem]:
    if bool(item_ids) == all_held:
        raise typer.BadParameter("name items, or say --all where there is that option.", param_hint="ID")
    return quarantine.list("held") if all_held else [_get(quarantine, item_id) for item_id in item_ids or ()]


def _replay(runtime: Runtime, item: QuarantineItem) -> dict[str, str | None]:
    from zcc_pipeline.exports.sync import ROOM as EXPORTS
    from zcc_pipeline.pipeline.card_data import ROOM as CARD_DATA
    from zcc_pipeline.pipeline.card_data_release import let_go
    from zcc_pipeline.pipeline.events import ROOM as EVENTS
    from zcc_pipeline.pipeline.events import replay as replay_event
    from zcc_pipeline.pipeline.exporting import offer_again

    if item.room == EXPORTS:
        refused = offer_again(runtime, item)
    elif item.room == EVENTS:
        refused = replay_event(runtime, item)
    elif item.room == CARD_DATA:
        texts = let_go(runtime, item)
        return {"item_id": item.item_id, "outcome": "replayed", "why": f"{counted(texts, 'blocked text')} let go"}
    else:
        return {"item_id": item.item_id, "outcome": "not an event", "why": HINTS.get(item.room)}
    return {"item_id": item.item_id, "outcome": "refused again" if refused else "replayed", "why": refused}


def _described(item: QuarantineItem) -> dict[str, Any]:
    return {
        "item_id": item.item_id,
        "state": item.state,
        "room": item.room,
        "dataset": item.dataset,
        "record_id": item.record_id,
        "reason": item.reason,
        "detail": item.detail,
        "first_seen_at": item.first_seen_at,
        "last_seen_at": item.last_seen_at,
        "times_seen": item.times_seen,
        "bytes": len(item.payload),
    }


def _reason(item: QuarantineItem) -> str:
    return item.reason if item.state == "held" else f"{item.reason} ({item.state})"


def _content(payload: bytes, *, reveal: bool) -> Any:  # noqa: ANN401 - any JSON
    """The record as JSON, masked unless it is to be revealed; a sentence where it is none."""
    from zcc_pipeline.orchestration.masking import mask_deep

    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        return payload.decode(errors="backslashreplace") if reveal else f"‹not JSON, {len(payload)} bytes›"
    return document if reveal else mask_deep(document)
