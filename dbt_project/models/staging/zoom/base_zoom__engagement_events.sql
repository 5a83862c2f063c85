{{
    config(
        materialized='incremental',
        incremental_strategy='replace_rows',
        pre_hook="{{ before_lake_load('zoom/engagement_events', engagement_events_fields()) }}",
        post_hook="{{ after_lake_load('zoom/engagement_events') }}"
    )
}}

with latest as (
    {{ lake_latest('zoom/engagement_events', engagement_events_fields()) }}
)

select
    {{ version_columns() }},
    data.events
from latest
