{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='engagement_id',
        pre_hook="{{ before_resolving() }}",
        post_hook="{{ after_resolving() }}"
    )
}}

with recursive consumers as (
    {%- if is_incremental() %}
    select * exclude (_load_seq), null as held_customer_id
    from {{ touched_only(ref('int_engagements__consumers'), 'engagement_id') }}
    union all by name
    select * exclude (_load_seq, customer_id), customer_id as held_customer_id
    from {{ rows_where(this, 'customer_id in (select customer_id from affected_customers)') }}
    where engagement_id not in (select touched_key from {{ touched_table() }})
    {%- else %}
    select * exclude (_load_seq), null as held_customer_id from {{ ref('int_engagements__consumers') }}
    {%- endif %}
),

combinations as (
    select consumer_key, phone_key, email_key, min(started_at) as first_seen_at
    from consumers
    group by consumer_key, phone_key, email_key
),

seen as (
    select unnest([consumer_key, phone_key, email_key]) as identifier, first_seen_at from combinations
),

-- the identifier seen first names the customer: new engagements rarely change who is first
identifiers as (
    select identifier, row_number() over (order by min(first_seen_at) nulls last, identifier) as seniority
    from seen
    where identifier is not null
    group by identifier
),

pairs as (
    select consumer_key as one, phone_key as other from combinations where consumer_key is not null and phone_key is not null
    union
    select consumer_key as one, email_key as other from combinations where consumer_key is not null and email_key is not null
    union
    select phone_key as one, email_key as other from combinations where phone_key is not null and email_key is not null
),

edges as (
    select one.seniority as one, other.seniority as other
    from pairs
    inner join identifiers as one on pairs.one = one.identifier
    inner join identifiers as other on pairs.other = other.identifier
),

both_ways as (
    select one, other from edges
    union
    select other as one, one as other from edges
),

-- each identifier takes over the most senior one that it can reach
reached (node, senior) using key (node) as (
    select seniority, seniority from identifiers
    union
    select both_ways.other, min(reached.senior)
    from reached
    inner join both_ways on reached.node = both_ways.one
    inner join recurring.reached as held on both_ways.other = held.node
    where reached.senior < held.senior
    group by both_ways.other
),

customers as (
    select identifiers.identifier, 'c' || left(md5(senior.identifier), 20) as customer_id
    from reached
    inner join identifiers on reached.node = identifiers.seniority
    inner join identifiers as senior on reached.senior = senior.seniority
),

resolved as (
    select consumers.*, customers.customer_id
    from consumers
    left join customers on coalesce(consumers.consumer_key, consumers.phone_key, consumers.email_key) = customers.identifier
)

select * exclude (held_customer_id), {{ load_seq() }} as _load_seq
from resolved
{%- if is_incremental() %}
where engagement_id in (
    select engagement_id from resolved where held_customer_id is distinct from customer_id
    union
    select touched_key from {{ touched_table() }}
)
{%- endif %}
