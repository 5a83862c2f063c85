{#-
    The grain holds, and its first column is there. Rows are replaced by key, so rows of earlier builds were tested when they were written, and a full
    refresh tests all of them. With `replaced_by` another column than the first of the grain, the rows that this build wrote could collide with older
    ones, so those are looked at too.
-#}
{% test one_row_per(model, columns, replaced_by=none) -%}
{%- set listed = columns | join(', ') %}
with written as (
    select {{ listed }} from {{ model }} where _load_seq = {{ load_seq() }}
),

looked_at as (
    {% if replaced_by in (none, columns[0]) -%}
    select * from written
    {%- else -%}
    select {{ listed }} from {{ model }}
    where {{ columns[0] }} in (select {{ columns[0] }} from written)
    {%- endif %}
)

select {{ listed }}
from looked_at
group by {{ listed }}
having count(*) > 1
union all
select {{ listed }}
from written
where {{ columns[0] }} is null
{%- endtest %}
