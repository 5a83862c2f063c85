{#- A phone number in E.164, or null. Text that is already in it is taken as it is; only the rest goes through the number library. -#}
{% macro e164(expression) -%}
    case
        when regexp_full_match({{ expression }}, '[+][1-9][0-9]{7,14}') then {{ expression }}
        when {{ expression }} similar to '.*[0-9].*' and {{ expression }} not like '%@%'
            then to_e164({{ expression }}, (select setting_value from {{ source('bookkeeping', 'settings') }} where setting = 'phone_region'))
    end
{%- endmacro %}
