"""The graph as lines of text that a person can read in a diff.

After a change that is meant: ``python -m zcc_pipeline_tests.definitions.graph_lines`` writes ``graph.txt`` anew.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import dagster as dg

from zcc_pipeline.orchestration.build import build_defs
from zcc_pipeline.pipeline.crms import TITLES
from zcc_pipeline.settings import load_settings, open_runtime
from zcc_pipeline_tests.parsed_project import give_parsed_project

GRAPH = Path(__file__).with_name("graph.txt")
_INNER_LAYERS = ("staging", "intermediate")
"""dbt's own business: they come and go with the SQL, and other tests see that nothing that lands is left out."""
_MARTS = ("core", "operations")
"""By name: what they depend on is what their SQL selects from."""


def real_definitions(home: Path) -> dg.Definitions:
    """With dbt's real manifest, put under ``home``, and every CRM configured."""
    give_parsed_project(home, with_manifest=True)
    settings = load_settings({"ZCC_HOME": str(home)})
    with open_runtime(settings) as runtime:
        manifest = runtime.warehouse.manifest_path()
    return build_defs(
        open_runtime=lambda: open_runtime(settings), timezone="UTC", manifest=manifest, crms=tuple(TITLES)
    )


def graph_lines(defs: dg.Definitions) -> list[str]:
    """One line an asset with what it depends on, by group; marts by name only."""
    graph = defs.resolve_asset_graph()
    lines: list[str] = []
    for group in sorted(
        graph.get_all_asset_keys() and {graph.get(key).group_name for key in graph.get_all_asset_keys()}
    ):
        lines.append(f"[{group}]")
        if group in _INNER_LAYERS:
            lines.append(f"  models of dbt_project/models/{group}")
            continue
        nodes = [graph.get(key) for key in sorted(graph.get_all_asset_keys()) if graph.get(key).group_name == group]
        for node in nodes:
            if group in _MARTS or "dbt" in node.kinds:
                lines.append(f"  {node.key.to_user_string()}")
                continue
            parents = ", ".join(sorted(parent.to_user_string() for parent in node.parent_keys))
            days = " daily" if node.is_partitioned else ""
            lines.append(f"  {node.key.to_user_string()}{days}" + (f" <- {parents}" if parents else ""))
    lines.append("[checks beside dbt's]")
    own = {"read_to_the_end", "is_fresh"} | {"everything_explained", "every_day_listed"}
    own |= {"nothing_about_to_expire", "nothing_in_quarantine", "differences_healed", "every_event_subscribed"}
    own |= {"events_arrive", "events_are_fast", "flow_scripts_send", "receiver_is_heard"}
    own |= {"nothing_refused", "everything_has_left", "fresh_and_clean", "window_closed_on_time"}
    for name in sorted(own):
        at = sorted(key.asset_key.to_user_string() for key in graph.asset_check_keys if key.name == name)
        lines.append(f"  {name}: {at[0] if len(at) == 1 else f'{len(at)} assets'}")
    lines.append("[jobs]")
    lines += [
        f"  {job.name}" for job in sorted(defs.resolve_all_job_defs(), key=lambda job: job.name) if job.name[:2] != "__"
    ]
    lines.append("[schedules]")
    for schedule in sorted(defs.schedules or [], key=lambda one: one.name):
        assert isinstance(schedule, dg.ScheduleDefinition)
        lines.append(
            f"  {schedule.name}: {schedule.cron_schedule} -> {schedule.job_name} ({schedule.default_status.value})"
        )
    lines.append("[sensors]")
    lines += [f"  {sensor.name} ({sensor.default_status.value})" for sensor in defs.sensors or []]
    return lines


def main() -> None:
    """Write the file anew."""
    with tempfile.TemporaryDirectory() as folder:
        GRAPH.write_text("\n".join(graph_lines(real_definitions(Path(folder)))) + "\n")
    sys.stdout.write(f"{GRAPH} written\n")


if __name__ == "__main__":
    main()
