{{
    config(
        materialized='incremental',
        incremental_strategy='replace_touched',
        unique_key='date',
        pre_hook="{{ before_replace({'base_zoom__completeness': 'occurred_date'}, logged=['verified_days', 'day']) }}",
        post_hook="{{ after_replace() }}"
    )
}}

with counted as (
    select
        occurred_date as date,
        kind,
        status,
        nullif(reason, '') as reason,
        count(*) as engagements,
        cast(coalesce(sum(expected_items), 0) as bigint) as expected_items,
        cast(coalesce(sum(stored_items), 0) as bigint) as stored_items
    from {{ touched_records('completeness', 'completeness_key', 'occurred_date') }}
    where not is_deleted_at_source and occurred_date is not null
    group by occurred_date, kind, status, nullif(reason, '')
)

select
    counted.date,
    counted.kind,
    counted.status,
    counted.reason,
    counted.engagements,
    counted.expected_items,
    counted.stored_items,
    verified.verified_at,
    {{ load_seq() }} as _load_seq
from counted
left join {{ source('bookkeeping', 'verified_days') }} as verified on counted.date = verified.day
