{#-
    Loading the lake: every staging model that reads it names these two hooks.

    before: lists the lake's files at run time, keeps those that `loaded_files` does not know, and judges the shapes of their payloads.
    after:  records exactly those files, in the transaction that merged them. Never a watermark: a file may appear after a younger one.

    The list always holds one empty file, so that reading it never fails for want of files.
-#}
{% macro before_lake_load(dataset, fields) -%}
    {%- set key = dataset | replace('/', '_') -%}
    set variable lake_root = (select setting_value from {{ source('bookkeeping', 'settings') }} where setting = 'lake_root');
    set variable lake_glob = getvariable('lake_root') || '/{{ dataset }}/date=*/*.parquet';
    set variable pending_files = (
        select list(found.file order by found.file)
        from (
            select file from glob(getvariable('lake_glob'))
            {%- if not should_full_refresh() %}
            where file[length(getvariable('lake_root')) + 2:] not in (
                select loaded.file from {{ source('bookkeeping', 'loaded_files') }} as loaded where loaded.dataset = '{{ dataset }}'
            )
            {%- endif %}
            union all
            select setting_value from {{ source('bookkeeping', 'settings') }} where setting = 'empty_lake_file'
        ) as found
    );
    {%- if should_full_refresh() %}
    delete from {{ source('bookkeeping', 'loaded_files') }} where dataset = '{{ dataset }}';
    delete from {{ source('bookkeeping', 'rejected_records') }} where dataset = '{{ dataset }}';
    delete from {{ source('bookkeeping', 'field_sightings') }} where dataset = '{{ dataset }}';
    {%- endif %}
    {{ judge_structures(dataset, fields) }}
    insert into {{ source('bookkeeping', 'rejected_records') }}
    select
        '{{ dataset }}', files.record_id, files.shape, judged.reason,
        files.as_of at time zone 'UTC', files.observed_at at time zone 'UTC', files.content_hash
    from {{ pending_rows() }} as files
    inner join judged_structures as judged
        on judged.structure = {{ payload_structure('files', 'has_rejected') }}
    where judged.reason is not null;
{%- endmacro %}


{% macro after_lake_load(dataset) -%}
    insert into {{ source('bookkeeping', 'loaded_files') }}
    select '{{ dataset }}', pending.file[length(getvariable('lake_root')) + 2:], {{ load_seq() }}
    from (select unnest(getvariable('pending_files')) as file) as pending
    where starts_with(pending.file, getvariable('lake_root'))
        and not exists (
            select 1 from {{ source('bookkeeping', 'loaded_files') }} as loaded
            where loaded.dataset = '{{ dataset }}' and loaded.file = pending.file[length(getvariable('lake_root')) + 2:]
        );
    delete from {{ source('bookkeeping', 'rejected_records') }} as rejected
    where rejected.dataset = '{{ dataset }}' and exists (
        select 1 from {{ this }} as held
        where held.record_id = rejected.record_id and held.shape = rejected.shape and held.as_of > rejected.as_of
    );
{%- endmacro %}


{#- The number of this build: rows written now carry it, and marts take what is younger than their own last number. -#}
{% macro load_seq() -%}
    (select max(load_seq) from {{ source('bookkeeping', 'loads') }})
{%- endmacro %}


{% macro pending_rows() -%}
    read_parquet(getvariable('pending_files'), filename = true, file_row_number = true, hive_partitioning = false, union_by_name = true)
{%- endmacro %}


{#- A payload's structure as text, computed only where the variable says that some structure in this load matters. -#}
{% macro payload_structure(alias, flag) -%}
    case when getvariable('{{ flag }}') and not {{ alias }}.is_deleted then coalesce(try(cast(json_structure({{ alias }}.payload) as varchar)), 'not JSON') end
{%- endmacro %}


{#-
    Judges each distinct structure of the pending payloads against the declared fields: a field of another type rejects the record,
    a field that is not declared is drift. There are few distinct structures, however many records.
-#}
{% macro judge_structures(dataset, fields) -%}
    create or replace temp table structures as
    select coalesce(try(cast(json_structure(payload) as varchar)), 'not JSON') as structure, min(observed_at) at time zone 'UTC' as first_seen
    from {{ pending_rows() }}
    where not is_deleted
    group by 1;
    create or replace temp table judged_structures as
    with declared (path, family) as (
        values {% for path, family in flat_fields(fields) %}('{{ path }}', '{{ family }}'){{ ', ' if not loop.last }}{% endfor %}
    ),
    nodes as (
        select
            structures.structure,
            regexp_replace(tree.fullkey, '\[\d+\]', '[]', 'g') as path,
            case
                when tree.type = 'OBJECT' then 'object'
                when tree.type = 'ARRAY' then 'array'
                when (tree.atom ->> '$') = 'NULL' then null
                when (tree.atom ->> '$') = 'VARCHAR' then 'text'
                when (tree.atom ->> '$') = 'BOOLEAN' then 'boolean'
                when (tree.atom ->> '$') = 'JSON' then 'mixed'
                else 'number'
            end as family
        from structures, json_tree(case when structures.structure = 'not JSON' then '{}' else structures.structure end) as tree
        where structures.structure <> 'not JSON'
    ),
    parents as (
        select *, regexp_replace(path, '(\[\]|\.[^.\[\]]+|\."[^"]*")$', '') as parent_path from nodes where path <> '$'
    ),
    compared as (
        select
            parents.structure,
            parents.path,
            case
                when declared.family is not null and declared.family <> 'any' and parents.family <> declared.family
                    then parents.path || ' is ' || parents.family || ', not ' || declared.family
            end as flip,
            declared.path is null and parent.family <> 'any' as is_unknown
        from parents
        left join declared on parents.path = declared.path
        left join declared as parent on parents.parent_path = parent.path
    )
    select
        structures.structure,
        structures.first_seen,
        case when structures.structure = 'not JSON' then 'the payload is not JSON' else string_agg(distinct compared.flip, '; ' order by compared.flip) end as reason,
        list(distinct compared.path[3:] order by compared.path[3:]) filter (where compared.is_unknown) as unknown_fields
    from structures
    left join compared on structures.structure = compared.structure
    group by structures.structure, structures.first_seen;
    set variable has_rejected = (select count(*) > 0 from judged_structures where reason is not null);
    set variable has_unknown = (select count(*) > 0 from judged_structures where unknown_fields is not null);
    insert into {{ source('bookkeeping', 'field_sightings') }}
    select '{{ dataset }}', seen.field, min(seen.first_seen)
    from (select unnest(unknown_fields) as field, first_seen from judged_structures) as seen
    group by seen.field;
{%- endmacro %}


{#- What every version carries besides its payload. `record_number` finds rows faster than the text of an id. -#}
{% macro version_columns() -%}
    record_id,
    md5_number_lower(record_id) as record_number,
    shape,
    is_deleted,
    engagement_id,
    route,
    as_of,
    observed_at,
    content_hash,
    unknown_fields,
    _replaces,
    _load_seq
{%- endmacro %}


{#- Pending versions whose payload could be typed, on narrow columns: the payloads are read later, for winners only. -#}
{% macro good_candidates() -%}
    select
        files.filename, files.file_row_number, files.record_id, files.shape, files.is_deleted,
        files.as_of at time zone 'UTC' as as_of,
        files.observed_at at time zone 'UTC' as observed_at,
        files.content_hash
    from {{ pending_rows() }} as files
    left join judged_structures as judged
        on judged.structure = {{ payload_structure('files', 'has_rejected') }}
    where judged.reason is null
{%- endmacro %}


{#- Reads and types the payloads of `winners (filename, file_row_number, replaces)`. -#}
{% macro typed_winners(fields) -%}
    select
        files.record_id, files.shape, files.is_deleted, files.engagement_id, files.route,
        files.as_of at time zone 'UTC' as as_of,
        files.observed_at at time zone 'UTC' as observed_at,
        files.content_hash,
        array_to_string(judged.unknown_fields, chr(10)) as unknown_fields,
        {{ load_seq() }} as _load_seq,
        winners.replaces as _replaces,
        case when not files.is_deleted then from_json(files.payload, '{{ typed_structure(fields) }}') end as data
    from {{ pending_rows() }} as files
    inner join winners on files.filename = winners.filename and files.file_row_number = winners.file_row_number
    left join judged_structures as judged
        on judged.structure = {{ payload_structure('files', 'has_unknown') }}
{%- endmacro %}


{#-
    The rows that a load changes: per record, shape and tombstone the newest good version, where it beats what the table has.
    `_replaces` is the row it takes the place of.
-#}
{% macro lake_latest(dataset, fields) -%}
    with candidates as (
        {{ good_candidates() }}
    ),
    newest as (
        select record_id, shape, is_deleted, max(row(as_of, observed_at, content_hash, filename, file_row_number)) as version
        from candidates
        group by record_id, shape, is_deleted
    ),
    {%- if is_incremental() %}
    held as (
        select record_id, shape, is_deleted, as_of, observed_at, content_hash, rowid as place
        from {{ this }}
        where rowid in (select rowid from {{ this }} where record_number in (select md5_number_lower(record_id) from newest))
    ),
    winners as (
        select newest.version[4] as filename, newest.version[5] as file_row_number, held.place as replaces
        from newest
        left join held
            on newest.record_id = held.record_id and newest.shape = held.shape and newest.is_deleted = held.is_deleted
        where held.record_id is null
            or row(newest.version[1], newest.version[2], newest.version[3]) > row(held.as_of, held.observed_at, held.content_hash)
    )
    {%- else %}
    winners as (
        select version[4] as filename, version[5] as file_row_number, null::bigint as replaces from newest
    )
    {%- endif %}
    {{ typed_winners(fields) }}
{%- endmacro %}


{#- Every good version that the table does not have yet, once. -#}
{% macro lake_versions(dataset, fields) -%}
    with candidates as (
        {{ good_candidates() }}
    ),
    versions as (
        select record_id, shape, is_deleted, as_of, content_hash, min(row(observed_at, filename, file_row_number)) as found
        from candidates
        group by record_id, shape, is_deleted, as_of, content_hash
    ),
    {%- if is_incremental() %}
    held as (
        select record_id, shape, is_deleted, as_of, content_hash
        from {{ this }}
        where rowid in (select rowid from {{ this }} where record_number in (select md5_number_lower(record_id) from versions))
    ),
    {%- endif %}
    winners as (
        select found[2] as filename, found[3] as file_row_number, null::bigint as replaces
        from versions
        {%- if is_incremental() %}
        where row(record_id, shape, is_deleted, as_of, content_hash)
            not in (select row(record_id, shape, is_deleted, as_of, content_hash) from held)
        {%- endif %}
    )
    {{ typed_winners(fields) }}
{%- endmacro %}
