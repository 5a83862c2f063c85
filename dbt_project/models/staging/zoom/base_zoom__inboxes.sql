{{
    config(
        materialized='incremental',
        incremental_strategy='replace_rows',
        pre_hook="{{ before_lake_load('zoom/inboxes', inbox_fields()) }}",
        post_hook="{{ after_lake_load('zoom/inboxes') }}"
    )
}}

with latest as (
    {{ lake_latest('zoom/inboxes', inbox_fields()) }}
)

select
    {{ version_columns() }},
    data.inbox_name,
    data.inbox_type,
    data.voicemail.delete_voicemail_days_limit as delete_voicemail_days_limit,
    data.voicemail.voicemail_transcription as is_transcription_on
from latest
