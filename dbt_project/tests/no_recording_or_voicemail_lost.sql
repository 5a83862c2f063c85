-- Parity of recordings and voicemails, by count: both marts are written by key.
with counted as (
    select
        (select count(*) from {{ ref('stg_zoom__recordings') }}) as staged_recordings,
        (select count(*) from {{ ref('engagement_recordings') }}) as recordings,
        (select count(*) from {{ ref('stg_zoom__voicemails') }}) as staged_voicemails,
        (select count(*) from {{ ref('engagement_voicemails') }}) as voicemails
)

select * from counted
where staged_recordings <> recordings or staged_voicemails <> voicemails
