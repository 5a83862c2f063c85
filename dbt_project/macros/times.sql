{#- Zoom's time text as a UTC timestamp; text without an offset is UTC, because every request asks for UTC. -#}
{% macro utc_timestamp(expression) -%}
    try_cast(nullif({{ expression }}, '') as timestamptz) at time zone 'UTC'
{%- endmacro %}


{#- The day of a UTC timestamp as people of the account's time zone mean it. -#}
{% macro local_day(expression) -%}
    cast(timezone((select setting_value from {{ source('bookkeeping', 'settings') }} where setting = 'timezone'), timezone('UTC', {{ expression }})) as date)
{%- endmacro %}
