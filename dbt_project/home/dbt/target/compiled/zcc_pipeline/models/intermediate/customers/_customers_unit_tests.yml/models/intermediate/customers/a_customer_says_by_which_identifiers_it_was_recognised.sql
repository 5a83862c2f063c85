

with  __dbt__cte__int_consumers__resolved as (

-- Fixture for int_consumers__resolved
select 
    
    cast('e1' as character varying)
 as "engagement_id", 
    
    cast(1 as BIGINT)
 as "position", cast(null as TIMESTAMP) as "started_at", cast(null as character varying(256)) as "channel", cast(null as character varying(256)) as "consumer_id", cast(null as character varying(256)) as "display_name", cast(null as character varying(256)) as "consumer_number", 
    
    cast('+1' as character varying)
 as "phone", cast(null as character varying(256)) as "email", 
    
    cast('consumer_id:a' as character varying)
 as "consumer_key", 
    
    cast('phone:+1' as character varying)
 as "phone_key", cast(null as character varying(256)) as "email_key", 
    
    cast('one' as character varying)
 as "customer_id", cast(null as BIGINT) as "_load_seq"
union all
select 
    
    cast('e2' as character varying)
 as "engagement_id", 
    
    cast(1 as BIGINT)
 as "position", cast(null as TIMESTAMP) as "started_at", cast(null as character varying(256)) as "channel", cast(null as character varying(256)) as "consumer_id", cast(null as character varying(256)) as "display_name", cast(null as character varying(256)) as "consumer_number", 
    
    cast('+1' as character varying)
 as "phone", cast(null as character varying(256)) as "email", cast(null as character varying(256)) as "consumer_key", 
    
    cast('phone:+1' as character varying)
 as "phone_key", cast(null as character varying(256)) as "email_key", 
    
    cast('one' as character varying)
 as "customer_id", cast(null as BIGINT) as "_load_seq"
union all
select 
    
    cast('e3' as character varying)
 as "engagement_id", 
    
    cast(1 as BIGINT)
 as "position", cast(null as TIMESTAMP) as "started_at", cast(null as character varying(256)) as "channel", cast(null as character varying(256)) as "consumer_id", cast(null as character varying(256)) as "display_name", cast(null as character varying(256)) as "consumer_number", 
    
    cast('+2' as character varying)
 as "phone", cast(null as character varying(256)) as "email", 
    
    cast('consumer_id:b' as character varying)
 as "consumer_key", 
    
    cast('phone:+2' as character varying)
 as "phone_key", cast(null as character varying(256)) as "email_key", 
    
    cast('two' as character varying)
 as "customer_id", cast(null as BIGINT) as "_load_seq"
union all
select 
    
    cast('e4' as character varying)
 as "engagement_id", 
    
    cast(1 as BIGINT)
 as "position", cast(null as TIMESTAMP) as "started_at", cast(null as character varying(256)) as "channel", cast(null as character varying(256)) as "consumer_id", cast(null as character varying(256)) as "display_name", cast(null as character varying(256)) as "consumer_number", cast(null as character varying(256)) as "phone", cast(null as character varying(256)) as "email", cast(null as character varying(256)) as "consumer_key", cast(null as character varying(256)) as "phone_key", 
    
    cast('email:x@y' as character varying)
 as "email_key", 
    
    cast('three' as character varying)
 as "customer_id", cast(null as BIGINT) as "_load_seq"
union all
select 
    
    cast('e5' as character varying)
 as "engagement_id", 
    
    cast(1 as BIGINT)
 as "position", cast(null as TIMESTAMP) as "started_at", cast(null as character varying(256)) as "channel", cast(null as character varying(256)) as "consumer_id", cast(null as character varying(256)) as "display_name", cast(null as character varying(256)) as "consumer_number", cast(null as character varying(256)) as "phone", cast(null as character varying(256)) as "email", cast(null as character varying(256)) as "consumer_key", cast(null as character varying(256)) as "phone_key", 
    
    cast('email:x@y' as character varying)
 as "email_key", 
    
    cast('three' as character varying)
 as "customer_id", cast(null as BIGINT) as "_load_seq"
union all
select 
    
    cast('e6' as character varying)
 as "engagement_id", 
    
    cast(1 as BIGINT)
 as "position", cast(null as TIMESTAMP) as "started_at", cast(null as character varying(256)) as "channel", cast(null as character varying(256)) as "consumer_id", cast(null as character varying(256)) as "display_name", cast(null as character varying(256)) as "consumer_number", cast(null as character varying(256)) as "phone", cast(null as character varying(256)) as "email", 
    
    cast('consumer_id:c' as character varying)
 as "consumer_key", 
    
    cast('phone:+3' as character varying)
 as "phone_key", cast(null as character varying(256)) as "email_key", 
    
    cast('four' as character varying)
 as "customer_id", cast(null as BIGINT) as "_load_seq"
union all
select 
    
    cast('e7' as character varying)
 as "engagement_id", 
    
    cast(1 as BIGINT)
 as "position", cast(null as TIMESTAMP) as "started_at", cast(null as character varying(256)) as "channel", cast(null as character varying(256)) as "consumer_id", cast(null as character varying(256)) as "display_name", cast(null as character varying(256)) as "consumer_number", cast(null as character varying(256)) as "phone", cast(null as character varying(256)) as "email", 
    
    cast('consumer_id:d' as character varying)
 as "consumer_key", 
    
    cast('phone:+3' as character varying)
 as "phone_key", 
    
    cast('email:d@y' as character varying)
 as "email_key", 
    
    cast('four' as character varying)
 as "customer_id", cast(null as BIGINT) as "_load_seq"
union all
select 
    
    cast('e8' as character varying)
 as "engagement_id", 
    
    cast(1 as BIGINT)
 as "position", cast(null as TIMESTAMP) as "started_at", cast(null as character varying(256)) as "channel", cast(null as character varying(256)) as "consumer_id", cast(null as character varying(256)) as "display_name", cast(null as character varying(256)) as "consumer_number", cast(null as character varying(256)) as "phone", cast(null as character varying(256)) as "email", 
    
    cast('consumer_id:d' as character varying)
 as "consumer_key", cast(null as character varying(256)) as "phone_key", cast(null as character varying(256)) as "email_key", 
    
    cast('four' as character varying)
 as "customer_id", cast(null as BIGINT) as "_load_seq"
union all
select 
    
    cast('e9' as character varying)
 as "engagement_id", 
    
    cast(1 as BIGINT)
 as "position", cast(null as TIMESTAMP) as "started_at", cast(null as character varying(256)) as "channel", cast(null as character varying(256)) as "consumer_id", cast(null as character varying(256)) as "display_name", cast(null as character varying(256)) as "consumer_number", cast(null as character varying(256)) as "phone", cast(null as character varying(256)) as "email", cast(null as character varying(256)) as "consumer_key", cast(null as character varying(256)) as "phone_key", cast(null as character varying(256)) as "email_key", cast(null as character varying(256)) as "customer_id", cast(null as BIGINT) as "_load_seq"
),  __dbt__cte__bookkeeping__loads as (

-- Fixture for loads
select 
    
    cast(1 as BIGINT)
 as "load_seq", cast(null as TIMESTAMP) as "started_at"
), consumers as (
    select * from __dbt__cte__int_consumers__resolved where customer_id is not null
),

