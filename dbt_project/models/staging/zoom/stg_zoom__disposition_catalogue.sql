{{ config(materialized='view') }}

{{ merged_records(ref('base_zoom__disposition_catalogue'), 'disposition_id', [
    'disposition_name', 'status', 'disposition_type', 'sub_dispositions'
]) }}
