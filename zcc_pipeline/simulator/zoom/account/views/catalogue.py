"""Reference data: queues, users, flows, inboxes, teams, dispositions and their sets."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from zcc_pipeline.simulator.zoom.account.moments import moment
from zcc_pipeline.simulator.zoom.account.population import (
    ACCOUNT_BORN,
    Agent,
    Disposition,
    DispositionSet,
    Flow,
    Inbox,
    Population,
    Queue,
    Team,
)

Json = dict[str, Any]

_OLD_QUEUE_TYPES = {"voice": ["voice"], "video": ["video"], "messaging": ["messaging"], "email": []}
_OLD_FLOW_TYPES = {"web_chat": "chat", "sms": "sms"}
_CHANGED = moment(ACCOUNT_BORN + timedelta(days=200))


def queue(item: Queue) -> Json:
    """One row of the queue list."""
    return {
        "queue_id": item.legacy_id,
        "cc_queue_id": item.queue_id,
        "queue_name": item.name,
        "agents_count": len(item.agents),
        "supervisors_count": sum(agent.role == "Contact Center Supervisor" for agent in item.agents),
        "channel_types": _OLD_QUEUE_TYPES[item.channel],
        "channel": item.channel,
        "modified_by": item.agents[0].user_id,
        "last_modified_time": _CHANGED,
    }


def queue_detail(item: Queue, population: Population) -> Json:
    """One queue by id."""
    view = queue(item)
    for key in ("agents_count", "supervisors_count", "modified_by", "last_modified_time"):
        del view[key]
    return view | {
        "queue_description": "",
        "dispositions_count": len(item.dispositions),
        "disposition_sets_count": sum(item in group.queues for group in population.disposition_sets),
        "max_wait_time": 900,
        "wrap_up_time": 120,
        "max_engagement_in_queue": 60,
        "short_abandon": {"enable": True, "threshold": 10},
        "recording_storage_location": "us",
    }


def user(item: Agent) -> Json:
    """One row of the user list."""
    return {
        "user_id": item.user_id,
        "cc_user_id": item.cc_user_id,
        "display_name": item.name,
        "user_email": item.email,
        "role_id": "2" if item.role.endswith("Supervisor") else "3",
        "role_name": item.role,
        "client_integration": "Default",
        "status_id": "",
        "status_name": "Offline",
        "user_access": "active" if item.is_active else "inactive",
        "modified_by": item.user_id,
        "last_modified_time": _CHANGED,
        "country_iso_code": "US",
        "region_id": "",
        "region_name": "",
        "channel_settings": {
            "multi_channel_engagements": {"enable": True, "max_agent_load": 50, "email_max_agent_load": 80},
            "concurrent_message_capacity": 3,
            "concurrent_email_capacity": 5,
        },
        "package_name": "premium",
        "add_ons_plan": [],
        "teams": [{"team_id": item.team.team_id, "team_name": item.team.name}],
    }


def user_detail(item: Agent) -> Json:
    """One user by id."""
    view = user(item)
    for key in ("modified_by", "last_modified_time"):
        del view[key]
    return view


def flow(item: Flow) -> Json:
    """One flow, in the list and by id."""
    entry: Json = {"entry_id": item.flow_id[::-1], "entry_name": item.name, "entry_language": "en-US"}
    if item.number:
        entry["entry_number"] = item.number
    if item.channel == "email":
        entry["email_address"] = "care@example.com"
    view: Json = {
        "flow_id": item.flow_id,
        "flow_name": item.name,
        "flow_description": "",
        "channel": item.channel,
        "status": "published",
        "modified_by": "",
        "last_modified_time": _CHANGED,
        "entry_points": [entry],
        "flow_versions": [
            {
                "flow_version_id": f"{item.flow_id}-{item.version}",
                "flow_version_description": "",
                "flow_version_status": "published",
                "flow_version": item.version,
                "flow_version_modified_by": "",
                "flow_version_last_modified_time": _CHANGED,
            }
        ],
    }
    if item.channel in {"voice", "video"}:
        view["channel_type"] = item.channel
    elif item.source in _OLD_FLOW_TYPES:
        view["channel_type"] = _OLD_FLOW_TYPES[item.source]
    if item.source and item.channel != "video":
        view["channel_source"] = item.source
    return view


def inbox(item: Inbox) -> Json:
    """One row of the inbox list; its voicemail settings are only in the detail."""
    return {
        "inbox_id": item.inbox_id,
        "inbox_name": item.name,
        "inbox_type": "voicemail",
        "access_user_count": 4,
        "access_queue_count": 2,
        "last_modified_time": _CHANGED,
        "modified_by": "",
    }


def inbox_detail(item: Inbox) -> Json:
    """One inbox by id, with its transcription and deletion settings."""
    return {
        "inbox_id": item.inbox_id,
        "inbox_name": item.name,
        "inbox_description": item.description,
        "inbox_type": "voicemail",
        "inbox_content_storage_location": "US",
        "last_modified_time": _CHANGED,
        "modified_by": "",
        "voicemail": {
            "soft_delete": True,
            "soft_delete_days_limit": item.retention_days,
            "voicemail_time_limit": 180,
            "delete_voicemail_days_limit": item.retention_days,
            "voicemail_transcription": item.has_transcription,
            "voicemail_notification_by_email": {
                "enable": False,
                "include_voicemail_file": False,
                "include_voicemail_transcription": False,
                "forward_voicemail_to_emails": False,
                "emails": [],
            },
        },
    }


def team(item: Team) -> Json:
    """One team; teams without a parent have empty parent fields."""
    return {
        "team_id": item.team_id,
        "team_name": item.name,
        "team_description": item.description,
        "parent_team_id": item.parent.team_id if item.parent else "",
        "parent_team_name": item.parent.name if item.parent else "",
        "created_time": moment(ACCOUNT_BORN),
        "modify_time": _CHANGED,
    }


def disposition(item: Disposition, population: Population) -> Json:
    """One row of the disposition list."""
    return {
        "disposition_id": item.disposition_id,
        "disposition_name": item.name,
        "disposition_description": item.description,
        "status": "active" if item.is_active else "inactive",
        "queue_count": sum(item in each.dispositions for each in population.queues),
        "last_modified_time": _CHANGED,
        "modified_by": population.users[0].user_id,
        "disposition_type": "multi_level" if item.parts else "single",
    }


def disposition_detail(item: Disposition, population: Population) -> Json:
    """One disposition by id, with its levels."""
    return disposition(item, population) | {
        "sub_dispositions": [
            {
                "sub_disposition_id": part_id,
                "sub_disposition_name": name,
                "current_index": index,
                "parent_index": parent,
            }
            for part_id, name, index, parent in item.parts
        ]
    }


def disposition_set(item: DispositionSet, population: Population) -> Json:
    """One row of the list of sets."""
    return _set_head(item, population) | {
        "dispositions_count": len(item.dispositions),
        "queues_count": len(item.queues),
    }


def disposition_set_detail(item: DispositionSet, population: Population) -> Json:
    """One set by id, with its dispositions and queues."""
    return _set_head(item, population) | {
        "dispositions": [
            {"disposition_id": each.disposition_id, "disposition_name": each.name} for each in item.dispositions
        ],
        "queues": [
            {"queue_id": each.legacy_id, "cc_queue_id": each.queue_id, "queue_name": each.name} for each in item.queues
        ],
    }


def _set_head(item: DispositionSet, population: Population) -> Json:
    return {
        "disposition_set_id": item.set_id,
        "disposition_set_name": item.name,
        "disposition_set_description": "",
        "status": "active",
        "last_modified_time": _CHANGED,
        "modified_by": population.users[0].user_id,
    }
