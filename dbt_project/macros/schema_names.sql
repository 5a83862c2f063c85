{#- A model's schema is the one it names: staging, intermediate, marts. One warehouse has one target, so no prefix is needed. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name | trim if custom_schema_name is not none else target.schema }}
{%- endmacro %}
