"""What each read shows at a moment: JSON objects in Zoom's own shapes, by the definition of June 2026.

Durations are seconds in lists and details, milliseconds in the engagement log; addresses are absolute, in the log
relative.
"""

from zcc_pipeline.simulator.zoom.account.views.calls import voice_call
from zcc_pipeline.simulator.zoom.account.views.catalogue import (
    disposition,
    disposition_detail,
    disposition_set,
    disposition_set_detail,
    flow,
    inbox,
    inbox_detail,
    queue,
    queue_detail,
    team,
    user,
    user_detail,
)
from zcc_pipeline.simulator.zoom.account.views.engagements import (
    engagement_detail,
    engagement_events,
    engagement_item,
    engagement_log_row,
    note,
    survey,
)
from zcc_pipeline.simulator.zoom.account.views.messages import (
    email_messages,
    inbox_message,
    messaging_messages,
    recording,
)

__all__ = [
    "disposition",
    "disposition_detail",
    "disposition_set",
    "disposition_set_detail",
    "email_messages",
    "engagement_detail",
    "engagement_events",
    "engagement_item",
    "engagement_log_row",
    "flow",
    "inbox",
    "inbox_detail",
    "inbox_message",
    "messaging_messages",
    "note",
    "queue",
    "queue_detail",
    "recording",
    "survey",
    "team",
    "user",
    "user_detail",
    "voice_call",
]
