{{
    config(
        materialized='incremental',
        incremental_strategy='replace_rows',
        pre_hook="{{ before_lake_load('zoom/dispositions', disposition_fields()) }}",
        post_hook="{{ after_lake_load('zoom/dispositions') }}"
    )
}}

with latest as (
    {{ lake_latest('zoom/dispositions', disposition_fields()) }}
)

select
    {{ version_columns() }},
    data.disposition_id,
    data.disposition_name
from latest
