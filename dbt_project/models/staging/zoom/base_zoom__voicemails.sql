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
    -- a push does not say when the message was created: the one about its arrival happened then
    {%- set arrived = "case when shape = 'contact_center.inbox_message_received' then data.date_time_ms end" %}
    {{ utc_timestamp('coalesce(data.created_at, ' ~ arrived ~ ')') }} as created_at,
    data.inbox_id,
    data.inbox_name,
    coalesce(data.cci_queue_id, data.cc_queue_id) as cc_queue_id,
    data.queue_name,
    data.message_duration as message_seconds,
    data.consumer_id,
    data.consumer_number,
    data.consumer_display_name,
    data.status,
    nullif(data.transcript_url, '') is not null as has_transcript_url
from latest
