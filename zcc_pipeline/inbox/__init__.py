"""The durable queue of received events: what is acknowledged is on disk.

    async with Inbox.open("/data/inbox.sqlite", clock=SystemClock()) as inbox:   # the process that receives
        await inbox.put(event)                                                   # returns once synced, or raises
    reader = InboxReader.open("/data/inbox.sqlite")                              # any other process
    rows = reader.rows([seq for seq, received_at in reader.seqs_after(0, 500)])

What has been applied, what is due and what is dead does not live here but in the state store.
"""

from zcc_pipeline.inbox.contract import EventSink, InboxHealth, InboxOwned, InboxUnavailable, Put
from zcc_pipeline.inbox.inbox import Inbox
from zcc_pipeline.inbox.reader import InboxReader

__all__ = ["EventSink", "Inbox", "InboxHealth", "InboxOwned", "InboxReader", "InboxUnavailable", "Put"]
