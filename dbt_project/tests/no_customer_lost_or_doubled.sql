-- Parity of the customers that this build replaced: each is in the mart once with all its engagements, and none that nobody belongs to any more;
-- and each newly read engagement whose consumer Zoom knows has a customer.
with touched as (
    {{ touched_keys(
        {'int_consumers__resolved': 'customer_id'}, seen_before_seq('customers'), logged=['changed_customers', 'customer_id']
    ) }}
),

resolved as (
    select
        customer_id,
        count(distinct engagement_id) as engagements
    from {{ ref('int_consumers__resolved') }}
    where customer_id in (select touched_key from touched)
    group by customer_id
),

in_mart as (
    select
        customer_id,
        sum(engagement_count) as engagements
    from {{ ref('customers') }}
    where customer_id in (select touched_key from touched)
    group by customer_id
),

identified as (
    select engagement_id
    from {{ ref('stg_zoom__engagements') }}
    where
        _load_seq > {{ seen_before_seq('customers') }}
        and len(list_filter(consumers, lambda one: nullif(one.consumer_id, '') is not null)) > 0
)

select
    customer_id,
    null as engagement_id
from resolved
full outer join in_mart using (customer_id)
where resolved.engagements is distinct from in_mart.engagements
union all
select
    null as customer_id,
    identified.engagement_id
from identified
left join {{ ref('int_consumers__resolved') }} as kept
    on identified.engagement_id = kept.engagement_id and kept.customer_id is not null
where kept.engagement_id is null
