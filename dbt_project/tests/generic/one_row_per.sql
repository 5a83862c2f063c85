{#-
    The grain holds, and its first column is there, among the rows that this build wrote and everything they could collide with.
    Rows are replaced by key, so rows of earlier builds were tested when they were written; a full refresh tests all of them.
-#}
{% test one_row_per(model, columns) -%}
{%- set listed = columns | join(', ') %}
with written as (
    select distinct {{ columns[0] }} as written_key from {{ model }} where _load_seq = {{ load_seq() }}
)

select {{ listed }}
from {{ model }}
where {{ columns[0] }} in (select written_key from written)
group by {{ listed }}
having count(*) > 1
union all
select {{ listed }}
from {{ model }}
where {{ columns[0] }} is null and _load_seq = {{ load_seq() }}
{%- endtest %}
