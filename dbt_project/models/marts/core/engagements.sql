{{
    config(
        materialized='incremental',
        incremental_strategy='replace_touched',
        unique_key='engagement_id',
        pre_hook="{{ before_replace({'stg_zoom__engagements': 'engagement_id'}) }}",
        post_hook="{{ after_replace() }}"
    )
}}

select
    staged.engagement_id,
    staged.started_at,
    staged.ended_at,
    {{ local_day('staged.started_at') }} as started_date,
    staged.channels[1].channel as channel,
    staged.channels[1].channel_source as channel_source,
    staged.direction,
    staged.duration_seconds,
    staged.is_deleted_at_source,
    {{ load_seq() }} as _load_seq
from {{ touched_only(ref('stg_zoom__engagements'), 'engagement_id') }} as staged
