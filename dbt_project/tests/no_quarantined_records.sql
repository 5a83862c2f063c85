{{ config(meta={'names': ['dataset', 'reason']}) }}

-- A record whose types changed is set aside and the rest builds; somebody has to look at it.
select
    dataset,
    record_id,
    reason
from {{ ref('stg_zoom__quarantine') }}
