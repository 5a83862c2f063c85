"""The voice call log."""

from __future__ import annotations

from typing import Any

from zcc_pipeline.simulator.zoom.account.engagement import Engagement
from zcc_pipeline.simulator.zoom.account.moments import moment

Json = dict[str, Any]


def voice_call(engagement: Engagement) -> Json | None:
    """One row of the log; None where the log has none for this engagement."""
    call = engagement.call
    if call is None or not call.has_row:
        return None
    inbound = engagement.direction == "inbound"
    line = engagement.flow.number if engagement.flow else "+12125550100"
    number = engagement.customer.e164
    kind = "external_conference_call" if engagement.scenario == "conferenced" else "external_call"
    sub_types = {"transferred": ["external_direct_transfer_call"], "conferenced": ["external_warm_conference_call"]}
    return {
        "engagement_id": engagement.engagement_id,
        "direction": engagement.direction,
        "call_legs": [engagement.direction],
        "distributions": ["acd" if inbound else "non_acd"],
        "types": ["external_callback_call" if engagement.is_callback else kind],
        "sub_types": sub_types.get(engagement.scenario, []),
        "caller_number": number if inbound else line,
        "caller_number_type": "toll_free_number",
        "callee_number": line if inbound else number,
        "callee_number_type": "toll_free_number",
        "start_time": moment(engagement.start),
        "end_time": moment(engagement.end),
        "total_duration": engagement.duration_seconds,
        "consumer_number": number,
        "consumer_display_name": engagement.customer.name,
        "queues": [
            {"queue_id": queue.legacy_id, "cc_queue_id": queue.queue_id, "queue_name": queue.name}
            for queue in engagement.queues
        ],
        "agents": [
            {
                "user_id": agent.user_id,
                "display_name": agent.name,
                "user_email": agent.email,
                "user_region": "United States",
                "team_ids": [agent.team.team_id],
                "team_names": [agent.team.name],
            }
            for agent in engagement.agents
        ],
        "flows": [{"flow_id": engagement.flow.flow_id, "flow_name": engagement.flow.name}] if engagement.flow else [],
        "country_name": "United States",
        "recorded": call.is_recorded,
        "monitored": call.is_monitored,
        "inbox": call.is_inbox,
        "result": call.result,
        "caller_id": number if inbound else line,
        "calling_party": "consumer" if inbound else "agent",
        "charge": "",
        "rates": [],
        "charge_type": "per_minute",
    }
