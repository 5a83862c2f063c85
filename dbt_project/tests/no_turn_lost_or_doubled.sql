-- Parity of what this build wrote: as many turns in the mart as in the transcripts it came from.
with written as (
    select source_kind, source_id, count(*) as turns
    from {{ ref('transcript_turns') }}
    where _load_seq = {{ load_seq() }}
    group by source_kind, source_id
)

select written.source_kind, written.source_id
from written
inner join {{ ref('int_transcripts__unioned') }} as staged
    on written.source_kind = staged.source_kind and written.source_id = staged.source_id
where written.turns <> len(staged.turns)
