{{
    config(
        materialized='incremental',
        incremental_strategy='replace_rows',
        pre_hook="{{ before_lake_load('zoom/events', event_fields()) }}",
        post_hook="{{ after_lake_load('zoom/events') }}"
    )
}}

with latest as (
    {{ lake_latest('zoom/events', event_fields()) }}
)

select
    {{ version_columns() }},
    {{ local_day('as_of') }} as happened_date,
    data.flow_id,
    data.flow_name,
    data.channel,
    data.direction,
    data.variable_form
from latest
