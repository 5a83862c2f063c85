{#-
    The grain holds among the rows that this build wrote and everything they could collide with. Rows are replaced by key, so rows of
    earlier builds have been checked when they were written; a full refresh checks all of them.
-#}
{% test one_row_per(model, columns) -%}
{%- set listed = columns | join(', ') %}
select {{ listed }}
from {{ model }}
where {{ columns[0] }} in (select {{ columns[0] }} from {{ model }} where _load_seq = {{ load_seq() }})
group by {{ listed }}
having count(*) > 1
{%- endtest %}
