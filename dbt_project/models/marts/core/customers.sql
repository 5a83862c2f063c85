{{
    config(
        materialized='incremental',
        incremental_strategy='replace_touched',
        unique_key='customer_id',
        pre_hook="{{ before_replace({}, logged=('changed_customers', 'customer_id')) }}",
        post_hook="{{ after_replace() }}"
    )
}}

with consumers as (
    select * from {{ touched_only(ref('int_consumers__resolved'), 'customer_id') }}
    where customer_id is not null
),

combinations as (
    select distinct
        customer_id,
        consumer_key,
        phone_key,
        email_key
    from consumers
),

-- an identifier that occurs in two combinations is what holds them together; a customer of one combination is known by its best identifier
uses as (
    select
        customer_id,
        unnest([consumer_key, phone_key, email_key]) as identifier,
        count(*) over (partition by customer_id) as uses_of_customer
    from combinations
),

joining as (
    select
        customer_id,
        identifier,
        count(*) as combinations_joined
    from uses
    where identifier is not null
    group by customer_id, identifier
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
    {{ load_seq() }} as _load_seq
from consumers
inner join rules on consumers.customer_id = rules.customer_id
group by consumers.customer_id
