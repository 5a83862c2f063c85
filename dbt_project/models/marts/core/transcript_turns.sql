{{
    config(
        materialized='incremental',
        incremental_strategy='replace_touched',
        unique_key='source_id',
        pre_hook="{{ before_replace({'int_transcripts__unioned': 'source_id'}) }}",
        post_hook="{{ after_replace() }}"
    )
}}


with spoken as (
    select engagement_id, source_id, source_kind, unnest(turns) as turn
    from {{ touched_only(ref('int_transcripts__unioned'), 'source_id') }}
    where not is_deleted_at_source
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
