{{ config(materialized='view') }}

{{ records_as_they_are(ref('base_zoom__engagement_events'), 'record_id') }}
