{%- set kinds = ['recording', 'messaging', 'voicemail'] -%}

{{
    config(
        materialized='incremental',
        incremental_strategy='replace_touched',
        unique_key='source_id',
        pre_hook="{{ before_replace({
            'base_zoom__recording_transcripts': 'record_id',
            'base_zoom__messaging_transcripts': 'record_id',
            'base_zoom__voicemail_transcripts': 'record_id'
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
)

select
    engagement_id,
    source_id,
    source_kind,
    turn.turn,
    turn.speaker,
    turn.text,
    turn.offset_seconds,
    turn.duration_seconds,
    {{ load_seq() }} as _load_seq
from spoken
