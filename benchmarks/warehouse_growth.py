"""Build a long history, then one more day: the day must cost the same however long the history is.

    python benchmarks/warehouse_growth.py [--small 100000] [--large 1000000] [--day 3000]

Both histories are 200 days, of a smaller and of a larger centre. The lake is written by DuckDB in the pipeline's own
format: engagements, notes, dispositions, recordings, voice calls and statuses. Prints the full builds, the day on
each, their ratio, and publishing apart.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import duckdb

from zcc_pipeline.domain.completeness import ArtefactKind
from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.pipeline.build import build, publish
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


def measure(history: int, day_size: int, home: Path) -> tuple[float, float, float]:
    """Seconds of the full build, of one more day, and of publishing."""
    customers = history // CONTACTS
    with open_runtime(Settings(home=home)) as runtime:
        runtime.lake.ensure_seeded(DATASETS.values())
        for offset in range(DAYS):
            write_day(home / "lake", LAST_DAY - timedelta(days=offset), history // DAYS, customers)
        full = _timed(lambda: build(runtime))
        build(runtime)  # settles caches: the next one is a build like every other night's
        write_day(home / "lake", LAST_DAY + timedelta(days=1), day_size, customers)
        return full, _timed(lambda: build(runtime)), _timed(lambda: publish(runtime))


def _timed(work: object) -> float:
    begin = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - begin


def main() -> None:
    """Both histories in one run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", type=int, default=100_000)
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--day", type=int, default=3_000)
    options = parser.parse_args()
    days = {}
    for history in (options.small, options.large):
        with tempfile.TemporaryDirectory() as folder:
            full, days[history], publishing = measure(history, options.day, Path(folder))
        print(
            f"history {history:>9,}: full build {full:6.1f} s, a day of {options.day:,} {days[history]:5.1f} s, "
            f"publishing {publishing:5.1f} s"
        )
    print(f"the day on the longer history: {days[options.large] / days[options.small]:.2f} x   (aim at most 1.3)")


if __name__ == "__main__":
    main()
