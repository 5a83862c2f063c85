-- Parity: every engagement in staging is in the mart once, and no other. Counts only: the mart is written by key.
with counted as (
    select
        (select count(*) from {{ ref('stg_zoom__engagements') }}) as staged,
        (select count(*) from {{ ref('engagements') }}) as in_mart
)

select * from counted
where staged <> in_mart
