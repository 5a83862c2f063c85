{{ config(materialized='view') }}

{{ records_as_they_are(ref('base_zoom__voice_calls'), 'record_id') }}
