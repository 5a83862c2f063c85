{{ config(materialized='table') }}

with worked as (
    select
        zoom_user_id,
        arg_max(agent_name, date) as agent_name,
        min(date) as first_engagement_date,
        max(date) as last_engagement_date,
        cast(sum(engagements) as bigint) as engagement_count
    from {{ ref('agent_daily') }}
    group by zoom_user_id
)

select
    coalesce(users.zoom_user_id, worked.zoom_user_id) as zoom_user_id,
    coalesce(nullif(users.display_name, ''), worked.agent_name) as agent_name,
    nullif(users.user_email, '') as agent_email,
    nullif(users.role_name, '') as role_name,
    nullif(users.region_name, '') as region_name,
    users.team_names,
    nullif(users.user_access, '') as user_access,
    users.zoom_user_id is not null and not users.is_deleted_at_source as is_listed,
    worked.first_engagement_date,
    worked.last_engagement_date,
    coalesce(worked.engagement_count, 0) as engagement_count
from {{ ref('stg_zoom__users') }} as users
full outer join worked on users.zoom_user_id = worked.zoom_user_id
