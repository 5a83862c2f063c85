{{ config(materialized='view') }}

-- what was pushed, one row per event: the name is the one in Zoom's list, however it was written
select
    record_id as event_key,
    shape as event,
    as_of as happened_at,
    happened_date,
    observed_at,
    engagement_id,
    route,
    flow_id,
    flow_name,
    channel,
    direction,
    variable_form,
    _load_seq
from {{ ref('base_zoom__events') }}
where not is_deleted
