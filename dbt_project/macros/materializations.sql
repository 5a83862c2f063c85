{#-
    dbt's own incremental and view materializations, cut to what this project needs: a build has some ninety nodes, and most of its time
    was spent on looking up columns, caches and grants between them. Everything of one model happens in one transaction.
-#}
{% materialization incremental, adapter='duckdb' -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing_relation = load_cached_relation(this) -%}

    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- if existing_relation is none or should_full_refresh() -%}
        {%- if config.get('contract').enforced -%}
            {{ get_assert_columns_equivalent(sql) }}
        {%- endif -%}
        {%- call statement('main') -%}
            create or replace table {{ target_relation }} as
            select * {{ 'exclude (_replaces)' if config.get('incremental_strategy') == 'replace_rows' }} from (
            {{ sql }}
            )
        {%- endcall -%}
    {%- else -%}
        {%- set written = 'written__' ~ this.identifier -%}
        {%- call statement('main') -%}
            create or replace temp table {{ written }} as
            {{ sql }};
            {{ delete_replaced(target_relation, written) }}
            insert into {{ target_relation }} by name
            select * {{ 'exclude (_replaces)' if config.get('incremental_strategy') == 'replace_rows' }} from {{ written }};
            drop table {{ written }}
        {%- endcall -%}
    {%- endif -%}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ return({'relations': [target_relation]}) }}
{%- endmaterialization %}


{#-
    What a model's new rows replace. `replace_touched`: every row of the touched keys, so that what vanished above vanishes here.
    `delete+insert`: the rows with the same key. `replace_rows`: the row whose number they bring as `_replaces`, or none.
-#}
{% macro delete_replaced(target_relation, written) -%}
    {%- set strategy = config.get('incremental_strategy') -%}
    {%- set key = config.get('unique_key') -%}
    {%- if strategy == 'replace_touched' %}
    delete from {{ target_relation }} where {{ key }} in (select touched_key from {{ touched_table() }});
    {%- elif strategy == 'delete+insert' %}
    {%- set listed = [key] if key is string else key %}
    delete from {{ target_relation }} as held using {{ written }} as fresh
    where {% for column in listed %}held.{{ column }} = fresh.{{ column }}{{ ' and ' if not loop.last }}{% endfor %};
    {%- elif strategy == 'replace_rows' %}
    delete from {{ target_relation }} where rowid in (select _replaces from {{ written }});
    {%- else %}
    {{ exceptions.raise_compiler_error('unknown incremental_strategy ' ~ strategy) }}
    {%- endif %}
{%- endmacro %}


{#- Whether this build changes an existing table. -#}
{% macro is_incremental() -%}
    {%- if not execute or model.config.materialized != 'incremental' or should_full_refresh() -%}
        {{ return(false) }}
    {%- endif -%}
    {{ return(load_cached_relation(this) is not none) }}
{%- endmacro %}


{#- A view that is there stays: other models' text asks for a full refresh, which writes it anew. -#}
{% materialization view, adapter='duckdb' -%}
    {%- set target_relation = this.incorporate(type='view') -%}
    {%- if load_cached_relation(this) is not none and not should_full_refresh() -%}
        {%- call noop_statement('main', 'there already') -%}{%- endcall -%}
    {%- else -%}
        {%- call statement('main') -%}
            create or replace view {{ target_relation }} as
            {{ sql }}
        {%- endcall -%}
        {{ adapter.commit() }}
    {%- endif -%}
    {{ return({'relations': [target_relation]}) }}
{%- endmaterialization %}
