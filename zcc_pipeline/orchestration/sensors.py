"""The sensor that looks after Dagster itself and never after Zoom, so that it is on from the start."""

from __future__ import annotations

import dagster as dg

from zcc_pipeline.orchestration.run_cleanup import clear_dead_runs


def build_sensors() -> list[dg.SensorDefinition]:
    """Clears what killed processes left behind."""

    @dg.sensor(
        name="dead_runs",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Marks runs whose process was killed as failed and frees what they hold. It starts nothing.",
    )
    def dead_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        cleared = clear_dead_runs(context.instance)
        return dg.SkipReason(f"marked as failed: {', '.join(cleared)}" if cleared else "every run is alive")

    return [dead_runs]
