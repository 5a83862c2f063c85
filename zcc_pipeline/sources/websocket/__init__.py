"""Events over the WebSocket subscription of a Marketplace app.

```
fresh token ─► connect ─► frames ─► EventSink.put, one at a time, in order
     ▲            └─► heartbeat every 30 s; silence or a refusal end the connection, before the token's end the next
     │                one is opened and then this one left
     └── back-off ◄── whatever ended it; the time not connected becomes a gap event
```

What lives here: one connection after the other, and the word about the time between them. What does not: where
tokens and events come from and go to (pipeline), and what a gap is healed with (reconciliation).
Zoom delivers nothing later that was missed (https://developers.zoom.us/docs/api/websockets/) and closes the older of
two connections of one subscription, so there must be one listener: the inbox's owner lock, which the process that
listens holds, sees to it.
"""

from zcc_pipeline.sources.websocket.config import ListenerConfig, Ticket
from zcc_pipeline.sources.websocket.gaps import SEEN_NOTE, gap_event
from zcc_pipeline.sources.websocket.listener import Listener, ListenerHealth

__all__ = ["SEEN_NOTE", "Listener", "ListenerConfig", "ListenerHealth", "Ticket", "gap_event"]
