{{
    config(
        materialized='incremental',
        incremental_strategy='replace_rows',
        pre_hook="{{ before_lake_load('zoom/completeness', completeness_fields()) }}",
        post_hook="{{ after_lake_load('zoom/completeness') }}"
    )
}}

with latest as (
    {{ lake_latest('zoom/completeness', completeness_fields()) }}
)

select
    {{ version_columns() }},
    data.kind,
    data.status,
    data.reason,
    data.evidence,
    data.expected_items,
    data.stored_items,
    {{ utc_timestamp('data.next_try_at') }} as next_try_at,
    {{ utc_timestamp('data.occurred_at') }} as occurred_at,
    {{ local_day(utc_timestamp('data.occurred_at')) }} as occurred_date
from latest
