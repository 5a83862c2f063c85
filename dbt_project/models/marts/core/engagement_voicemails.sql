{{
    config(
        materialized='incremental',
        incremental_strategy='replace_touched',
        unique_key='message_id',
        pre_hook="{{ before_replace({
            'stg_zoom__voicemails': 'message_id',
            'base_zoom__files': 'source_id',
            'base_zoom__card_data': text_id_of(['zoom/voicemail_transcripts'])
        }) }}",
        post_hook="{{ after_replace() }}"
    )
}}


with files as (
    select * from {{ touched_records('files', 'file_key', 'source_id') }}
),

card_data as (
    {{ card_data_found(['zoom/voicemail_transcripts']) }}
)

select
    voicemails.message_id,
    voicemails.engagement_id,
    voicemails.created_at,
    voicemails.message_seconds,
    voicemails.inbox_id,
    voicemails.inbox_name,
    voicemails.cc_queue_id,
    voicemails.queue_name,
    nullif(voicemails.consumer_id, '') as consumer_id,
    nullif(voicemails.consumer_display_name, '') as consumer_name,
    nullif(voicemails.consumer_number, '') as consumer_number,
    coalesce(voicemails.is_deleted_at_source or voicemails.status = 'deleted', false) as is_deleted,
    media.path as file_path,
    media.size_bytes as file_size_bytes,
    media.media_type as file_media_type,
    media.sha256 as file_sha256,
    media.stored_at as file_stored_at,
    voicemails.has_transcript_url,
    transcripts.path as transcript_path,
    transcripts.sha256 as transcript_sha256,
    voicemails.as_of as known_as_of,
    card_data.status as card_data_status,
    {{ load_seq() }} as _load_seq
from {{ touched_only(ref('stg_zoom__voicemails'), 'message_id') }} as voicemails
left join files as media on voicemails.message_id = media.source_id and media.kind = 'voicemail'
left join files as transcripts on voicemails.message_id = transcripts.source_id and transcripts.kind = 'voicemail_transcript'
left join card_data on voicemails.message_id = card_data.text_id
