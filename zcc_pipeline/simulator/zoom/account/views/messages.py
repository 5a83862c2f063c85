"""Recordings, voicemails, e-mails and chat messages as lists show them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from zcc_pipeline.simulator.zoom.account.addresses import (
    recording_transcript_url,
    recording_url,
    voicemail_transcript_url,
    voicemail_url,
)
from zcc_pipeline.simulator.zoom.account.conversation import Mail, mails
from zcc_pipeline.simulator.zoom.account.engagement import Engagement, Recording, Voicemail
from zcc_pipeline.simulator.zoom.account.media import chat_messages
from zcc_pipeline.simulator.zoom.account.moments import moment, precise_moment

Json = dict[str, Any]


def recording(item: Recording, at: datetime, base: str) -> Json:
    """One recording; its download address is made anew for each ``at``."""
    engagement, agent, queue = item.engagement, item.agent, item.queue
    channel = "video" if engagement.has_channel("video") else "voice"
    name, number = engagement.customer.name, engagement.consumer_number
    view: Json = {
        "recording_id": item.recording_id,
        "engagement_id": engagement.engagement_id,
        "queue_id": queue.legacy_id,
        "cc_queue_id": queue.queue_id,
        "queue_name": queue.name,
        "recording_duration": int((item.end - item.start).total_seconds()),
        "download_url": recording_url(item, at, base),
        "transcript_url": recording_transcript_url(item, at, base),
        "playback_url": recording_url(item, at, base, action="playback"),
        "recording_start_time": moment(item.start),
        "recording_end_time": moment(item.end),
        "user_id": agent.user_id,
        "display_name": agent.name,
        "user_email": agent.email,
        "recording_type": "automatic" if item.is_automatic else "on_demand",
        "channel_type": channel,
        "channel": channel,
        "direction": engagement.direction,
        "owner_id": queue.queue_id if item.is_automatic else agent.user_id,
        "owner_name": queue.name if item.is_automatic else agent.name,
        "owner_type": "queue" if item.is_automatic else "user",
        "flow_id": engagement.flow.flow_id if engagement.flow else "",
        "flow_name": engagement.flow.name if engagement.flow else "",
        "consumer_name": name,
        "consumer_number": number,
        "consumers": [{"consumer_name": name, "consumer_number": number}],
        "exemption": False,
        "team_id": agent.team.team_id,
        "team_name": agent.team.name,
        "segment_type": "conference" if item.is_conference else "inbound",
        "reason_details": "",
        "conference_participant": [],
    }
    if item.is_conference:
        view["conference_participant"] = [
            {"user_id": member.user_id, "user_name": member.name, "participant_type": "agent"}
            for member in engagement.agents
        ] + [{"contact_name": name, "contact_number": number, "participant_type": "customer"}]
    return view


def inbox_message(item: Voicemail, at: datetime, base: str, *, by_inbox: bool = False) -> Json:
    """One voicemail; the list of a single inbox (``by_inbox``) lacks the newer queue id."""
    engagement = item.engagement
    view = {
        "message_id": item.message_id,
        "inbox_id": item.inbox.inbox_id,
        "inbox_name": item.inbox.name,
        "engagement_id": engagement.engagement_id,
        "created_at": moment(item.created_at),
        "flow_id": engagement.flow.flow_id if engagement.flow else "",
        "flow_name": engagement.flow.name if engagement.flow else "",
        "queue_id": item.queue.legacy_id,
        "cci_queue_id": item.queue.queue_id,
        "queue_name": item.queue.name,
        "message_type": "voicemail",
        "download_url": voicemail_url(item, base),
        "playback_url": voicemail_url(item, base, action="playback"),
        "transcript_url": voicemail_transcript_url(item, at, base),
        "message_duration": item.seconds,
        "consumer_number": engagement.consumer_number,
        "consumer_id": engagement.consumer_id,
        "consumer_display_name": engagement.customer.name,
        "status": "deleted" if item.is_marked_deleted(at) else "normal",
    }
    if by_inbox:
        del view["cci_queue_id"]
    return view


def email_messages(engagement: Engagement, at: datetime) -> list[Json]:
    """The messages of an e-mail engagement sent until ``at``, oldest first; they have no id."""
    return [_email(engagement, mail) for mail in mails(engagement) if mail.sent_at <= at]


def messaging_messages(engagement: Engagement, at: datetime) -> list[Json]:
    """The messages of a messaging engagement sent until ``at``, oldest first."""
    until = precise_moment(at)
    return [message for message in chat_messages(engagement) if str(message["sent_time"]) <= until]


def _email(engagement: Engagement, mail: Mail) -> Json:
    agent, customer = engagement.agents[0], engagement.customer
    people = (
        {"name": customer.name, "address": customer.email},
        {"name": engagement.queues[0].name, "address": "care@example.com"},
    )
    sender, receiver = people if mail.is_from_customer else people[::-1]
    paragraphs = mail.text.replace("&", "&amp;").replace("<", "&lt;").replace("\n\n", "</p><p>")
    return {
        "content": f"<p>{paragraphs}</p>",
        "text": mail.text,
        "subject": mail.subject,
        "sent_time": precise_moment(mail.sent_at),
        "from_type": "customer" if mail.is_from_customer else "agent",
        "user_id": customer.consumer_id if mail.is_from_customer else agent.user_id,
        "user_name": customer.name if mail.is_from_customer else agent.name,
        "from_address": sender,
        "to": [receiver],
        "cc": [],
        "bcc": [],
        "content_mime_type": "text/html",
        "message_type": "general",
        "files": [],
        "inline_files": [],
    }
