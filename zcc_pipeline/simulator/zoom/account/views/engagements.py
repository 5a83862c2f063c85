"""Engagements as lists, details, event lists and the historical log show them; their notes and surveys."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from zcc_pipeline.simulator.zoom.account.addresses import messaging_transcript_url
from zcc_pipeline.simulator.zoom.account.chance import stream
from zcc_pipeline.simulator.zoom.account.engagement import Engagement, Note
from zcc_pipeline.simulator.zoom.account.moments import moment
from zcc_pipeline.simulator.zoom.account.timeline import Step, steps

Json = dict[str, Any]

#: channel and source -> the deprecated channel type; WhatsApp and e-mail never had one
_OLD_TYPES = {
    ("voice", ""): "voice",
    ("video", "web_video"): "video",
    ("video", "kiosk_video"): "kiosk",
    ("messaging", "web_chat"): "chat",
    ("messaging", "sms"): "sms",
}
_NOTE_CHANNELS = {"web_chat": "chat", "sms": "sms", "whatsapp": "chat"}


def engagement_item(engagement: Engagement, at: datetime, base: str) -> Json:
    """One row of the engagement list."""
    view = _common(engagement, at, base)
    view["transfer_count"] = view["transferCount"] = engagement.transfer_count
    return view


def engagement_detail(engagement: Engagement, at: datetime, base: str) -> Json:
    """One engagement by id, with its events and without a count of transfers."""
    view = _common(engagement, at, base)
    view["events"] = [_detail_event(engagement, step) for step in steps(engagement)]
    return view


def engagement_events(engagement: Engagement) -> Json:
    """The event list of a voice or video engagement; ``event_content`` is JSON inside a string."""
    channel, source = _live_channel(engagement)
    return {
        "engagement_id": engagement.engagement_id,
        "events": [
            {
                "start_time": moment(step.start),
                "event_name": step.name,
                "channel": channel,
                "channel_source": source,
                "event_content": json.dumps(_event_content(step), ensure_ascii=False),
            }
            for step in steps(engagement)
        ],
    }


def engagement_log_row(engagement: Engagement, at: datetime) -> Json:
    """One row of the historical log: milliseconds, relative address, other names for the same things."""
    channels = [{"channel": channel, "channel_source": source or "voice"} for channel, source in engagement.channels]
    is_warm = engagement.scenario == "conferenced"
    number = engagement.consumer_number
    line = engagement.flow.number if engagement.flow else ""
    inbound = engagement.direction == "inbound"
    teams = {agent.team.team_id: agent.team.name for agent in engagement.agents}
    return {
        "engagement_id": engagement.engagement_id,
        "direction": engagement.direction,
        "channels": channels,
        "enter_channel": channels[0],
        "start_time": moment(engagement.start),
        "end_time": moment(engagement.end),
        "consumer": {
            "consumer_name": engagement.customer.name,
            "consumer_email": engagement.customer.email if engagement.has_channel("email", "messaging") else "",
            "consumer_number": number,
        },
        "queues": [{"queue_id": queue.queue_id, "queue_name": queue.name} for queue in engagement.queues],
        "users": [{"user_id": agent.user_id, "user_name": agent.name} for agent in engagement.agents],
        "teams": [{"team_id": team_id, "team_name": name} for team_id, name in teams.items()],
        "flows": [{"flow_id": engagement.flow.flow_id, "flow_name": engagement.flow.name}] if engagement.flow else [],
        "events": [
            {"event_id": f"{engagement.engagement_id}.{index}", "event_name": step.name}
            for index, step in enumerate(steps(engagement))
        ],
        "caller_id": engagement.customer.name if number else "",
        "ani_from": number if inbound else line,
        "dnis_to": line if inbound else number,
        "duration": engagement.duration_seconds * 1000,
        "hold_count": int(engagement.hold_seconds > 0),
        "hold_duration": engagement.hold_seconds * 1000,
        "direct_transfer_count": engagement.transfer_count,
        "transfer_initiated_count": engagement.transfer_count,
        "transfer_completed_count": engagement.transfer_count,
        "warm_transfer_initiated_count": 0,
        "warm_transfer_completed_count": 0,
        "warm_transfer_duration": 0,
        "conference_count": int(is_warm),
        "conference_duration": engagement.talk_seconds * 300 if is_warm else 0,
        "warm_conference_count": int(is_warm),
        "warm_conference_duration": engagement.talk_seconds * 300 if is_warm else 0,
        "blocked": False,
        "voicemail_count": engagement.voicemail_count,
        "dispositions": _dispositions(engagement, at),
        "notes": [
            {"note_id": note_id, "note_content": text, "user_id": user_id}
            for note_id, text, user_id, _ in _notes(engagement, at)
        ],
        "transcript_url": messaging_transcript_url(engagement, at, "/v2"),
        "survey_id": engagement.survey.survey.survey_id if engagement.survey else "",
        "aiea_used": "not_used",
    }


def note(engagement: Engagement, written: Note, at: datetime) -> Json | None:
    """A note by itself; None before it exists. Its channel word is the note's own: voice, sms, chat, video, email."""
    version = written.version_at(at)
    if version is None:
        return None
    channel, source = engagement.channels[0]
    view = {
        "note_id": written.note_id,
        "engagement_id": engagement.engagement_id,
        "channel": _NOTE_CHANNELS.get(source, channel),
        "note": version.text,
        "last_modified_time": moment(version.since),
        "user_id": version.author.user_id,
    }
    if engagement.channels[0] in _OLD_TYPES and source != "kiosk_video":
        view["channel_type"] = _OLD_TYPES[engagement.channels[0]]
    if source == "email_address":
        view["channel_source"] = source
    return view


