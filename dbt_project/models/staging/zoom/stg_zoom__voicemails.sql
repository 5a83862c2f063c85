{{
    config(
        materialized='incremental',
        incremental_strategy='replace_touched',
        unique_key='message_id',
        pre_hook="{{ before_replace({'base_zoom__voicemails': 'record_id'}) }}",
        post_hook="{{ after_replace() }}"
    )
}}

{{ merged_records(touched_only(ref('base_zoom__voicemails'), 'record_id'), 'message_id', [
    'created_at', 'inbox_id', 'inbox_name', 'cc_queue_id', 'queue_name', 'message_seconds', 'consumer_id', 'consumer_number', 'consumer_display_name', 'status', 'has_transcript_url'
]) }}
