{#-
    Rebuilding only what changed. A model names its key and, for each model above it, the expression that gives that key:
    rows written since the last build that this model saw are its `touched` keys. All its rows with such a key are replaced,
    so what vanished above vanishes here too. What it saw is recorded in the same transaction, so a crash loses nothing.

    A model that gathers texts sets `meta.in_parts`: DuckDB 1.5 cannot spill what `list` and `string_agg` hold, so that a query over a long
    history needs more memory than there is. Its touched keys, on a first build all keys, are replaced so many at a time as the settings say.
-#}
{% macro before_replace(key_of, logged=none) -%}
    {%- if reads_touched_only() %}
    create or replace temp table {{ touched_table() }}{{ '__all' if is_in_parts() }} as
    {{ touched_keys(key_of, seen_seq() if is_incremental() else -1, logged) }};
    {%- else %}
    select 1;
    {%- endif %}
{%- endmacro %}


{#- The keys whose rows in the models above are younger than a build, those that were logged since with them. -#}
{% macro touched_keys(key_of, seen, logged=none) -%}
    select touched_key
    from (
        {%- for model, expression in key_of.items() %}
        select distinct {{ expression }} as touched_key from {{ ref(model) }} where _load_seq > {{ seen }}
        {{ 'union' if not loop.last or logged }}
        {%- endfor %}
        {%- if logged %}
        select distinct {{ logged[1] }} as touched_key from {{ source('bookkeeping', logged[0]) }} where load_seq > {{ seen }}
        {%- endif %}
    )
    where touched_key is not null
{%- endmacro %}


{% macro after_replace() -%}
    insert into {{ source('bookkeeping', 'progress') }} values ('{{ this.identifier }}', {{ load_seq() }});
{%- endmacro %}


{% macro seen_seq() -%}
    (select coalesce(max(load_seq), 0) from {{ source('bookkeeping', 'progress') }} where model = '{{ this.identifier }}')
{%- endmacro %}


{#- What a model had seen before this build: a test of what the build replaced looks at what is younger. -#}
{% macro seen_before_seq(model) -%}
    (
        select coalesce(max(load_seq), 0) from {{ source('bookkeeping', 'progress') }}
        where model = '{{ model }}' and load_seq < {{ load_seq() }}
    )
{%- endmacro %}


{% macro touched_table() -%}
    touched__{{ this.identifier }}
{%- endmacro %}


{#- Says something, which counts as true, or nothing: sqlfluff leaves every macro around one that returns. -#}
{% macro is_in_parts() -%}
    {{ 'yes' if execute and model.resource_type == 'model' and config.get('meta', {}).get('in_parts') }}
{%- endmacro %}


{#- Whether a model's query reads touched keys only; in the same way. -#}
{% macro reads_touched_only() -%}
    {{ 'yes' if is_incremental() or is_in_parts() }}
{%- endmacro %}


{#-
    The relation, and on an incremental build only its rows of touched keys. Row numbers are found on the key column alone, because a scan of all
    columns for a few rows is what makes a build slow on a long history. A view has no row numbers: name the table under it as `base`, whose
    row numbers the view passes on as `_row`.
-#}
{% macro touched_only(relation, expression, base=none) -%}
    {%- if not reads_touched_only() -%}
    {{ relation }}
    {%- elif base is none -%}
    {{ rows_where(relation, expression ~ ' in (select touched_key from ' ~ touched_table() ~ ')') }}
    {%- else -%}
    (
        select * exclude (_row) from {{ relation }}
        where _row in (select rowid from {{ base }} where {{ expression }} in (select touched_key from {{ touched_table() }}))
    )
    {%- endif -%}
{%- endmacro %}


{#- The number of a row in its table; unit tests have no tables and override it. -#}
{% macro row_place() -%}
    rowid
{%- endmacro %}


{#- The rows of a table that meet a condition on few columns, cheaply where they are few. -#}
{% macro rows_where(table, condition) -%}
    (select * from {{ table }} where rowid in (select rowid from {{ table }} where {{ condition }}))
{%- endmacro %}


{#- Days that the daily marts must count again: those that engagements left, logged before, and those they are on now, logged after. -#}
{% macro log_days_left() -%}
    {%- if is_incremental() %}
    insert into {{ source('bookkeeping', 'changed_days') }}
    select distinct started_date, {{ load_seq() }}
    from {{ rows_where(this, 'engagement_id in (select touched_key from ' ~ touched_table() ~ ')') }}
    where started_date is not null;
    {%- else %}
    select 1;
    {%- endif %}
{%- endmacro %}


{% macro log_days_reached() -%}
    insert into {{ source('bookkeeping', 'changed_days') }}
    select distinct started_date, {{ load_seq() }} from {{ this }} where _load_seq = {{ load_seq() }} and started_date is not null;
{%- endmacro %}