def survey(engagement: Engagement, at: datetime) -> Json | None:
    """The answers; None where there are none yet (or never)."""
    request = engagement.survey
    if request is None or request.answered_at is None or at < request.answered_at:
        return None
    rng = stream(engagement.seed, "survey")
    results = []
    for order, (question_id, text, kind) in enumerate(request.survey.questions):
        answer: Json = {
            "question_id": question_id,
            "question_name": text,
            "question_type": kind,
            "question_order": order,
            "date_time": moment(request.answered_at),
        }
        score = 1 + int(rng.random() * 5)
        answer["answer"] = {
            0: str(score),
            5: "Yes" if score > 2 else "No",
            7: ("", "Great 👍", "とても良い", "slow…", "ok")[score - 1],
        }[kind]
        if kind == 0:
            answer["numeric_answer"] = score
        results.append(answer)
    view = {
        "survey_id": request.survey.survey_id,
        "survey_name": request.survey.name,
        "engagement_id": engagement.engagement_id,
        "survey_trigger_level": 0,
        "survey_results": results,
    }
    if engagement.queues:
        view["queue_id"], view["queue_name"] = engagement.queues[-1].queue_id, engagement.queues[-1].name
    return view


def _common(engagement: Engagement, at: datetime, base: str) -> Json:
    channels: list[Json] = []
    for channel, source in engagement.channels:
        channels.append({"channel": channel, "channel_source": source} if source else {"channel": channel})
    customer, flow = engagement.customer, engagement.flow
    consumer = {
        "consumer_id": engagement.consumer_id,
        "consumer_display_name": customer.name,
        "consumer_number": engagement.consumer_number,
    }
    return {
        "engagement_id": engagement.engagement_id,
        "start_time": moment(engagement.start),
        "end_time": moment(engagement.end),
        "duration": engagement.duration_seconds,
        "direction": engagement.direction,
        "channel_types": [_OLD_TYPES[pair] for pair in engagement.channels if pair in _OLD_TYPES],
        "channels": channels,
        "consumers": [consumer],
        "flows": [{"flow_id": flow.flow_id, "flow_name": flow.name, "flow_version": str(flow.version)}] if flow else [],
        "queues": [
            {"cc_queue_id": queue.queue_id, "queue_name": queue.name, "queue_id": queue.legacy_id}
            for queue in engagement.queues
        ],
        "agents": [{"user_id": agent.user_id, "display_name": agent.name} for agent in engagement.agents],
        "talk_duration": engagement.talk_seconds,
        "flow_duration": engagement.flow_seconds,
        "waiting_duration": engagement.waiting_seconds,
        "handling_duration": engagement.talk_seconds + engagement.hold_seconds + engagement.wrap_up_seconds,
        "wrap_up_duration": engagement.wrap_up_seconds,
        "queue_wait_type": "callback" if engagement.is_callback else "live_waiting",
        "voice_mail": engagement.voicemail_count,
        "callback_voice_messages": [],
        "dispositions": _dispositions(engagement, at),
        "notes": [
            {"user_id": user_id, "note_id": note_id, "note": text, "last_modified_time": since}
            for note_id, text, user_id, since in _notes(engagement, at)
        ],
        "transcript_url": messaging_transcript_url(engagement, at, base),
        "survey_id": engagement.survey.survey.survey_id if engagement.survey else "",
    }


