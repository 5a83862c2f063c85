"""Webhooks and flow events over HTTP.

```
connection ─► who signed it? ─► PushedEvent ─► EventSink.put ─► 200 once it is on disk
                    └─► Zoom's challenge: answered without the inbox, for ever
```

What lives here: both intakes, their limits, metrics and health. What does not: where events are kept (inbox) and what
follows from them (pipeline). TLS is the proxy's in front. ``docs/receiver.md`` tells operators the rest.
"""

from zcc_pipeline.sources.receiver.challenge import CHALLENGE_NOTE
from zcc_pipeline.sources.receiver.config import ReceiverConfig
from zcc_pipeline.sources.receiver.flow_events import FlowEvent, read_flow_event

__all__ = ["CHALLENGE_NOTE", "FlowEvent", "ReceiverConfig", "read_flow_event"]
