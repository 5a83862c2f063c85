{{
    config(
        materialized='incremental',
        incremental_strategy='replace_rows',
        pre_hook="{{ before_lake_load('zoom/engagements', engagement_fields()) }}",
        post_hook="{{ after_lake_load('zoom/engagements') }}"
    )
}}

with latest as (
    {{ lake_latest('zoom/engagements', engagement_fields()) }}
)

select
    {{ version_columns() }},
    {{ utc_timestamp('data.start_time') }} as started_at,
    {{ utc_timestamp('data.end_time') }} as ended_at,
    data.direction,
    data.duration,
    data.talk_duration,
    data.flow_duration,
    data.waiting_duration,
    data.handling_duration,
    data.wrap_up_duration,
    data.voice_mail,
    data.queue_wait_type,
    data.transfer_count,
    data.channels,
    data.consumers,
    data.flows,
    data.queues,
    data.agents,
    data.events,
    data.transcript_url,
    data.survey_id,
    list_transform(data.notes, lambda one: one.note_id) as note_ids,
    list_transform(data.dispositions, lambda one: one.disposition_id) as disposition_ids
from latest
