{{ config(materialized='view') }}

{{ records_as_they_are(ref('base_zoom__queues'), 'cc_queue_id') }}
