{#- Precedence of card data statuses: the smallest of several is the one that counts. -#}
{% macro card_data_rank(status) -%}
    case {{ status }} when 'blocked' then 1 when 'flagged' then 2 when 'redacted' then 3 when 'released' then 4 else 5 end
{%- endmacro %}


{#- What was found in texts of some datasets, one row per text that had card data in any of its versions; by `expression` where only some are touched. -#}
{% macro card_data_found(datasets, expression='text_id') -%}
    select
        text_id,
        arg_min(status, {{ card_data_rank('status') }}) as status
    from {{ touched_records('card_data', 'card_data_key', expression) }}
    where dataset in ('{{ datasets | join("', '") }}')
    group by text_id
{%- endmacro %}


{#- A text, or nothing where it is held back. -#}
{% macro unless_blocked(text, status) -%}
    case when {{ status }} is distinct from 'blocked' then {{ text }} end
{%- endmacro %}


{#- The text's id where the row is about one of these datasets: the key of models that have one row or more per text. -#}
{% macro text_id_of(datasets) -%}
    case when dataset in ('{{ datasets | join("', '") }}') then text_id end
{%- endmacro %}


{#- Engagements of which texts of a dataset were looked at, by number; the same as the pipeline makes of an id. -#}
{% macro looked_at(dataset) -%}
    select unnest(engagement_numbers) from {{ ref('base_zoom__card_data') }} where dataset = '{{ dataset }}'
{%- endmacro %}


{% macro engagement_number(engagement_id) -%}
    cast(md5_number_lower({{ engagement_id }}) & 9223372036854775807 as bigint)
{%- endmacro %}
