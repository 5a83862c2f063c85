-- Parity of the engagements that this build replaced: as many steps in the mart as in their list of events or, where there is none, in their detail.
with touched as (
    {{ touched_keys({
        'base_zoom__engagement_events': 'engagement_id',
        'stg_zoom__engagements': 'engagement_id'
    }, seen_before_seq('engagement_timeline')) }}
),

lists as (
    select
        engagement_id,
        sum(len(events)) as steps
    from {{ staged_records('engagement_events', 'record_id', 'engagement_id', 'touched') }}
    group by engagement_id
),

details as (
    select
        engagement_id,
        len(events) as steps
    from {{ rows_where(ref('stg_zoom__engagements'), 'engagement_id in (select touched_key from touched)') }}
),

staged as (
    select
        engagement_id,
        coalesce(nullif(lists.steps, 0), details.steps) as steps
    from lists
    full outer join details using (engagement_id)
),

in_mart as (
    select
        engagement_id,
        count(*) as steps
    from {{ ref('engagement_timeline') }}
    where engagement_id in (select touched_key from touched)
    group by engagement_id
)

select engagement_id
from staged
full outer join in_mart using (engagement_id)
where coalesce(staged.steps, 0) <> coalesce(in_mart.steps, 0)
