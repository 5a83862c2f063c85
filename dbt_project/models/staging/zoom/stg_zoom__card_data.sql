{{ config(materialized='view') }}

{{ records_as_they_are(ref('base_zoom__card_data'), 'card_data_key') }}
