{{
    config(
        materialized='incremental',
        incremental_strategy='replace_rows',
        pre_hook="{{ before_lake_load('zoom/files', file_fields()) }}",
        post_hook="{{ after_lake_load('zoom/files') }}"
    )
}}

with latest as (
    {{ lake_latest('zoom/files', file_fields()) }}
)

select
    {{ version_columns() }},
    data.kind,
    data.source_id,
    {{ utc_timestamp('data.occurred_at') }} as occurred_at,
    data.path,
    data.size_bytes,
    data.sha256,
    data.sha512,
    data.media_type,
    {{ utc_timestamp('data.stored_at') }} as stored_at
from latest
