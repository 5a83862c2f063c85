{{
    config(
        materialized='incremental',
        incremental_strategy='replace_touched',
        unique_key='engagement_id',
        pre_hook="{{ before_replace({
            'stg_zoom__dispositions': 'engagement_id',
            'stg_zoom__engagements': 'engagement_id',
            'int_engagements__redisposed': 'engagement_id'
        }) }}",
        post_hook="{{ after_replace() }}"
    )
}}

-- depends_on: {{ ref('int_engagements__redisposed') }}

select
    dispositions.engagement_id,
    coalesce(dispositions.disposition_id, 'name:' || dispositions.disposition_name) as disposition_id,
    dispositions.disposition_name,
    coalesce(paths.disposition_path, [dispositions.disposition_name]) as disposition_path,
    cast(list_position(engagements.disposition_ids, dispositions.disposition_id) as bigint) as position,
    dispositions.as_of as known_as_of,
    {{ load_seq() }} as _load_seq
from {{ touched_only(ref('stg_zoom__dispositions'), 'engagement_id') }} as dispositions
left join {{ touched_only(ref('stg_zoom__engagements'), 'engagement_id') }} as engagements
    on dispositions.engagement_id = engagements.engagement_id
left join {{ ref('int_dispositions__paths') }} as paths on dispositions.disposition_id = paths.disposition_id
where
    not dispositions.is_deleted_at_source
    -- one that a flow knew by name only fills in while the API shows none at all
    and (dispositions.disposition_id is not null or coalesce(len(engagements.disposition_ids), 0) = 0)
    and {{ is_member('dispositions.disposition_id', 'engagements.disposition_ids', 'dispositions', 'engagements') }}
