{{
    config(
        materialized='incremental',
        incremental_strategy='replace_rows',
        pre_hook="{{ before_lake_load('zoom/queues', queue_fields()) }}",
        post_hook="{{ after_lake_load('zoom/queues') }}"
    )
}}

with latest as (
    {{ lake_latest('zoom/queues', queue_fields()) }}
)

select
    {{ version_columns() }},
    data.queue_name,
    data.channel,
    data.agents_count,
    data.supervisors_count,
    {{ utc_timestamp('data.last_modified_time') }} as last_modified_at
from latest
