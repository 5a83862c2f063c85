{{
    config(
        materialized='incremental',
        incremental_strategy='replace_touched',
        unique_key='engagement_id',
        pre_hook="{{ before_replace({
            'stg_zoom__notes': 'engagement_id',
            'stg_zoom__engagements': 'engagement_id',
            'base_zoom__card_data': 'engagement_id'
        }) }}",
        post_hook="{{ after_replace() }}"
    )
}}


with card_data as (
    {{ card_data_found(['zoom/notes'], expression='engagement_id') }}
)

-- an API read decides which notes an engagement has; a younger word than that read fills in until the next one shows it
select
    notes.note_id,
    notes.engagement_id,
    {{ unless_blocked('notes.note', 'card_data.status') }} as note,
    notes.zoom_user_id,
    notes.last_modified_at,
    notes.as_of as known_as_of,
    notes.observed_at,
    card_data.status as card_data_status,
    {{ load_seq() }} as _load_seq
from {{ touched_only(ref('stg_zoom__notes'), 'engagement_id') }} as notes
left join {{ touched_only(ref('stg_zoom__engagements'), 'engagement_id') }} as engagements
    on notes.engagement_id = engagements.engagement_id
left join card_data on notes.note_id = card_data.text_id
where
    not notes.is_deleted_at_source
    and {{ is_member('notes.note_id', 'engagements.note_ids', 'notes', 'engagements') }}
