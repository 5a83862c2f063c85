{{
    config(
        materialized='incremental',
        incremental_strategy='replace_touched',
        unique_key='date',
        pre_hook="{{ before_replace({}, logged=('changed_days', 'day')) }}",
        post_hook="{{ after_replace() }}"
    )
}}

-- depends_on: {{ ref('engagements') }}

with engagements as (
    select * from {{ touched_only(ref('engagements'), 'started_date') }}
    where started_date is not null
),

queued as (
    select distinct
        started_date,
        engagement_id,
        direction,
        is_answered,
        is_abandoned,
        was_transferred,
        voicemail_count,
        waiting_seconds,
        speed_of_answer_seconds,
        handle_seconds,
        last_queue_id,
        unnest(queue_ids) as cc_queue_id
    from engagements
),

names as (
    select
        started_date,
        cc_queue_id,
        max(queue_name) as queue_name
    from (select
        started_date,
        unnest(queue_ids) as cc_queue_id,
        unnest(queue_names) as queue_name
    from engagements)
    group by started_date, cc_queue_id
)

select
    queued.started_date as date,
    queued.cc_queue_id,
    any_value(names.queue_name) as queue_name,
    count(distinct engagement_id) as engagements,
    count(distinct engagement_id) filter (where direction = 'inbound') as inbound_engagements,
    count(*) filter (where last_queue_id = queued.cc_queue_id) as final_engagements,
    count(*) filter (where last_queue_id = queued.cc_queue_id and direction = 'inbound' and is_answered) as answered_engagements,
    count(*) filter (where last_queue_id = queued.cc_queue_id and is_abandoned) as abandoned_engagements,
    count(*) filter (where last_queue_id = queued.cc_queue_id and voicemail_count > 0) as voicemail_engagements,
    count(*) filter (where last_queue_id = queued.cc_queue_id and was_transferred) as transferred_engagements,
    avg(speed_of_answer_seconds) filter (where last_queue_id = queued.cc_queue_id) as average_speed_of_answer_seconds,
    max(waiting_seconds) filter (where last_queue_id = queued.cc_queue_id) as longest_wait_seconds,
    cast(coalesce(sum(handle_seconds) filter (where last_queue_id = queued.cc_queue_id), 0) as bigint) as handle_seconds,
    avg(handle_seconds) filter (where last_queue_id = queued.cc_queue_id) as average_handle_seconds,
    {{ load_seq() }} as _load_seq
from queued
left join names on queued.started_date = names.started_date and queued.cc_queue_id = names.cc_queue_id
where nullif(queued.cc_queue_id, '') is not null
group by queued.started_date, queued.cc_queue_id
