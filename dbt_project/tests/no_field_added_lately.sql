{{ config(severity='warn', meta={'names': ['dataset', 'field']}) }}

-- What Zoom has begun to send is said for a week; the mart keeps it for good. A type that flips is in quarantine instead.
select
    drift.dataset,
    drift.field
from {{ ref('schema_drift') }} as drift
where drift.first_seen > (select max(builds.started_at) from {{ source('bookkeeping', 'loads') }} as builds) - interval 7 day
