{{
    config(
        materialized='incremental',
        incremental_strategy='replace_rows',
        pre_hook="{{ before_lake_load('zoom/notes', note_fields()) }}",
        post_hook="{{ after_lake_load('zoom/notes') }}"
    )
}}

-- every version of every note, unlike the other base models: the history of a note is built from them
with versions as (
    {{ lake_versions('zoom/notes', note_fields()) }}
)

select
    {{ version_columns() }},
    data.note,
    data.user_id as zoom_user_id,
    {{ utc_timestamp('data.last_modified_time') }} as last_modified_at
from versions
