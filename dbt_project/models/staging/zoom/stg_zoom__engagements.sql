{{
    config(
        materialized='incremental',
        incremental_strategy='replace_touched',
        unique_key='engagement_id',
        pre_hook="{{ before_replace({'base_zoom__engagements': 'record_id'}) }}",
        post_hook="{{ after_replace() }}"
    )
}}


{%- set fields = [
    'started_at', 'ended_at', 'direction', 'duration', 'talk_duration', 'flow_duration', 'waiting_duration', 'handling_duration',
    'wrap_up_duration', 'voice_mail', 'queue_wait_type', 'transfer_count', 'channels', 'consumers', 'flows', 'queues', 'agents', 'events',
    'transcript_url', 'survey_id', 'note_ids', 'disposition_ids'
] -%}

with versions as (
    select * from {{ touched_only(ref('base_zoom__engagements'), 'record_id') }}
),

list_rows as (
    select * from versions
    where shape = 'list' and not is_deleted
),

detail_rows as (
    select * from versions
    where shape = 'detail' and not is_deleted
),

tombstones as (
    select
        record_id,
        max(as_of) as deleted_as_of
    from versions
    where is_deleted
    group by record_id
),

-- noqa: disable=LT02
-- both shapes speak of the same record: field by field the newer one, and the other where that one lacks the field
merged as (
    select
        coalesce(listed.record_id, detailed.record_id) as engagement_id,
        greatest(listed.as_of, detailed.as_of) as as_of,
        greatest(listed.observed_at, detailed.observed_at) as observed_at,
        {%- for field in fields %}
        case
            when detailed.as_of > listed.as_of then coalesce(detailed.{{ field }}, listed.{{ field }})
            else coalesce(listed.{{ field }}, detailed.{{ field }})
        end as {{ field }}{{ ',' if not loop.last }}
        {%- endfor %}
    from list_rows as listed
    full outer join detail_rows as detailed on listed.record_id = detailed.record_id
)
-- noqa: enable=LT02

select
    merged.engagement_id,
    merged.started_at,
    merged.ended_at,
    merged.direction,
    merged.channels,
    merged.consumers,
    merged.flows,
    merged.queues,
    merged.agents,
    merged.events,
    merged.duration as duration_seconds,
    merged.talk_duration as talk_seconds,
    merged.flow_duration as flow_seconds,
    merged.waiting_duration as waiting_seconds,
    merged.handling_duration as handling_seconds,
    merged.wrap_up_duration as wrap_up_seconds,
    merged.transfer_count,
    merged.voice_mail as voicemails_left,
    merged.queue_wait_type,
    nullif(merged.transcript_url, '') is not null as has_transcript_url,
    nullif(merged.survey_id, '') as survey_id,
    merged.note_ids,
    merged.disposition_ids,
    coalesce(tombstones.deleted_as_of > merged.as_of, false) as is_deleted_at_source,
    merged.as_of,
    merged.observed_at,
    {{ load_seq() }} as _load_seq
from merged
left join tombstones on merged.engagement_id = tombstones.record_id
