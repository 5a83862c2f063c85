{{ config(severity='warn') }}

-- A note that an engagement lists and that is not in its dataset: landing has put one without the other.
select listed.engagement_id, listed.note_id
from (
    select engagement_id, unnest(note_ids) as note_id
    from {{ ref('stg_zoom__engagements') }}
    where _load_seq = {{ load_seq() }}
) as listed
where listed.note_id not in (select note_id from {{ ref('stg_zoom__notes') }} where note_id is not null)
