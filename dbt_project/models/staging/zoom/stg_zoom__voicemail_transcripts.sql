{{ config(materialized='view') }}

{{ records_as_they_are(ref('base_zoom__voicemail_transcripts'), 'source_id') }}
