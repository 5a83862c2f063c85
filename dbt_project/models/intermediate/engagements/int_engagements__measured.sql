{{ config(materialized='view') }}

-- what the metrics count from is explained in DECISIONLOG.md
with counted as (
    select
        *,
        {{ row_place() }} as _row,
        coalesce(transfer_count, len(list_filter(events, lambda one: nullif(one.transfer_type, '') is not null))) as transfers,
        coalesce(len(agents), 0) > 0 or coalesce(talk_seconds, 0) > 0 as was_answered
    from {{ ref('stg_zoom__engagements') }}
)

select
    * exclude (transfer_count, transfers, was_answered),
    transfers as transfer_count,
    coalesce(transfers, 0) > 0 as was_transferred,
    was_answered as is_answered,
    coalesce(
        direction = 'inbound' and not was_answered and len(queues) > 0
        and coalesce(voicemails_left, 0) = 0 and coalesce(queue_wait_type, '') <> 'callback',
        false
    ) as is_abandoned,
    case when was_answered then coalesce(handling_seconds, talk_seconds + coalesce(wrap_up_seconds, 0)) end as handle_seconds,
    case when was_answered and direction = 'inbound' then waiting_seconds end as speed_of_answer_seconds
from counted
