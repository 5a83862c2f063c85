{{
    config(
        materialized='incremental',
        incremental_strategy='replace_rows',
        pre_hook="{{ before_lake_load('zoom/users', user_fields()) }}",
        post_hook="{{ after_lake_load('zoom/users') }}"
    )
}}

with latest as (
    {{ lake_latest('zoom/users', user_fields()) }}
)

select
    {{ version_columns() }},
    data.display_name,
    data.user_email,
    data.role_name,
    data.region_name,
    data.user_access,
    list_transform(data.teams, lambda one: one.team_name) as team_names,
    {{ utc_timestamp('data.last_modified_time') }} as last_modified_at
from latest