def _dispositions(engagement: Engagement, at: datetime) -> list[Json]:
    return [
        {"disposition_id": chosen.disposition_id, "disposition_name": chosen.name}
        for chosen in engagement.dispositions
        if chosen.since <= at
    ]


def _notes(engagement: Engagement, at: datetime) -> list[tuple[str, str, str, str]]:
    shown = [(written.note_id, written.version_at(at)) for written in engagement.notes]
    return [
        (note_id, version.text, version.author.user_id, moment(version.since))
        for note_id, version in shown
        if version is not None
    ]


def _live_channel(engagement: Engagement) -> tuple[str, str]:
    if engagement.has_channel("video"):
        return next(pair for pair in engagement.channels if pair[0] == "video")
    return "voice", "voice"


def _detail_event(engagement: Engagement, step: Step) -> Json:
    channel, source = engagement.channels[0]
    view: Json = {
        "start_time": moment(step.start),
        "duration": step.seconds,
        "event_type": step.label,
        "channel": channel,
        "direction": engagement.direction,
        "consumer_id": engagement.consumer_id,
        "consumer_display_name": engagement.customer.name,
    }
    if source and source != "whatsapp":
        view["channel_source"] = source
    if engagement.flow is not None:
        view["flow_id"], view["flow_name"] = engagement.flow.flow_id, engagement.flow.name
    if step.queue is not None:
        view |= {"queue_id": step.queue.legacy_id, "cc_queue_id": step.queue.queue_id, "queue_name": step.queue.name}
    if step.agent is not None:
        view |= {"user_id": step.agent.user_id, "user_display_name": step.agent.name, "accept_type": "manual"}
    if step.to_agent is not None and engagement.transfer_count:
        view |= {
            "transfer_to_user_id": step.to_agent.user_id,
            "transfer_to_user_display_name": step.to_agent.name,
            "transfer_type": "cold",
        }
    elif step.to_agent is not None:
        view |= {"conference_type": "warm", "invitee_type": "Agent", "invitee": step.to_agent.name}
    if step.to_queue is not None:
        view |= {"transfer_to_cc_queue_id": step.to_queue.queue_id, "transfer_to_queue_name": step.to_queue.name}
    return view


def _event_content(step: Step) -> Json:
    content: Json = {"duration": step.seconds}
    if step.queue is not None:
        content |= {"cc_queue_id": step.queue.queue_id, "queue_name": step.queue.name}
    if step.agent is not None:
        content |= {"user_id": step.agent.user_id, "display_name": step.agent.name}
    if step.to_agent is not None:
        content["to_user_id"] = step.to_agent.user_id
    return content
