{{ config(severity='warn') }}

-- A note that a newly read engagement lists and that is in no row of its dataset: landing has put one without the other.
with listed as (
    select
        engagement_id,
        unnest(note_ids) as note_id
    from {{ ref('stg_zoom__engagements') }}
    where _load_seq = {{ load_seq() }}
),

unknown as (
    select * from listed
    where note_id not in (
        select note_id from {{ ref('engagement_notes') }}
        where _load_seq = {{ load_seq() }} and note_id is not null
    )
)

select
    unknown.engagement_id,
    unknown.note_id
from unknown
left join {{ ref('stg_zoom__notes') }} as notes on unknown.note_id = notes.note_id
where notes.note_id is null
