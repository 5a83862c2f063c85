{{ config(materialized='view') }}

{{ merged_records(ref('base_zoom__inboxes'), 'inbox_id', [
    'inbox_name', 'inbox_type', 'delete_voicemail_days_limit', 'is_transcription_on'
]) }}
