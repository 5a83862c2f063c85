{{
    config(
        materialized='incremental',
        incremental_strategy='replace_rows',
        pre_hook="{{ before_lake_load('zoom/voice_calls', voice_call_fields()) }}",
        post_hook="{{ after_lake_load('zoom/voice_calls') }}"
    )
}}

with latest as (
    {{ lake_latest('zoom/voice_calls', voice_call_fields()) }}
)

select
    {{ version_columns() }},
    {{ utc_timestamp('data.start_time') }} as started_at,
    {{ utc_timestamp('data.end_time') }} as ended_at,
    data.recorded as is_recorded,
    data.inbox as is_sent_to_inbox,
    data.monitored as is_monitored,
    data.result,
    data.caller_number,
    data.callee_number,
    data.total_duration as total_seconds
from latest
