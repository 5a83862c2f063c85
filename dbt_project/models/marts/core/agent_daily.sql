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

worked as (
    select distinct
        started_date,
        engagement_id,
        direction,
        channel,
        was_transferred,
        last_agent_id,
        talk_seconds,
        handle_seconds,
        wrap_up_seconds,
        unnest(agent_ids) as zoom_user_id
    from engagements
),

names as (
    select
        started_date,
        zoom_user_id,
        max(agent_name) as agent_name
    from (select
        started_date,
        unnest(agent_ids) as zoom_user_id,
        unnest(agent_names) as agent_name
    from engagements)
    group by started_date, zoom_user_id
)

select
    worked.started_date as date,
    worked.zoom_user_id,
    any_value(names.agent_name) as agent_name,
    count(distinct engagement_id) as engagements,
    count(distinct engagement_id) filter (where direction = 'inbound') as inbound_engagements,
    count(distinct engagement_id) filter (where direction = 'outbound') as outbound_engagements,
    count(distinct engagement_id) filter (where channel = 'voice') as voice_engagements,
    count(distinct engagement_id) filter (where channel = 'video') as video_engagements,
    count(distinct engagement_id) filter (where channel = 'messaging') as messaging_engagements,
    count(distinct engagement_id) filter (where channel = 'email') as email_engagements,
    count(distinct engagement_id) filter (where was_transferred) as transferred_engagements,
    count(*) filter (where last_agent_id = worked.zoom_user_id) as finished_engagements,
    cast(coalesce(sum(talk_seconds) filter (where last_agent_id = worked.zoom_user_id), 0) as bigint) as talk_seconds,
    cast(coalesce(sum(wrap_up_seconds) filter (where last_agent_id = worked.zoom_user_id), 0) as bigint) as wrap_up_seconds,
    cast(coalesce(sum(handle_seconds) filter (where last_agent_id = worked.zoom_user_id), 0) as bigint) as handle_seconds,
    avg(handle_seconds) filter (where last_agent_id = worked.zoom_user_id) as average_handle_seconds,
    {{ load_seq() }} as _load_seq
from worked
left join names on worked.started_date = names.started_date and worked.zoom_user_id = names.zoom_user_id
where nullif(worked.zoom_user_id, '') is not null
group by worked.started_date, worked.zoom_user_id
