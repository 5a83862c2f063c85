{{
    config(
        materialized='incremental',
        incremental_strategy='replace_touched',
        unique_key='engagement_id',
        pre_hook="{{ before_replace({'stg_zoom__engagements': 'engagement_id', 'base_zoom__email_messages': 'engagement_id'}) }}",
        post_hook="{{ after_replace() }}"
    )
}}


-- one row per consumer of an engagement, and one without identifiers where it has none, so that a consumer who vanishes leaves a trace
with engagements as (
    select
        engagement_id,
        started_at,
        channels[1].channel as channel,
        case when len(consumers) > 0 then consumers else [null] end as consumers
    from {{ touched_only(ref('stg_zoom__engagements'), 'engagement_id') }}
),

listed as (
    select
        engagement_id,
        started_at,
        channel,
        len(consumers) as consumer_count,
        unnest(consumers) as consumer,
        generate_subscripts(consumers, 1) as position
    from engagements
),

email_senders as (
    select
        engagement_id,
        arg_min(lower(trim(from_email)), row(sent_at, email_message_id)) as email
    from {{ touched_records('email_messages', 'email_message_id') }}
    where from_type = 'customer' and from_email like '%_@_%'
    group by engagement_id
),

identified as (
    select
        listed.engagement_id,
        listed.position,
        listed.started_at,
        listed.channel,
        nullif(listed.consumer.consumer_id, '') as consumer_id,
        nullif(listed.consumer.consumer_display_name, '') as display_name,
        nullif(listed.consumer.consumer_number, '') as consumer_number,
        {{ e164('listed.consumer.consumer_number') }} as phone,
        coalesce(
            case when listed.consumer.consumer_number like '%_@_%' then lower(trim(listed.consumer.consumer_number)) end,
            case when listed.consumer_count = 1 then email_senders.email end
        ) as email
    from listed
    left join email_senders on listed.engagement_id = email_senders.engagement_id
)

select
    *,
    'consumer_id:' || consumer_id as consumer_key,
    'phone:' || phone as phone_key,
    'email:' || email as email_key,
    {{ load_seq() }} as _load_seq
from identified
