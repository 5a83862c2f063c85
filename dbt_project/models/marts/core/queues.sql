{{ config(materialized='table') }}

with used as (
    select
        cc_queue_id,
        arg_max(queue_name, date) as queue_name,
        min(date) as first_engagement_date,
        max(date) as last_engagement_date,
        cast(sum(engagements) as bigint) as engagement_count
    from {{ ref('queue_daily') }}
    group by cc_queue_id
)

select
    coalesce(listed.cc_queue_id, used.cc_queue_id) as cc_queue_id,
    coalesce(nullif(listed.queue_name, ''), used.queue_name) as queue_name,
    nullif(listed.channel, '') as channel,
    listed.agents_count,
    listed.supervisors_count,
    listed.cc_queue_id is not null and not listed.is_deleted_at_source as is_listed,
    used.first_engagement_date,
    used.last_engagement_date,
    coalesce(used.engagement_count, 0) as engagement_count
from {{ ref('stg_zoom__queues') }} as listed
full outer join used on listed.cc_queue_id = used.cc_queue_id
