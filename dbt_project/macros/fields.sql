{#-
    Working with a declaration of fields: a mapping of names to 'text', 'integer', 'number', 'boolean', 'any' (known, not read, any type),
    a mapping (object) or a list of one (array). `flat_fields` gives (path, family) pairs, `typed_structure` what `from_json` wants.
-#}
{% macro flat_fields(fields, prefix='$') -%}
    {%- set rows = [(prefix, 'object')] if prefix == '$' else [] -%}
    {%- for name, kind in fields.items() -%}
        {%- do rows.extend(flat_field(prefix ~ '.' ~ name, kind)) -%}
    {%- endfor -%}
    {{ return(rows) }}
{%- endmacro %}


{% macro flat_field(path, kind) -%}
    {%- set rows = [] -%}
    {%- if kind is mapping -%}
        {%- do rows.append((path, 'object')) -%}
        {%- do rows.extend(flat_fields(kind, path)) -%}
    {%- elif kind is string -%}
        {%- do rows.append((path, 'number' if kind == 'integer' else kind)) -%}
    {%- else -%}
        {%- do rows.append((path, 'array')) -%}
        {%- do rows.extend(flat_field(path ~ '[]', kind[0])) -%}
    {%- endif -%}
    {{ return(rows) }}
{%- endmacro %}


{% macro typed_structure(fields) -%}
    {{ return(tojson(typed_kind(fields))) }}
{%- endmacro %}


{% macro typed_kind(kind) -%}
    {%- if kind is mapping -%}
        {%- set typed = {} -%}
        {%- for name, inner in kind.items() if inner != 'any' -%}
            {%- do typed.update({name: typed_kind(inner)}) -%}
        {%- endfor -%}
        {{ return(typed) }}
    {%- elif kind is string -%}
        {{ return({'text': 'VARCHAR', 'integer': 'BIGINT', 'number': 'DOUBLE', 'boolean': 'BOOLEAN'}[kind]) }}
    {%- else -%}
        {{ return([typed_kind(kind[0])]) }}
    {%- endif -%}
{%- endmacro %}
