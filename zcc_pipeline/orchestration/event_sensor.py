"""The sensor that turns received events into refresh runs.

The cursor only says what has been asked for, never what is done: that is in the state store, so a run that failed or
was killed is asked for again. A tick asks two databases and never Zoom.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import dagster as dg

from zcc_pipeline.orchestration.assets.events import REFRESH
from zcc_pipeline.orchestration.failures import explained
from zcc_pipeline.orchestration.resources import OpenRuntime
from zcc_pipeline.orchestration.run_cleanup import IN_PROGRESS, clear_dead_runs
from zcc_pipeline.pipeline.events import Waiting, look

ALARM_AFTER = 5
"""Failed runs in a row from which on the sensor itself fails, which is what alerts look at."""
LONGEST_PAUSE = timedelta(minutes=30)
"""So often a refresh is tried however many have failed."""

_DESCRIPTION = """\
Starts a refresh when events have been received or engagements are due to be read again, and again when a refresh failed
or was killed, for then the analysts' copy may be behind. Off until it is switched on (here, or by `dagster sensor start
received_events`), because a refresh reads from Zoom. While refreshes fail the pauses between them grow from one minute
to thirty, and from the fifth failure on the sensor fails as well.
"""


def build_event_sensor(open_runtime: OpenRuntime, *, tells_at_once: bool) -> dg.SensorDefinition:
    """``received_events``: one refresh at a time, asked for again until everything is applied.

    ``tells_at_once``: see ``Execution``; otherwise a run that has not told where it works may be waiting for its turn.
    """

    @dg.sensor(
        name="received_events",
        job_name=REFRESH,
        minimum_interval_seconds=10,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description=_DESCRIPTION,
    )
    def received_events(context: dg.SensorEvaluationContext) -> dg.SkipReason | dg.SensorResult:
        with explained(), open_runtime() as runtime:
            waiting = look(runtime)
            now = runtime.clock.now()
        # a killed run must not hold up the next one
        clear_dead_runs(context.instance, now=now if tells_at_once else None)
        failures, last_end = _failures_in_a_row(context.instance)
        if not waiting.unapplied and not waiting.due and not failures:
            return dg.SkipReason("nothing received, nothing due")
        busy = context.instance.get_runs(
            dg.RunsFilter(job_name=REFRESH, statuses=[*IN_PROGRESS, dg.DagsterRunStatus.QUEUED]), limit=1
        )
        if busy:
            return dg.SkipReason(f"run {busy[0].run_id} is at work")
        if failures > 1 and last_end is not None and now < (again_at := last_end + _pause(failures)):
            said = f"the last {failures} refreshes failed; the next is tried after {again_at:%Y-%m-%d %H:%M:%S} UTC"
            if failures >= ALARM_AFTER:
                raise dg.Failure(f"{said}. {waiting.unapplied} events wait, {waiting.due} engagements are due.")
            return dg.SkipReason(said)
        return _request(context.cursor, waiting)

    return received_events


def _request(cursor: str | None, waiting: Waiting) -> dg.SensorResult:
    """A run for what waits; the same again gets a key of its own, because Dagster starts each key once."""
    base = f"{waiting.inbox_id or 'due'}:{waiting.highest_seq}"
    asked = json.loads(cursor) if cursor else {}
    retry = int(asked.get("retry", 0)) + 1 if asked.get("asked_for") == base else 0
    key = f"{base}:retry{retry}" if retry else base
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_key=key)], cursor=json.dumps({"asked_for": base, "retry": retry})
    )


def _failures_in_a_row(instance: dg.DagsterInstance) -> tuple[int, datetime | None]:
    """How many of the newest refreshes failed, and when the newest of them ended."""
    count, last_end = 0, None
    for record in instance.get_run_records(dg.RunsFilter(job_name=REFRESH), limit=ALARM_AFTER):
        if record.dagster_run.status is not dg.DagsterRunStatus.FAILURE:
            break
        count += 1
        if last_end is None:
            ended = record.end_time or record.update_timestamp.timestamp()
            last_end = datetime.fromtimestamp(ended, UTC)
    return count, last_end


def _pause(failures: int) -> timedelta:
    """After the second failure (the first may have been a kill) 1, 2 and 4 minutes, and thirty in the end."""
    return timedelta(minutes=2 ** (failures - 2)) if failures < ALARM_AFTER else LONGEST_PAUSE
