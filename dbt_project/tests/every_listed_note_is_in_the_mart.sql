-- Parity of what this build wrote: each note that a newly read engagement lists is in the mart.
with listed as (
    select
        engagement_id,
        unnest(note_ids) as note_id
    from {{ ref('stg_zoom__engagements') }}
    where _load_seq = {{ load_seq() }} and not is_deleted_at_source
),

lost as (
    select
        listed.engagement_id,
        listed.note_id
    from listed
    left join {{ ref('engagement_notes') }} as kept
        on listed.note_id = kept.note_id and listed.engagement_id = kept.engagement_id and kept._load_seq = {{ load_seq() }}
    where kept.note_id is null
)

select
    lost.engagement_id,
    lost.note_id
from lost
inner join {{ ref('stg_zoom__notes') }} as staged on lost.note_id = staged.note_id and not staged.is_deleted_at_source
