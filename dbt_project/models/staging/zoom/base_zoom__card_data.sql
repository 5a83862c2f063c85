{{
    config(
        materialized='incremental',
        incremental_strategy='replace_rows',
        pre_hook="{{ before_lake_load('zoom/card_data', card_data_fields()) }}",
        post_hook="{{ after_lake_load('zoom/card_data') }}"
    )
}}

with latest as (
    {{ lake_latest('zoom/card_data', card_data_fields()) }}
)

select
    {{ version_columns() }},
    data.dataset,
    data.record_id as text_id,
    data.version as text_version,
    data.status
from latest
