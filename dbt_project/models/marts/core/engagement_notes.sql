{{
    config(
        materialized='incremental',
        incremental_strategy='replace_touched',
        unique_key='engagement_id',
        pre_hook="{{ before_replace({'stg_zoom__notes': 'engagement_id', 'stg_zoom__engagements': 'engagement_id'}) }}",
        post_hook="{{ after_replace() }}"
    )
}}


-- an API read decides which notes an engagement has; a younger word than that read fills in until the next one shows it
select
    notes.note_id,
    notes.engagement_id,
    notes.note,
    notes.zoom_user_id,
    notes.last_modified_at,
    notes.as_of as known_as_of,
    notes.observed_at,
    {{ load_seq() }} as _load_seq
from {{ touched_only(ref('stg_zoom__notes'), 'engagement_id') }} as notes
left join {{ touched_only(ref('stg_zoom__engagements'), 'engagement_id') }} as engagements
    on notes.engagement_id = engagements.engagement_id
where
    not notes.is_deleted_at_source
    and {{ is_member('notes.note_id', 'engagements.note_ids', 'notes', 'engagements') }}
