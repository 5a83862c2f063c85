-- Parity: every engagement that has begun may leave, once, and no other. Counts only: the mart is written by key.
with counted as (
    select
        (
            select count(*) from {{ ref('engagements') }}
            where started_at is not null
        ) as begun,
        (select count(*) from {{ ref('crm_activities') }}) as in_mart
)

select * from counted
where begun <> in_mart
