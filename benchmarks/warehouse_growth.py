"""Build a long history, then one more day: the day must cost the same however long the history is.

    python benchmarks/warehouse_growth.py [--small 100000] [--large 1000000] [--day 3000] [--rounds 3]

Both histories are 200 days, of a smaller and of a larger centre. The lake is written by DuckDB in the pipeline's own
format: engagements, notes, dispositions, recordings and their transcripts, voice calls and statuses. Each round adds
the same day to both, the same rows of the same customers, whom both histories know. Prints the full builds, the day on
each, the ratio of the medians, and publishing apart.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path

import duckdb

from zcc_pipeline.domain.completeness import ArtefactKind
from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.pipeline.build import build, publish
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.settings import Settings, open_runtime

LAST_DAY = date(2026, 10, 31)
DAYS = 200
CONTACTS = 5
"""Of a customer within the history: a larger centre has more customers, not customers who call more often."""
ENGAGEMENTS = """
    create or replace temp table base as
    select
        format('{:s}-{:010d}', ?, i) as id,
        cast(? as date) + to_seconds(cast(floor(i * 86400.0 / ?) as bigint)) as started,
        i,
        cast(hash(format('{:s}-{:010d}', ?, i)) % ? as bigint) as customer
    from range(?) as t(i)
"""
PAYLOADS = {
    "zoom/engagements": """
        select id as record_id, id as engagement_id, to_json({
            engagement_id: id, start_time: strftime(started, '%Y-%m-%dT%H:%M:%SZ'),
            end_time: strftime(started + interval 5 minute, '%Y-%m-%dT%H:%M:%SZ'), duration: 300,
            direction: if(i % 3 = 0, 'outbound', 'inbound'),
            channels: [{channel: if(i % 4 = 0, 'messaging', 'voice'), channel_source: if(i % 4 = 0, 'web_chat', '')}],
            consumers: [{consumer_id: 'con-' || customer, consumer_display_name: 'Customer ' || customer,
                         consumer_number: '+1205' || lpad(customer::varchar, 7, '0')}],
            flows: [{flow_id: 'flow-1', flow_name: 'Main', flow_version: '1'}],
            queues: [{cc_queue_id: 'queue-' || (i % 8), queue_name: 'Queue ' || (i % 8)}],
            agents: [{user_id: 'user-' || (i % 40), display_name: 'Agent ' || (i % 40)}],
            talk_duration: 200, flow_duration: 10, waiting_duration: 20, handling_duration: 240, wrap_up_duration: 40,
            transfer_count: 0, dispositions: [{disposition_id: 'disp-1', disposition_name: 'Solved'}],
            notes: [{user_id: 'user-1', note_id: 'note-' || id, note: 'Asked about an order and was helped.',
                     last_modified_time: strftime(started + interval 6 minute, '%Y-%m-%dT%H:%M:%SZ')}],
            transcript_url: '', survey_id: '', voice_mail: 0})::varchar as payload from base""",
    "zoom/notes": """
        select 'note-' || id as record_id, id as engagement_id, to_json({user_id: 'user-1', note_id: 'note-' || id,
            note: 'Asked about an order and was helped.',
            last_modified_time: strftime(started + interval 6 minute, '%Y-%m-%dT%H:%M:%SZ')})::varchar as payload
        from base""",
    "zoom/dispositions": """
        select id || ':disp-1' as record_id, id as engagement_id,
            to_json({disposition_id: 'disp-1', disposition_name: 'Solved'})::varchar as payload from base""",
    "zoom/recordings": """
        select 'rec-' || id as record_id, id as engagement_id, to_json({recording_id: 'rec-' || id, engagement_id: id,
            cc_queue_id: 'queue-1', recording_duration: 200, download_url: 'https://example.com/r', transcript_url: '',
            recording_start_time: strftime(started, '%Y-%m-%dT%H:%M:%SZ'),
            recording_end_time: strftime(started + interval 5 minute, '%Y-%m-%dT%H:%M:%SZ'),
            recording_type: 'automatic', channel: 'voice', direction: 'inbound',
            owner_type: 'queue'})::varchar as payload
        from base where i % 4 <> 0""",
    "zoom/recording_transcripts": """
        select 'rec-' || id as record_id, id as engagement_id, to_json({source_id: 'rec-' || id, engagement_id: id,
            occurred_at: strftime(started, '%Y-%m-%dT%H:%M:%SZ'), path: 'recording_transcript/' || id || '.vtt',
            sha256: sha256(id), format: 'webvtt', problem: null,
            turns: [{turn: t, speaker: if(t % 2 = 1, 'Agent ' || (i % 40), 'Customer ' || customer),
                     offset_seconds: t * 10.0, duration_seconds: 9.5,
                     text: 'Turn ' || t || ' of a talk about an order.'} for t in range(1, 9)]})::varchar as payload
        from base where i % 4 <> 0""",
    "zoom/voice_calls": """
        select id as record_id, id as engagement_id, to_json({engagement_id: id, direction: 'inbound', recorded: true,
            start_time: strftime(started, '%Y-%m-%dT%H:%M:%SZ'), inbox: false, result: 'completed',
            total_duration: 300})::varchar as payload from base where i % 4 <> 0""",
    "zoom/completeness": """
        select id || ':' || kind as record_id, id as engagement_id, to_json({engagement_id: id, kind: kind,
            status: 'stored', reason: null, evidence: '', expected_items: 1, stored_items: 1, next_try_at: null,
            occurred_at: strftime(started, '%Y-%m-%dT%H:%M:%SZ')})::varchar as payload
        from base, (select unnest(?::varchar[]) as kind)""",
}


def write_day(lake: Path, day: date, engagements: int, customers: int) -> None:
    """One day of every dataset, as landing writes it; any of the customers may call on any day."""
    connection = duckdb.connect()
    name = day.isoformat()
    connection.execute(ENGAGEMENTS, [name, name, engagements, name, customers, engagements])
    for dataset, select in PAYLOADS.items():
        folder = lake / dataset / f"date={day}"
        folder.mkdir(parents=True)
        values = [[kind.value for kind in ArtefactKind]] if "?" in select else []
        as_of = f"timestamptz '{day}T23:59:59Z'"
        connection.execute(
            f"""copy (select record_id, 'list' as shape, engagement_id, payload,
                    unhex(sha256(payload)[:32]) as content_hash, {as_of} as as_of, {as_of} as observed_at,
                    'poll' as route, false as is_deleted, 'bench' as batch_id from ({select}))
                to '{folder}/{day:%Y%m%d}T235959-bench.parquet' (format parquet, compression zstd)""",
            values,
        )
    connection.close()


def write_history(runtime: Runtime, history: int) -> None:
    """Two hundred days of a centre of that size."""
    runtime.lake.ensure_seeded(DATASETS.values())
    for offset in range(DAYS):
        day = LAST_DAY - timedelta(days=offset)
        write_day(runtime.config.home / "lake", day, history // DAYS, history // CONTACTS)


def _timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def main() -> None:
    """Both histories take turns, so that a noisy moment hits them alike."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", type=int, default=100_000)
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--day", type=int, default=3_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    homes: dict[int, Runtime] = {}
    days: dict[int, list[float]] = {options.small: [], options.large: []}
    with ExitStack() as stack:
        for history in days:
            home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            homes[history] = runtime = stack.enter_context(open_runtime(Settings(home=home)))
            write_history(runtime, history)
            print(f"history {history:>9,}: full build {_timed(lambda runtime=runtime: build(runtime)):6.1f} s")
            build(runtime)  # settles caches: the next one is a build like every other night's
        for number in range(options.rounds):
            for history, runtime in homes.items():
                added = LAST_DAY + timedelta(days=number + 1)
                write_day(runtime.config.home / "lake", added, options.day, options.small // CONTACTS)
                days[history].append(_timed(lambda runtime=runtime: build(runtime)))
                publishing = _timed(lambda runtime=runtime: publish(runtime))
                print(
                    f"round {number + 1} history {history:>9,}: a day of {options.day:,} {days[history][-1]:5.1f} s, "
                    f"publishing {publishing:5.1f} s"
                )
    median = {history: statistics.median(seconds) for history, seconds in days.items()}
    print(f"the day on the longer history: {median[options.large] / median[options.small]:.2f} x   (aim at most 1.3)")


if __name__ == "__main__":
    main()
