
    -- Build actual result given inputs
with dbt_internal_unit_test_actual as (
  select
    "engagement_id","customer_id", 'actual' as "actual_or_expected"
  from (
    

with recursive  __dbt__cte__int_engagements__consumers as (

-- Fixture for int_engagements__consumers
select 
    
    cast('e1' as character varying)
 as "engagement_id", 
    
    cast(1 as BIGINT)
 as "position", 
    
    cast('2026-11-01 08:00' as TIMESTAMP)
 as "started_at", cast(null as character varying(256)) as "channel", cast(null as character varying(256)) as "consumer_id", cast(null as character varying(256)) as "display_name", cast(null as character varying(256)) as "consumer_number", cast(null as character varying(256)) as "phone", cast(null as character varying(256)) as "email", 
    
    cast('consumer_id:a' as character varying)
 as "consumer_key", 
    
    cast('phone:+1' as character varying)
 as "phone_key", cast(null as character varying(256)) as "email_key", cast(null as BIGINT) as "_load_seq"
union all
select 
    
    cast('e2' as character varying)
 as "engagement_id", 
    
    cast(1 as BIGINT)
 as "position", 
    
    cast('2026-11-01 09:00' as TIMESTAMP)
 as "started_at", cast(null as character varying(256)) as "channel", cast(null as character varying(256)) as "consumer_id", cast(null as character varying(256)) as "display_name", cast(null as character varying(256)) as "consumer_number", cast(null as character varying(256)) as "phone", cast(null as character varying(256)) as "email", cast(null as character varying(256)) as "consumer_key", 
    
    cast('phone:+1' as character varying)
 as "phone_key", 
    
    cast('email:x@y' as character varying)
 as "email_key", cast(null as BIGINT) as "_load_seq"
union all
select 
    
    cast('e3' as character varying)
 as "engagement_id", 
    
    cast(1 as BIGINT)
 as "position", 
    
    cast('2026-11-01 10:00' as TIMESTAMP)
 as "started_at", cast(null as character varying(256)) as "channel", cast(null as character varying(256)) as "consumer_id", cast(null as character varying(256)) as "display_name", cast(null as character varying(256)) as "consumer_number", cast(null as character varying(256)) as "phone", cast(null as character varying(256)) as "email", 
    
    cast('consumer_id:b' as character varying)
 as "consumer_key", cast(null as character varying(256)) as "phone_key", 
    
    cast('email:x@y' as character varying)
 as "email_key", cast(null as BIGINT) as "_load_seq"
union all
select 
    
    cast('e4' as character varying)
 as "engagement_id", 
    
    cast(1 as BIGINT)
 as "position", 
    
    cast('2026-11-01 11:00' as TIMESTAMP)
 as "started_at", cast(null as character varying(256)) as "channel", cast(null as character varying(256)) as "consumer_id", cast(null as character varying(256)) as "display_name", cast(null as character varying(256)) as "consumer_number", cast(null as character varying(256)) as "phone", cast(null as character varying(256)) as "email", cast(null as character varying(256)) as "consumer_key", 
    
    cast('phone:+2' as character varying)
 as "phone_key", cast(null as character varying(256)) as "email_key", cast(null as BIGINT) as "_load_seq"
union all
select 
    
    cast('e5' as character varying)
 as "engagement_id", 
    
    cast(1 as BIGINT)
 as "position", 
    
    cast('2026-11-01 11:00' as TIMESTAMP)
 as "started_at", cast(null as character varying(256)) as "channel", cast(null as character varying(256)) as "consumer_id", cast(null as character varying(256)) as "display_name", cast(null as character varying(256)) as "consumer_number", cast(null as character varying(256)) as "phone", cast(null as character varying(256)) as "email", 
    
    cast('consumer_id:c' as character varying)
 as "consumer_key", cast(null as character varying(256)) as "phone_key", cast(null as character varying(256)) as "email_key", cast(null as BIGINT) as "_load_seq"
union all
select 
    
    cast('e6' as character varying)
 as "engagement_id", 
    
    cast(1 as BIGINT)
 as "position", 
    
    cast('2026-11-01 12:00' as TIMESTAMP)
 as "started_at", cast(null as character varying(256)) as "channel", cast(null as character varying(256)) as "consumer_id", cast(null as character varying(256)) as "display_name", cast(null as character varying(256)) as "consumer_number", cast(null as character varying(256)) as "phone", cast(null as character varying(256)) as "email", cast(null as character varying(256)) as "consumer_key", cast(null as character varying(256)) as "phone_key", cast(null as character varying(256)) as "email_key", cast(null as BIGINT) as "_load_seq"
),  __dbt__cte__bookkeeping__loads as (

-- Fixture for loads
select 
    
    cast(1 as BIGINT)
 as "load_seq", cast(null as TIMESTAMP) as "started_at"
), consumers as (
    select * exclude (_load_seq), null as held_customer_id from __dbt__cte__int_engagements__consumers
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

select * exclude (held_customer_id), (select max(load_seq) from __dbt__cte__bookkeeping__loads) as _load_seq
from resolved
  ) _dbt_internal_unit_test_actual
),
-- Build expected result
dbt_internal_unit_test_expected as (
  select
    "engagement_id", "customer_id", 'expected' as "actual_or_expected"
  from (
    select 
    
    cast('e1' as character varying)
 as "engagement_id", 
    
    cast('c0c9776c8a39a9c3c8a35' as character varying)
 as "customer_id"
union all
select 
    
    cast('e2' as character varying)
 as "engagement_id", 
    
    cast('c0c9776c8a39a9c3c8a35' as character varying)
 as "customer_id"
union all
select 
    
    cast('e3' as character varying)
 as "engagement_id", 
    
    cast('c0c9776c8a39a9c3c8a35' as character varying)
 as "customer_id"
union all
select 
    
    cast('e4' as character varying)
 as "engagement_id", 
    
    cast('c7f12138ac5d293d246fd' as character varying)
 as "customer_id"
union all
select 
    
    cast('e5' as character varying)
 as "engagement_id", 
    
    cast('c1fef7e16b9b4297cb2f6' as character varying)
 as "customer_id"
union all
select 
    
    cast('e6' as character varying)
 as "engagement_id", 
    
    cast(null as character varying(256))
 as "customer_id"
  ) _dbt_internal_unit_test_expected
)
-- Union actual and expected results
select * from dbt_internal_unit_test_actual
union all
select * from dbt_internal_unit_test_expected