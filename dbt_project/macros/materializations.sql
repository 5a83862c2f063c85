{#-
    dbt's own incremental and view materializations, cut to what this project needs: a build has some ninety nodes, and most of its time
    was spent on looking up columns, caches and grants between them. Everything of one model happens in one transaction.
-#}
{% materialization incremental, adapter='duckdb' -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing_relation = load_cached_relation(this) -%}

    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- set is_new = existing_relation is none or should_full_refresh() -%}
    {%- if is_in_parts() -%}
        {{ replace_in_parts(target_relation, sql, is_new) }}
    {%- elif is_new -%}
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
        {%- call statement('main') -%}
            {{ replace_rows_of(target_relation, sql) }}
        {%- endcall -%}
    {%- endif -%}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ return({'relations': [target_relation]}) }}
{%- endmaterialization %}


{#- The model's query into its table, in place of the rows that were there. -#}
{% macro replace_rows_of(target_relation, sql) -%}
    {%- set written = 'written__' ~ this.identifier -%}
    create or replace temp table {{ written }} as
    {{ sql }};
    {{ delete_replaced(target_relation, written) }}
    insert into {{ target_relation }} by name
    select * {{ 'exclude (_replaces)' if config.get('incremental_strategy') == 'replace_rows' }} from {{ written }};
    drop table {{ written }}
{%- endmacro %}


{#-
    The same for some of the touched engagements at a time; a new table is what the first of them give. Those of the same days together:
    their rows lie together as well, and a scan for them leaves out the rest of a long history.
-#}
{% macro replace_in_parts(target_relation, sql, is_new) -%}
    {%- set all_keys = touched_table() ~ '__all' -%}
    {%- set counted -%}
        select cast(ceil(count(*) / max(settings.setting_value::integer)) as integer)
        from {{ all_keys }}
        inner join {{ source('bookkeeping', 'settings') }} as settings on settings.setting = 'engagements_at_once'
    {%- endset -%}
    {%- set parts = run_query(counted).columns[0].values()[0] or 1 -%}
    {%- call statement('parts') -%}
        create or replace temp table {{ all_keys }} as
        select keys.touched_key, ntile({{ parts }}) over (order by engagements.started_at) as part
        from {{ all_keys }} as keys
        left join {{ ref('engagements') }} as engagements on keys.touched_key = engagements.engagement_id
    {%- endcall -%}
    {%- for part in range(1, parts + 1) -%}
        {%- call statement('keys of a part') -%}
            create or replace temp table {{ touched_table() }} as
            select touched_key from {{ all_keys }} where part = {{ part }}
        {%- endcall -%}
        {%- if is_new and loop.first and config.get('contract').enforced -%}
            {{ get_assert_columns_equivalent(sql) }}
        {%- endif -%}
        {%- call statement('main') -%}
            {%- if is_new and loop.first %}
            create or replace table {{ target_relation }} as
            {{ sql }}
            {%- else %}
            {{ replace_rows_of(target_relation, sql) }}
            {%- endif %}
        {%- endcall -%}
    {%- endfor -%}
{%- endmacro %}


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
