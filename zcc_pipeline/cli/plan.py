"""``zcc plan``: what a backfill costs, before it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zcc_pipeline.cli.options import FromOption, JsonOption, ToOption, parse_days
from zcc_pipeline.cli.screen import bytes_text, counted, paragraph, print_json, say, seconds_text, table
from zcc_pipeline.cli.session import opened_runtime

if TYPE_CHECKING:
    from zcc_pipeline.pipeline.plan import Plan


def plan(first: FromOption, last: ToOption = "today", as_json: JsonOption = False) -> None:
    """Estimate what a run for those days will cost: API calls, share of the quota, time.

    Zoom is asked for the totals of the range, a handful of calls for each month; where it cannot be asked, the days
    already read stand for the others. Nothing is landed. The answer says what it rests on.

    Example:
        zcc plan --from 2026-01-01 --to 2026-06-30
    """
    from zcc_pipeline.pipeline.plan import plan as plan_days

    with opened_runtime(as_json=as_json) as runtime:
        start, end = parse_days(first, last, today=runtime.today())
        planned = plan_days(runtime, start, end)
        allowance = runtime.config.zoom.heavy_calls_per_day()
    if as_json:
        print_json(planned)
    else:
        show(planned, allowance)


def show(planned: Plan, allowance: int | None) -> None:
    """Tables of calls, then the sentences that matter."""
    cost = planned.cost
    days = f"{planned.first} to {planned.last}: {counted(planned.days, 'day')}"
    say(f"{days}, about {planned.records['zoom/engagements']:,} engagements")
    paragraph(f"From {planned.basis}.")
    for assumption in planned.assumptions:
        paragraph(f"Assumed: {assumption}.")
    say()
    rows = [
        (name, planned.records[name], cost.calls_by_dataset[name]) for name in planned.records if not _is_small(name)
    ]
    small = sum(calls for name, calls in cost.calls_by_dataset.items() if _is_small(name))
    table(("dataset", "records", "calls"), [*rows, ("reference lists", None, small)], numbers=("records", "calls"))
    say()
    labels = [
        (
            str(label),
            calls,
            "no limit" if cost.heavy_share_of_day is None else seconds_text(cost.seconds_by_label[label]),
        )
        for label, calls in cost.calls_by_label.items()
    ]
    table(("rate label", "calls", "time at the allowed rate"), labels, numbers=("calls",))
    say()
    _say_quota(planned, allowance)
    if planned.file_bytes is not None:
        say(f"Media to download: about {bytes_text(planned.file_bytes)}.")
    if cost.heavy_share_of_day is None:
        say("Time: this plan has no limits, so as fast as the server answers.")
    else:
        say(f"Time: about {seconds_text(planned.seconds)}, plus the time that downloads take on your line.")


def _say_quota(planned: Plan, allowance: int | None) -> None:
    share = planned.cost.heavy_share_of_day
    if share is None or allowance is None:
        return
    spent = f", {planned.heavy_spent_today:,} of them already spent today" if planned.heavy_spent_today else ""
    say(
        f"Quota: {share:.1%} of one day's HEAVY calls of the account; this pipeline may use {allowance:,} a day{spent}."
    )


def _is_small(name: str) -> bool:
    from zcc_pipeline.domain.datasets import DATASETS, Reading

    return name in DATASETS and DATASETS[name].reading is Reading.CATALOGUE
