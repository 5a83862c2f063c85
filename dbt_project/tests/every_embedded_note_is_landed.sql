{{ config(severity='warn') }}

-- A note that an engagement lists and that is not in its dataset: landing has put one without the other.
select staged.engagement_id, listed.note_id
from (
    select engagement_id, unnest(note_ids) as note_id
    from {{ ref('stg_zoom__engagements') }}
    where _load_seq = {{ load_seq() }}
) as listed
inner join {{ ref('stg_zoom__engagements') }} as staged on listed.engagement_id = staged.engagement_id
left join {{ ref('stg_zoom__notes') }} as notes on listed.note_id = notes.note_id
where notes.note_id is null
