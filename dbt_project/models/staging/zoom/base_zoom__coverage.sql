{{
    config(
        materialized='incremental',
        incremental_strategy='replace_rows',
        pre_hook="{{ before_lake_load('zoom/coverage', coverage_fields()) }}",
        post_hook="{{ after_lake_load('zoom/coverage') }}"
    )
}}

with latest as (
    {{ lake_latest('zoom/coverage', coverage_fields()) }}
)

select
    {{ version_columns() }},
    cast(data.day as date) as date,
    data.event,
    data.expected,
    data.pushed,
    data['both'] as matched,
    data.only_polled,
    data.only_pushed,
    data.is_subscribed,
    data.timing
from latest
