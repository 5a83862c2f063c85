{{ config(materialized='view') }}

{{ records_as_they_are(ref('base_zoom__coverage'), 'coverage_key') }}
