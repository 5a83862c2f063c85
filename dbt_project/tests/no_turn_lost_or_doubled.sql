{%- set kinds = ['recording', 'messaging', 'voicemail'] -%}

-- Parity of the transcripts that this build replaced: as many turns in the mart as in staging, and of no other transcript.
with touched as (
    {{ touched_keys({
        'base_zoom__recording_transcripts': 'record_id',
        'base_zoom__messaging_transcripts': 'record_id',
        'base_zoom__voicemail_transcripts': 'record_id',
        'base_zoom__card_data': text_id_of(['zoom/recording_transcripts', 'zoom/messaging_transcripts', 'zoom/voicemail_transcripts'])
    }, seen_before_seq('transcript_turns')) }}
),

staged as (
    {%- for kind in kinds %}
    select
        source_id,
        '{{ kind }}' as source_kind,
        len(turns) as turns
    from {{ staged_records(kind ~ '_transcripts', 'source_id', 'record_id', 'touched') }}
    where not is_deleted_at_source and len(turns) > 0
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

in_mart as (
    select
        source_id,
        source_kind,
        count(*) as turns
    from {{ ref('transcript_turns') }}
    where source_id in (select touched_key from touched)
    group by source_id, source_kind
)

select
    source_kind,
    source_id
from staged
full outer join in_mart using (source_id, source_kind)
where staged.turns is distinct from in_mart.turns
