{{ config(materialized='view') }}

-- engagements whose disposition has another path since the catalogue changed
select
    dispositions.engagement_id,
    paths._load_seq
from {{ ref('int_dispositions__paths') }} as paths
inner join {{ ref('stg_zoom__dispositions') }} as dispositions on paths.disposition_id = dispositions.disposition_id
