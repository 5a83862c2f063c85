{{
    config(
        materialized='incremental',
        incremental_strategy='replace_touched',
        unique_key='note_id',
        pre_hook="{{ before_replace({'base_zoom__note_versions': 'record_id'}) }}",
        post_hook="{{ after_replace() }}"
    )
}}


-- the newest word on a note counts, whoever brought it; of two that speak for the same moment the API's
with ranked as (
    select
        *,
        row_number() over (
            partition by record_id order by as_of desc, {{ is_api_read() }} desc, observed_at desc, content_hash desc
        ) as recency
    from {{ touched_only(ref('base_zoom__note_versions'), 'record_id') }}
    where not is_deleted
),

spans as (
    select
        record_id,
        arg_max(engagement_id, as_of) as engagement_id,
        max(as_of) filter (where not is_deleted and {{ is_api_read() }}) as api_as_of,
        max(as_of) filter (where is_deleted) as deleted_as_of
    from {{ touched_only(ref('base_zoom__note_versions'), 'record_id') }}
    group by record_id
)

select
    ranked.record_id as note_id,
    spans.engagement_id,
    ranked.note,
    ranked.zoom_user_id,
    ranked.last_modified_at,
    ranked.as_of,
    ranked.observed_at,
    spans.api_as_of,
    coalesce(spans.deleted_as_of > ranked.as_of, false) as is_deleted_at_source,
    {{ load_seq() }} as _load_seq
from ranked
inner join spans on ranked.record_id = spans.record_id
where ranked.recency = 1
