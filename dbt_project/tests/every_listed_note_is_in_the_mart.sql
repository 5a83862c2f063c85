-- Parity of what this build wrote: each note that the newest read of an engagement lists is in the mart.
with written as (
    select engagement_id from {{ ref('engagements') }} where _load_seq = {{ load_seq() }} and not is_deleted_at_source
),

listed as (
    select engagement_id, unnest(note_ids) as note_id
    from {{ rows_where(ref('stg_zoom__engagements'), 'engagement_id in (select engagement_id from written)') }}
)

select listed.engagement_id, listed.note_id
from listed
inner join {{ ref('stg_zoom__notes') }} as staged on listed.note_id = staged.note_id and not staged.is_deleted_at_source
left join {{ ref('engagement_notes') }} as kept on listed.note_id = kept.note_id and listed.engagement_id = kept.engagement_id
where kept.note_id is null
