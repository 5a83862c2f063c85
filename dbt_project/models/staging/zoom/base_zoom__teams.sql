{{
    config(
        materialized='incremental',
        incremental_strategy='replace_rows',
        pre_hook="{{ before_lake_load('zoom/teams', team_fields()) }}",
        post_hook="{{ after_lake_load('zoom/teams') }}"
    )
}}

with latest as (
    {{ lake_latest('zoom/teams', team_fields()) }}
)

select
    {{ version_columns() }},
    data.team_name,
    data.parent_team_id
from latest
