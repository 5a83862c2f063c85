{{
    config(
        materialized='incremental',
        incremental_strategy='replace_touched',
        unique_key='engagement_disposition_id',
        pre_hook="{{ before_replace({'base_zoom__dispositions': 'record_id'}) }}",
        post_hook="{{ after_replace() }}"
    )
}}

{{ merged_records(touched_only(ref('base_zoom__dispositions'), 'record_id'), 'engagement_disposition_id', [
    'disposition_id', 'disposition_name'
]) }}