combinations as (
    select distinct customer_id, consumer_key, phone_key, email_key from consumers
),

-- an identifier that occurs in two combinations is what holds them together; a customer of one combination is known by its best identifier
uses as (
    select
        customer_id, unnest([consumer_key, phone_key, email_key]) as identifier,
        count(*) over (partition by customer_id) as uses_of_customer
    from combinations
),

joining as (
    select customer_id, identifier, count(*) as combinations_joined from uses where identifier is not null group by customer_id, identifier
),

rules as (
    select
        customer_id,
        list_sort(list(distinct split_part(identifier, ':', 1)) filter (where combinations_joined > 1)) as joined_by,
        min(
            case split_part(identifier, ':', 1) when 'consumer_id' then '1consumer_id' when 'phone' then '2phone' else '3email' end
        )[2:] as best_kind
    from joining
    group by customer_id
)

select
    consumers.customer_id,
    arg_max(consumers.display_name, row(consumers.started_at, consumers.engagement_id, -consumers.position)) as display_name,
    coalesce(any_value(array_to_string(rules.joined_by, '+')), any_value(rules.best_kind)) as identified_by,
    list(distinct consumers.consumer_id order by consumers.consumer_id) filter (where consumers.consumer_id is not null) as consumer_ids,
    list(distinct consumers.phone order by consumers.phone) filter (where consumers.phone is not null) as phones,
    list(distinct consumers.email order by consumers.email) filter (where consumers.email is not null) as emails,
    list(distinct consumers.channel order by consumers.channel) filter (where consumers.channel is not null) as channels,
    count(distinct consumers.engagement_id) as engagement_count,
    min(consumers.started_at) as first_engagement_at,
    max(consumers.started_at) as last_engagement_at,
    (select max(load_seq) from __dbt__cte__bookkeeping__loads) as _load_seq
from consumers
inner join rules on consumers.customer_id = rules.customer_id
group by consumers.customer_id