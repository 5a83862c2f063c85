{{ config(materialized='table') }}

with carried as (
    {%- for dataset, model in lake_models().items() %}
    select
        '{{ dataset }}' as dataset,
        unnest(string_split(unknown_fields, chr(10))) as field,
        record_id
    from {{ ref(model) }}
    where unknown_fields is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

counted as (
    select
        dataset,
        field,
        count(distinct record_id) as records
    from carried
    group by dataset, field
)

select
    sightings.dataset,
    sightings.field,
    min(sightings.first_seen) as first_seen,
    coalesce(any_value(counted.records), 0) as records
from {{ source('bookkeeping', 'field_sightings') }} as sightings
left join counted on sightings.dataset = counted.dataset and sightings.field = counted.field
group by sightings.dataset, sightings.field
