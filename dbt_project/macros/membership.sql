{#-
    Whether a part still belongs to its engagement: the array of the newest API read says so, or there is no such read, or the word on the part
    is younger. A pushed word has ten minutes more, because reads right after it have been seen to miss it.
-#}
{% macro is_member(part_id, array, part, engagement) -%}
    (
        {{ array }} is null
        or list_contains({{ array }}, {{ part_id }})
        or {{ part }}.as_of > {{ engagement }}.as_of
        or ({{ part }}.api_as_of is null and {{ part }}.as_of > {{ engagement }}.as_of - interval 10 minutes)
    )
{%- endmacro %}
