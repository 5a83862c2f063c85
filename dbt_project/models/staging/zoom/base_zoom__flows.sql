{{
    config(
        materialized='incremental',
        incremental_strategy='replace_rows',
        pre_hook="{{ before_lake_load('zoom/flows', flow_fields()) }}",
        post_hook="{{ after_lake_load('zoom/flows') }}"
    )
}}

with latest as (
    {{ lake_latest('zoom/flows', flow_fields()) }}
)

select
    {{ version_columns() }},
    data.flow_name,
    data.channel,
    data.status
from latest
