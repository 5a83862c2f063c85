"""``zcc pull``: sources to lake and files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from zcc_pipeline.cli.options import FromOption, JsonOption, ToOption, parse_days
from zcc_pipeline.cli.screen import print_json, say, table
from zcc_pipeline.cli.sentences import FAILED
from zcc_pipeline.cli.session import opened_runtime

if TYPE_CHECKING:
    from zcc_pipeline.pipeline.reports import DatasetReport, PullReport


def pull(
    first: FromOption,
    last: ToOption = "today",
    only: Annotated[
        str,
        typer.Option(
            "--only", metavar="NAMES", help="Only these datasets, comma-separated, such as engagements,recordings."
        ),
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Read those days from Zoom into the lake and fetch their files.

    Every record version is kept as received; what did not change writes nothing, so pulling a day again is safe and is
    how late changes are found. The warehouse is not touched: that is `zcc build`. Where Zoom's daily quota runs out, it
    waits until the next one begins and goes on.

    Examples:
        zcc pull --from yesterday
        zcc pull --from 2026-11-01 --to 2026-11-07 --only engagements,recordings
    """
    from zcc_pipeline.domain.window import iter_days
    from zcc_pipeline.pipeline.pull import pull as pull_days
    from zcc_pipeline.pipeline.reaching import reach_zoom

    names = [name.strip() for name in only.split(",") if name.strip()]
    with opened_runtime(as_json=as_json, lands=True) as runtime:
        start, end = parse_days(first, last, today=runtime.today())
        reach_zoom(runtime)
        runtime.waits_for_quota = True
        report = pull_days(runtime, list(iter_days(start, end)), only=names)
    if as_json:
        print_json(
            {
                "from": start,
                "to": end,
                "datasets": [as_row(one) for one in report.datasets],
                "problems": report.problems,
            }
        )
    else:
        show(report)
    if report.problems:
        raise typer.Exit(FAILED)


COUNTS = (
    "received",
    "new",
    "changed",
    "unchanged",
    "deleted",
    "suppressed",
    "failed",
    "waiting",
    "bytes_written",
    "api_calls",
)


def as_row(report: DatasetReport) -> dict[str, object]:
    """One dataset's totals and problems."""
    return {
        "dataset": report.dataset,
        **{name: report.total(name) for name in COUNTS},
        "is_complete": report.is_complete,
        "problems": report.problems,
    }


def show(report: PullReport) -> None:
    """A table of datasets, then what did not go well; what was erased has a column only where there is any."""
    names = ["new", "changed", "unchanged", "deleted", "failed", "api_calls"]
    if any(one.total("suppressed") for one in report.datasets):
        names.insert(4, "suppressed")
    columns = ("dataset", *(_HEADINGS.get(name, name) for name in names))
    rows = [(one.dataset, *(one.total(name) for name in names)) for one in report.datasets]
    table(columns, rows, numbers=columns[1:])
    for problem in report.problems:
        say(f"problem: {problem}")
    if not report.problems:
        say("All of it was read. `zcc build` brings it into the warehouse, `zcc status` says what is complete.")


_HEADINGS = {"api_calls": "API calls", "suppressed": "erased"}
