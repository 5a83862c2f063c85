{{
    config(
        materialized='incremental',
        incremental_strategy='replace_touched',
        unique_key='recording_id',
        pre_hook="{{ before_replace({'base_zoom__recordings': 'record_id'}) }}",
        post_hook="{{ after_replace() }}"
    )
}}

{{ merged_records(touched_only(ref('base_zoom__recordings'), 'record_id'), 'recording_id', [
    'started_at', 'ended_at', 'recording_seconds', 'recording_type', 'channel', 'direction', 'segment_type', 'owner_type', 'cc_queue_id', 'queue_name', 'zoom_user_id', 'agent_name', 'has_transcript_url'
]) }}
