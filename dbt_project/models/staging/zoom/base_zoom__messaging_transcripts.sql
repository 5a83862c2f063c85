{{
    config(
        materialized='incremental',
        incremental_strategy='replace_rows',
        pre_hook="{{ before_lake_load('zoom/messaging_transcripts', transcript_fields()) }}",
        post_hook="{{ after_lake_load('zoom/messaging_transcripts') }}"
    )
}}

with latest as (
    {{ lake_latest('zoom/messaging_transcripts', transcript_fields()) }}
)

select
    {{ version_columns() }},
    {{ utc_timestamp('data.occurred_at') }} as occurred_at,
    data.format,
    data.path,
    data.sha256,
    data.turns
from latest
