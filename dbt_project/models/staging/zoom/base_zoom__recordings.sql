{{
    config(
        materialized='incremental',
        incremental_strategy='replace_rows',
        pre_hook="{{ before_lake_load('zoom/recordings', recording_fields()) }}",
        post_hook="{{ after_lake_load('zoom/recordings') }}"
    )
}}

with latest as (
    {{ lake_latest('zoom/recordings', recording_fields()) }}
)

select
    {{ version_columns() }},
    {{ utc_timestamp('coalesce(data.recording_start_time, data.recording_start_time_ms)') }} as started_at,
    {{ utc_timestamp('coalesce(data.recording_end_time, data.recording_end_time_ms)') }} as ended_at,
    data.recording_duration as recording_seconds,
    data.recording_type,
    data.channel,
    coalesce(data.direction, data.engagement_direction) as direction,
    data.segment_type,
    data.owner_type,
    data.cc_queue_id,
    data.queue_name,
    coalesce(data.user_id, data.users[1].user_id) as zoom_user_id,
    coalesce(data.display_name, data.users[1].user_display_name) as agent_name,
    nullif(data.transcript_url, '') is not null as has_transcript_url
from latest
