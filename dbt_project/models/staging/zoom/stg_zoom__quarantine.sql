{{ config(materialized='view') }}

{% for model in lake_models().values() -%}
-- depends_on: {{ ref(model) }}
{% endfor %}

select
    dataset,
    record_id,
    shape,
    reason,
    as_of,
    min(observed_at) as observed_at
from {{ source('bookkeeping', 'rejected_records') }}
group by dataset, record_id, shape, reason, as_of
