{{
    config(
        materialized='incremental',
        incremental_strategy='replace_touched',
        unique_key='engagement_id',
        pre_hook="{{ before_replace({'base_zoom__engagement_events': 'engagement_id', 'stg_zoom__engagements': 'engagement_id'}) }}",
        post_hook="{{ after_replace() }}"
    )
}}


-- the events list is the fuller account; the events inside an engagement's detail stand in where it was not read (messaging, e-mail)
with event_lists as (
    select
        engagement_id,
        unnest(events) as event,
        generate_subscripts(events, 1) as place
    from {{ touched_records('engagement_events', 'record_id') }}
),

from_lists as (
    select
        engagement_id,
        place,
        {{ utc_timestamp('event.start_time') }} as occurred_at,
        event.event_name,
        event.channel,
        try_cast(body ->> 'duration' as bigint) as duration_seconds,
        body ->> 'queue_name' as queue_name,
        body ->> 'user_id' as zoom_user_id,
        coalesce(body ->> 'display_name', body ->> 'user_display_name') as agent_name,
        event.event_content as content,
        'events' as source
    from (select
        *,
        try_cast(event.event_content as json) as body
    from event_lists)
),

details as (
    select
        engagement_id,
        unnest(events) as event,
        generate_subscripts(events, 1) as place
    from {{ touched_only(ref('stg_zoom__engagements'), 'engagement_id') }}
    where engagement_id not in (select engagement_id from event_lists)
),

from_details as (
    select
        engagement_id,
        place,
        {{ utc_timestamp('event.start_time') }} as occurred_at,
        event.event_type as event_name,
        event.channel,
        event.duration as duration_seconds,
        event.queue_name,
        event.user_id as zoom_user_id,
        event.user_display_name as agent_name,
        null as content,
        'detail' as source
    from details
),

steps as (
    select * from from_lists
    union all
    select * from from_details
)

select
    engagement_id,
    row_number() over (partition by engagement_id order by occurred_at nulls last, place) as step,
    occurred_at,
    event_name,
    nullif(channel, '') as channel,
    duration_seconds,
    nullif(queue_name, '') as queue_name,
    nullif(zoom_user_id, '') as zoom_user_id,
    nullif(agent_name, '') as agent_name,
    content,
    source,
    {{ load_seq() }} as _load_seq
from steps
