-- What polling found was pushed or not, and what was pushed is in the API or not: nobody is counted twice or left out.
select date
from {{ ref('webhook_coverage_daily') }}
where
    expected <> matched + only_polled
    or pushed <> matched + only_pushed
    or pushed <> webhook_events + websocket_events + flow_events
