-- Parity of the days that this build replaced: as many statuses in the daily counts as in staging, and on no other day.
with touched as (
    {{ touched_keys({'base_zoom__completeness': 'occurred_date'}, seen_before_seq('completeness_daily'), logged=['verified_days', 'day']) }}
),

staged as (
    select
        occurred_date as date,
        kind,
        status,
        count(*) as engagements
    from {{ staged_records('completeness', 'completeness_key', 'occurred_date', 'touched') }}
    where not is_deleted_at_source
    group by occurred_date, kind, status
),

in_mart as (
    select
        date,
        kind,
        status,
        sum(engagements) as engagements
    from {{ ref('completeness_daily') }}
    where date in (select touched_key from touched)
    group by date, kind, status
)

select
    date,
    kind,
    status
from staged
full outer join in_mart using (date, kind, status)
where staged.engagements is distinct from in_mart.engagements
