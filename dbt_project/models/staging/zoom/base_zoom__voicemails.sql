{{
    config(
        materialized='incremental',
        incremental_strategy='replace_rows',
        pre_hook="{{ before_lake_load('zoom/voicemails', voicemail_fields()) }}",
        post_hook="{{ after_lake_load('zoom/voicemails') }}"
    )
}}

with latest as (
    {{ lake_latest('zoom/voicemails', voicemail_fields()) }}
)

select
    {{ version_columns() }},
    {{ utc_timestamp('data.created_at') }} as created_at,
    data.inbox_id,
    data.inbox_name,
    data.cci_queue_id as cc_queue_id,
    data.queue_name,
    data.message_duration as message_seconds,
    data.consumer_id,
    data.consumer_number,
    data.consumer_display_name,
    data.status,
    nullif(data.transcript_url, '') is not null as has_transcript_url
from latest
