{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['record_id', 'shape', 'is_deleted'],
        pre_hook="{{ before_lake_load('zoom/engagements', engagement_fields()) }}",
        post_hook="{{ after_lake_load('zoom/engagements') }}"
    )
}}

{{ lake_latest('zoom/engagements', engagement_fields()) }}
