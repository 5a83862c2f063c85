{{ config(materialized='view') }}

{{ records_as_they_are(ref('base_zoom__email_messages'), 'email_message_id') }}
