{#- Texts that people read in another system. -#}

{#- A text without the control characters that JSON, XML or a CRM may refuse; line ends are line feeds. -#}
{% macro plain_text(expression) -%}
    regexp_replace(replace({{ expression }}, chr(13) || chr(10), chr(10)), '[\x00-\x08\x0B-\x1F\x7F]', '', 'g')
{%- endmacro %}


{#- The same in one line, or null where nothing is left. -#}
{% macro one_line(expression) -%}
    nullif(trim(regexp_replace({{ expression }}, '[\s\x00-\x1F\x7F]+', ' ', 'g')), '')
{%- endmacro %}


{#- Everything that HTML could take for itself is escaped; line ends are breaks. -#}
{% macro as_html(expression) -%}
    replace(replace(replace(replace(replace(replace(
        {{ expression }}, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&#39;'), chr(10), '<br>')
{%- endmacro %}


{#- 45 s, 3 min 20 s, 2 h 5 min. -#}
{% macro spoken_seconds(expression) -%}
    case
        when {{ expression }} < 60 then {{ expression }} || ' s'
        when {{ expression }} < 3600 and {{ expression }} % 60 = 0 then {{ expression }} // 60 || ' min'
        when {{ expression }} < 3600 then {{ expression }} // 60 || ' min ' || {{ expression }} % 60 || ' s'
        else {{ expression }} // 3600 || ' h ' || ({{ expression }} % 3600) // 60 || ' min'
    end
{%- endmacro %}


{#- A UTC timestamp as the clock on the account's wall shows it, with the zone's name. -#}
{% macro local_time_text(expression) -%}
    strftime(
        timezone((select setting_value from {{ source('bookkeeping', 'settings') }} where setting = 'timezone'), timezone('UTC', {{ expression }})),
        '%Y-%m-%d at %H:%M'
    ) || ' (' || (select setting_value from {{ source('bookkeeping', 'settings') }} where setting = 'timezone') || ')'
{%- endmacro %}
