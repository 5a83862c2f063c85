{#-
    Working with a declaration of fields: a mapping of names to 'text', 'integer', 'number', 'boolean', 'any' (known, not read, any type),
    a mapping (object) or a list of one (array). Loops and text instead of recursion, because dbt spends a millisecond on each macro call.
-#}

{#- (path, family) pairs of everything declared. -#}
{% macro flat_fields(fields) -%}
    {%- set open = [('$', fields)] -%}
    {%- set rows = [] -%}
    {%- for _ in range(1000) if open -%}
        {%- set path, kind = open.pop() -%}
        {%- if kind is mapping -%}
            {%- do rows.append((path, 'object')) -%}
            {%- for name, inner in kind.items() -%}{%- do open.append((path ~ '.' ~ name, inner)) -%}{%- endfor -%}
        {%- elif kind is string -%}
            {%- do rows.append((path, 'number' if kind == 'integer' else kind)) -%}
        {%- else -%}
            {%- do rows.append((path, 'array')) -%}
            {%- do open.append((path ~ '[]', kind[0])) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(rows) }}
{%- endmacro %}


{#- The same as `from_json` wants it; what is not read becomes null without being looked at. -#}
{% macro typed_structure(fields) -%}
    {{ return(
        tojson(fields)
        | replace(': "text"', ': "VARCHAR"') | replace(': "integer"', ': "BIGINT"') | replace('["integer"]', '["BIGINT"]') | replace(': "number"', ': "DOUBLE"')
        | replace(': "boolean"', ': "BOOLEAN"') | replace(': "any"', ': "NULL"')
    ) }}
{%- endmacro %}
