{{ config(materialized='view') }}

{{ records_as_they_are(ref('base_zoom__users'), 'zoom_user_id') }}
