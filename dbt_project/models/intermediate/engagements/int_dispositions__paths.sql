{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='disposition_id'
    )
}}

-- a level's parent_index names the current_index of the level above it; 0 is the disposition itself
with recursive levels as (
    select
        disposition_id as root_id,
        disposition_name as root_name,
        unnest(sub_dispositions) as level
    from {{ ref('stg_zoom__disposition_catalogue') }}
),

paths (root_id, disposition_id, current_index, path) as (
    select
        disposition_id,
        disposition_id,
        0,
        [disposition_name]
    from {{ ref('stg_zoom__disposition_catalogue') }}
    union all
    select
        levels.root_id,
        levels.level.sub_disposition_id,
        levels.level.current_index,
        list_append(paths.path, levels.level.sub_disposition_name)
    from levels
    inner join paths on levels.root_id = paths.root_id and levels.level.parent_index = paths.current_index
    where len(paths.path) < 10
),

known as (
    select
        disposition_id,
        max(path) as disposition_path
    from paths
    where nullif(disposition_id, '') is not null
    group by disposition_id
)

select
    known.disposition_id,
    known.disposition_path,
    {{ load_seq() }} as _load_seq
from
    known
{%- if is_incremental() %}
left join {{ this }} as held on known.disposition_id = held.disposition_id
where held.disposition_id is null or held.disposition_path <> known.disposition_path
{%- endif %}
