{{ config(materialized='table') }}

select
    date,
    event,
    expected,
    pushed,
    matched,
    only_polled,
    only_pushed,
    is_subscribed,
    case when is_subscribed and expected > 0 then matched / expected end as coverage,
    coalesce(timing.webhook.events, 0) as webhook_events,
    timing.webhook.p50_seconds as webhook_p50_seconds,
    timing.webhook.p95_seconds as webhook_p95_seconds,
    timing.webhook.max_seconds as webhook_max_seconds,
    coalesce(timing.websocket.events, 0) as websocket_events,
    timing.websocket.p50_seconds as websocket_p50_seconds,
    timing.websocket.p95_seconds as websocket_p95_seconds,
    timing.websocket.max_seconds as websocket_max_seconds,
    coalesce(timing.flow.events, 0) as flow_events,
    timing.flow.p50_seconds as flow_p50_seconds,
    timing.flow.p95_seconds as flow_p95_seconds,
    timing.flow.max_seconds as flow_max_seconds,
    {{ load_seq() }} as _load_seq
from {{ ref('stg_zoom__coverage') }}
where not is_deleted_at_source
