{{
    config(
        materialized='incremental',
        incremental_strategy='replace_touched',
        unique_key='recording_id',
        pre_hook="{{ before_replace({
            'stg_zoom__recordings': 'recording_id',
            'base_zoom__files': 'source_id',
            'base_zoom__card_data': text_id_of(['zoom/recording_transcripts'])
        }) }}",
        post_hook="{{ after_replace() }}"
    )
}}


with files as (
    select * from {{ touched_records('files', 'file_key', 'source_id') }}
),

card_data as (
    {{ card_data_found(['zoom/recording_transcripts']) }}
)

select
    recordings.recording_id,
    recordings.engagement_id,
    recordings.started_at,
    recordings.ended_at,
    recordings.recording_seconds,
    recordings.recording_type,
    recordings.channel,
    recordings.segment_type,
    recordings.cc_queue_id,
    recordings.queue_name,
    recordings.zoom_user_id,
    recordings.agent_name,
    recordings.is_deleted_at_source as is_deleted,
    media.path as file_path,
    media.size_bytes as file_size_bytes,
    media.media_type as file_media_type,
    media.sha256 as file_sha256,
    media.stored_at as file_stored_at,
    recordings.has_transcript_url,
    transcripts.path as transcript_path,
    transcripts.sha256 as transcript_sha256,
    recordings.as_of as known_as_of,
    card_data.status as card_data_status,
    {{ load_seq() }} as _load_seq
from {{ touched_only(ref('stg_zoom__recordings'), 'recording_id') }} as recordings
left join files as media on recordings.recording_id = media.source_id and media.kind = 'recording'
left join files as transcripts on recordings.recording_id = transcripts.source_id and transcripts.kind = 'recording_transcript'
left join card_data on recordings.recording_id = card_data.text_id
