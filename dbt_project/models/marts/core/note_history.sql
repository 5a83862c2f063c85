{{
    config(
        materialized='incremental',
        incremental_strategy='replace_touched',
        unique_key='note_id',
        pre_hook="{{ before_replace({
            'base_zoom__note_versions': 'record_id',
            'base_zoom__card_data': text_id_of(['zoom/notes'])
        }) }}",
        post_hook="{{ after_replace() }}"
    )
}}


-- what both shapes of a read, or a read and a push, say alike in a row is one version
with versions as (
    select * from {{ touched_only(ref('base_zoom__note_versions'), 'record_id') }}
),

ordered as (
    select
        record_id as note_id,
        engagement_id,
        note,
        zoom_user_id,
        last_modified_at,
        is_deleted,
        as_of,
        observed_at,
        row_number() over note_order as place,
        lag(row(note, zoom_user_id, is_deleted)) over note_order as said_before
    from versions
    window note_order as (partition by record_id order by as_of, {{ is_api_read() }}, observed_at, content_hash)
),

card_data as (
    {{ card_data_found(['zoom/notes']) }}
),

changes as (
    select * from ordered
    where place = 1 or row(note, zoom_user_id, is_deleted) is distinct from said_before
)

select
    changes.note_id,
    row_number() over (partition by changes.note_id order by changes.place) as version,
    changes.engagement_id,
    {{ unless_blocked('changes.note', 'card_data.status') }} as note,
    changes.zoom_user_id,
    changes.last_modified_at,
    changes.as_of as valid_from,
    lead(changes.as_of) over (partition by changes.note_id order by changes.place) as valid_to,
    lead(changes.as_of) over (partition by changes.note_id order by changes.place) is null as is_current,
    changes.is_deleted as is_deletion,
    card_data.status as card_data_status,
    {{ load_seq() }} as _load_seq
from changes
left join card_data on changes.note_id = card_data.text_id
