{#- Whether a version comes from reading the API, which outranks what was pushed. -#}
{% macro is_api_read() -%}
    shape in ('list', 'detail')
{%- endmacro %}


{#-
    One row per record out of its versions by shape: field by field the newest API read that has it, else what was pushed.
    A tombstone keeps the row and marks it.
-#}
{% macro merged_records(versions, key, columns) -%}
    select
        record_id as {{ key }},
        arg_max(engagement_id, row({{ is_api_read() }}, as_of)) as engagement_id,
        {%- for column in columns %}
        arg_max({{ column }}, row({{ is_api_read() }}, as_of)) filter (where not is_deleted) as {{ column }},
        {%- endfor %}
        max(as_of) filter (where not is_deleted) as as_of,
        max(observed_at) as observed_at,
        max(as_of) filter (where not is_deleted and {{ is_api_read() }}) as api_as_of,
        coalesce(max(as_of) filter (where is_deleted) > max(as_of) filter (where not is_deleted), false) as is_deleted_at_source,
        {{ load_seq() }} as _load_seq
    from {{ versions }}
    group by record_id
    having count(*) filter (where not is_deleted) > 0
{%- endmacro %}


{#-
    For datasets of one shape: the rows as they are, or some of them, with the mark of a tombstone.
    Where others than the API speak as well, `best_first` orders a record's rows: the first is the one.
-#}
{% macro records_as_they_are(relation, key, rows=none, best_first=none) -%}
    select
        versions.* exclude (record_id, record_number, is_deleted, shape, route, content_hash, unknown_fields, _load_seq),
        versions.record_id as {{ key }},
        coalesce(tombstones.as_of > versions.as_of, false) as is_deleted_at_source,
        greatest(versions._load_seq, coalesce(tombstones._load_seq, 0)) as _load_seq
    from {{ rows or relation }} as versions
    left join {{ rows_where(relation, 'is_deleted') }} as tombstones
        on versions.record_id = tombstones.record_id and versions.shape = tombstones.shape
    where not versions.is_deleted
    {%- if best_first %}
    qualify row_number() over (partition by versions.record_id order by {{ best_first }}) = 1
    {%- endif %}
{%- endmacro %}


{#- A transcript that a flow sent stands in until the API's own arrives, and says something. -#}
{% macro best_transcript_first() -%}
    (versions.{{ is_api_read() }} and len(versions.turns) > 0) desc, len(versions.turns) > 0 desc, versions.as_of desc
{%- endmacro %}


{#-
    The staged records of such a dataset, and on an incremental build only those of touched keys, taken from the table under the view:
    through the view the plan would read all of a long history (DuckDB 1.5). `expression` is the key's column in that table.
-#}
{% macro touched_records(dataset, key, expression='engagement_id') -%}
    {%- set view = ref('stg_zoom__' ~ dataset) -%}
    {%- set of_touched_keys = staged_records(dataset, key, expression, touched_table()) -%}
    {{ of_touched_keys if reads_touched_only() else view }}
{%- endmacro %}


{#- The staged records whose key is in the column `touched_key` of a table. -#}
{% macro staged_records(dataset, key, expression, touched) -%}
    {%- set table = ref('base_zoom__' ~ dataset) -%}
    (
        {{ records_as_they_are(
            table, key, rows_where(table, expression ~ ' in (select touched_key from ' ~ touched ~ ')'),
            best_first=best_transcript_first() if dataset == 'messaging_transcripts' else none
        ) }}
    )
{%- endmacro %}


{#- Precedence of completeness statuses: the smallest of several is the one that counts. -#}
{% macro status_rank(status) -%}
    list_position(
        ['unexplained', 'failed', 'missing', 'waiting', 'deleted_at_source', 'stored', 'none_recorded', 'not_expected'], {{ status }}
    )
{%- endmacro %}
