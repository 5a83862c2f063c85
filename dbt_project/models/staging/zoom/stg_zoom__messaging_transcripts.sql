{{ config(materialized='view') }}

{{ records_as_they_are(ref('base_zoom__messaging_transcripts'), 'source_id', best_first=best_transcript_first()) }}
