-- Parity per day that this build wrote: as many statuses in the daily counts as in staging.
with written as (
    select date, sum(engagements) as counted
    from {{ ref('completeness_daily') }}
    where date in (select date from {{ ref('completeness_daily') }} where _load_seq = {{ load_seq() }})
    group by date
),

staged as (
    select occurred_date, count(*) as statuses
    from {{ ref('stg_zoom__completeness') }}
    where not is_deleted_at_source and occurred_date in (select date from written)
    group by occurred_date
)

select written.date from written left join staged on written.date = staged.occurred_date
where written.counted is distinct from staged.statuses
