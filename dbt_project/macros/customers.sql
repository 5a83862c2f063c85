{#-
    Who is the same customer: consumers that share a consumer id, a phone number or an e-mail address, directly or through others.
    A build looks only at the customers that new rows touch: rows of those, old and new, are a closed set.
    Customers that may have changed are logged, so that one that vanished (merged into another) is dropped from the mart.
-#}
{% macro before_resolving() -%}
    {%- if is_incremental() %}
    create or replace temp table {{ touched_table() }} as
    select distinct engagement_id as touched_key from {{ ref('int_engagements__consumers') }} where _load_seq > {{ seen_seq() }};
    create or replace temp table touched_identifiers as
    select distinct unnest([consumer_key, phone_key, email_key]) as identifier
    from {{ touched_only(ref('int_engagements__consumers'), 'engagement_id') }};
    create or replace temp table affected_customers as
    select distinct customer_id from {{ touched_only(this, 'engagement_id') }} where customer_id is not null
    {%- for key in ['consumer_key', 'phone_key', 'email_key'] %}
    union
    select distinct customer_id from {{ this }}
    where {{ key }} in (select identifier from touched_identifiers where identifier is not null)
    {%- endfor %};
    insert into {{ source('bookkeeping', 'changed_customers') }} select customer_id, {{ load_seq() }} from affected_customers;
    {%- else %}
    select 1;
    {%- endif %}
{%- endmacro %}


{% macro after_resolving() -%}
    insert into {{ source('bookkeeping', 'changed_customers') }}
    select distinct customer_id, {{ load_seq() }} from {{ this }} where _load_seq = {{ load_seq() }} and customer_id is not null;
    {{ after_replace() }}
{%- endmacro %}
