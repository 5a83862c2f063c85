{{
    config(
        materialized='incremental',
        incremental_strategy='replace_rows',
        pre_hook="{{ before_lake_load('zoom/disposition_catalogue', disposition_catalogue_fields()) }}",
        post_hook="{{ after_lake_load('zoom/disposition_catalogue') }}"
    )
}}

with latest as (
    {{ lake_latest('zoom/disposition_catalogue', disposition_catalogue_fields()) }}
)

select
    {{ version_columns() }},
    data.disposition_name,
    data.status,
    data.disposition_type,
    data.sub_dispositions
from latest
