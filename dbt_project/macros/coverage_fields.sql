{#- One record per day and pushed event, made by the pipeline when it reconciles. -#}
{% macro coverage_fields() -%}
    {%- set latency = {'events': 'integer', 'p50_seconds': 'number', 'p95_seconds': 'number', 'max_seconds': 'number'} -%}
    {{ return({
        'day': 'text', 'event': 'text', 'occurred_at': 'any', 'expected': 'integer', 'pushed': 'integer', 'both': 'integer',
        'only_polled': 'integer', 'only_pushed': 'integer', 'is_subscribed': 'boolean',
        'timing': {'webhook': latency, 'websocket': latency, 'flow': latency}
    }) }}
{%- endmacro %}
