{%- set kinds = ['recording', 'messaging', 'voicemail'] -%}
{%- set datasets = ['zoom/recording_transcripts', 'zoom/messaging_transcripts', 'zoom/voicemail_transcripts'] -%}

{{
    config(
        materialized='incremental',
        incremental_strategy='replace_touched',
        unique_key='source_id',
        pre_hook="{{ before_replace({
            'base_zoom__recording_transcripts': 'record_id',
            'base_zoom__messaging_transcripts': 'record_id',
            'base_zoom__voicemail_transcripts': 'record_id',
            'base_zoom__card_data': text_id_of(['zoom/recording_transcripts', 'zoom/messaging_transcripts', 'zoom/voicemail_transcripts'])
        }) }}",
        post_hook="{{ after_replace() }}"
    )
}}

with spoken as (
    {%- for kind in kinds %}
    select
        engagement_id,
        source_id,
        '{{ kind }}' as source_kind,
        unnest(turns) as turn
    from {{ touched_records(kind ~ '_transcripts', 'source_id', 'record_id') }}
    where not is_deleted_at_source
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

card_data as (
    {{ card_data_found(datasets) }}
)

select
    spoken.engagement_id,
    spoken.source_id,
    spoken.source_kind,
    spoken.turn.turn,
    spoken.turn.speaker,
    {{ unless_blocked('spoken.turn.text', 'card_data.status') }} as text,
    spoken.turn.offset_seconds,
    spoken.turn.duration_seconds,
    card_data.status as card_data_status,
    {{ load_seq() }} as _load_seq
from spoken
left join card_data on spoken.source_id = card_data.text_id
