-- Parity of the engagements that this build replaced: what their newest API read lists is in the mart, as is everything pushed of those that no
-- read has told of; nothing is there twice, and nothing that staging does not have.
with touched as (
    {{ touched_keys({
        'stg_zoom__dispositions': 'engagement_id',
        'stg_zoom__engagements': 'engagement_id',
        'int_engagements__redisposed': 'engagement_id'
    }, seen_before_seq('engagement_dispositions')) }}
),

reads as (
    select
        engagement_id,
        disposition_ids
    from {{ rows_where(ref('stg_zoom__engagements'), 'engagement_id in (select touched_key from touched)') }}
),

staged as (
    select
        held.engagement_id,
        coalesce(held.disposition_id, 'name:' || held.disposition_name) as disposition_id,
        count(*) as records,
        bool_or(reads.disposition_ids is null or list_contains(reads.disposition_ids, held.disposition_id)) as is_certain
    from {{ rows_where(ref('stg_zoom__dispositions'), 'engagement_id in (select touched_key from touched)') }} as held
    left join reads on held.engagement_id = reads.engagement_id
    where not held.is_deleted_at_source
    group by held.engagement_id, coalesce(held.disposition_id, 'name:' || held.disposition_name)
),

in_mart as (
    select
        engagement_id,
        disposition_id,
        count(*) as records
    from {{ ref('engagement_dispositions') }}
    where engagement_id in (select touched_key from touched)
    group by engagement_id, disposition_id
)

select
    engagement_id,
    disposition_id
from staged
full outer join in_mart using (engagement_id, disposition_id)
where
    staged.records is null
    or in_mart.records > staged.records
    or (in_mart.records is null and staged.is_certain)
