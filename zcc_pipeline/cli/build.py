"""``zcc build``: dbt over the lake, then the analysts' copy."""

from __future__ import annotations

from typing import Annotated

import typer

from zcc_pipeline.cli.options import JsonOption
from zcc_pipeline.cli.progress import underway
from zcc_pipeline.cli.screen import bytes_text, counted, print_json, say, seconds_text
from zcc_pipeline.cli.sentences import FAILED
from zcc_pipeline.cli.session import opened_runtime


def build(
    full_refresh: Annotated[
        bool,
        typer.Option("--full-refresh", help="Make every table anew from the lake; gives the same rows, takes longer."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Build the warehouse from the lake and publish analytics.duckdb for reading.

    dbt loads the lake files it has not seen, rebuilds what they change and tests the result. The copy for analysts is
    swapped in whole, so open notebooks and dashboards never see a lock or half a table. Where a test of what it would
    hold fails, it stays as it was, and the exit code is 1.

    Examples:
        zcc build
        zcc build --full-refresh
    """
    from zcc_pipeline.pipeline.build import build as build_warehouse
    from zcc_pipeline.pipeline.build import publish

    with opened_runtime(as_json=as_json) as runtime:
        with underway(runtime.progress, "building"):
            built = build_warehouse(runtime, full_refresh=full_refresh)
        withheld = runtime.warehouse.withheld_by(built)
        with underway(runtime.progress, "publishing"):
            published = None if withheld else publish(runtime)
    if as_json:
        failed = [node.name for node in built.failed_tests]
        print_json({"build": built, "failed_tests": failed, "withheld_by": withheld, "publish": published})
    else:
        say(
            f"Built in {seconds_text(built.seconds)}: {built.files_loaded:,} lake files loaded, "
            f"{built.engagements_touched:,} engagements rebuilt on {counted(len(built.days_touched), 'day')}."
        )
        if published is None:
            say(f"Not published: the analysts' copy stays as it was, because of {', '.join(withheld)}.")
        else:
            copy = f"{published.path} ({bytes_text(published.bytes_written)})"
            say(f"Published in {seconds_text(published.seconds)}: {copy}.")
        for node in built.warned_tests:
            say(f"warning: {node.name}: {node.message}")
        for node in built.failed_tests:
            say(f"failed test: {node.name}: {node.message}")
    if built.failed_tests or withheld:
        raise typer.Exit(FAILED)
