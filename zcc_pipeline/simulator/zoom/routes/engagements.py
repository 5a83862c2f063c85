"""Engagements: the list, one in detail, its events and its survey."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from zcc_pipeline.simulator.zoom.account import views
from zcc_pipeline.simulator.zoom.account.engagement import Engagement
from zcc_pipeline.simulator.zoom.answers import Answer, CallRefusedError, engagement_missing, json_answer, refuse
from zcc_pipeline.simulator.zoom.faults import FaultKind
from zcc_pipeline.simulator.zoom.gateway import Call
from zcc_pipeline.simulator.zoom.listing import ListShape, answer_list
from zcc_pipeline.simulator.zoom.routes.people import find_queue, find_user
from zcc_pipeline.simulator.zoom.time_windows import WindowRule, format_utc, parse_window, parse_zone

CHANNELS = ("voice", "video", "messaging", "email")
DIRECTIONS = ("inbound", "outbound")
_SOURCES = (
    "in_app_video",
    "kiosk_video",
    "web_video",
    "web_chat",
    "in_app_chat",
    "sms",
    "facebook_messenger",
    "whatsapp",
    "email_address",
)
_FILTERS = ("channel", "channel_sources", "channel_types", "queue_id", "user_id", "consumer_number", "direction")
_OLD_TYPES = {
    "voice": ("voice", ""),
    "sms": ("messaging", "sms"),
    "chat": ("messaging", "web_chat"),
    "video": ("video", "web_video"),
    "kiosk": ("video", "kiosk_video"),
    "in_app_chat": ("messaging", "in_app_chat"),
    "in_app_video": ("video", "in_app_video"),
}
_RULE = WindowRule(default=timedelta(hours=24))
_JUST_ENDED = timedelta(hours=1)
_UTC = ZoneInfo("UTC")


def list_engagements(call: Call) -> Answer:
    """GET /contact_center/engagements: those that started in the window and have ended."""
    query, standin = call.query, call.standin
    zone = parse_zone(query)
    now = standin.account_now()
    window = parse_window(query, _RULE, now=now, zone=zone)
    _check_filters(call)

    def load(at: datetime) -> Sequence[Engagement]:
        asked = parse_window(query, _RULE, now=at, zone=zone)
        found = standin.account.closed_engagements(asked.start, asked.end, at)
        return [row for row in found if _matches(call, row)] if query.has_any(_FILTERS) else found

    def render(engagement: Engagement, at: datetime) -> bytes:
        key = ("item", engagement.engagement_id, at, zone.key)
        return standin.rows.record(key, lambda: _item(call, engagement, at, zone))

    head: dict[str, object] = {
        "timezone": zone.key,
        "from": format_utc(window.start),
        "to": format_utc(window.end),
    }
    return answer_list(call, ListShape("engagements", 10, 100, head=head), load=load, render=render)


def get_engagement(call: Call) -> Answer:
    """GET /contact_center/engagements/{engagementId}; right after the end it may also be an empty object."""
    try:
        engagement = find_closed(call)
    except NotYetThereError:
        return json_answer({})
    at = call.standin.account_now()
    return json_answer(views.engagement_detail(engagement, at, call.standin.api_url))


def list_events(call: Call) -> Answer:
    """GET /contact_center/engagements/{engagementId}/events: voice and video only."""
    engagement = find_closed(call)
    if not engagement.has_channel("voice", "video"):
        raise refuse(400, 7001, "Only voice and video channels are currently supported.")
    return json_answer(views.engagement_events(engagement))


def get_survey(call: Call) -> Answer:
    """GET /contact_center/engagements/{engagementId}/survey: 404 where none was triggered, 444 where it was not
    answered.
    """
    engagement = find_closed(call)
    request, at = engagement.survey, call.standin.account_now()
    if request is None or request.is_untriggered:
        raise refuse(404, 404, f"No survey was triggered for engagement: {engagement.engagement_id}.")
    if request.answered_at is None or request.answered_at > at:
        raise refuse(444, 444, f"The survey was not answered: {engagement.engagement_id}.")
    return json_answer(views.survey(engagement, at))


def find_closed(call: Call) -> Engagement:
    """The engagement of the path; 404 code 2901 while it is unknown, open or not yet processed."""
    engagement_id = call.path_values["engagement_id"]
    engagement = call.standin.account.engagement(engagement_id)
    at = call.standin.account_now()
    if engagement is None or not engagement.is_closed(at):
        raise engagement_missing(engagement_id)
    if engagement.visible_at > at - _JUST_ENDED and call.standin.faults.once(FaultKind.NOT_YET_THERE, call.path):
        raise NotYetThereError(engagement_missing(engagement_id).answer)
    return engagement


class NotYetThereError(CallRefusedError):
    """The engagement has just ended and is not read back yet."""


def _check_filters(call: Call) -> None:
    query, population = call.query, call.standin.account.population
    query.choice("channel", CHANNELS)
    query.choice("direction", DIRECTIONS)
    for source in query.many("channel_sources"):
        if source not in _SOURCES:
            query.choice("channel_sources", _SOURCES)
    queue_id, user_id = query.text("queue_id"), query.text("user_id")
    if queue_id is not None and find_queue(population, queue_id) is None:
        raise refuse(404, 1201, f"Queue does not exist: {queue_id}.")
    if user_id is not None and find_user(population, user_id) is None:
        raise refuse(404, 1001, f"User does not exist: {user_id}.")


def _matches(call: Call, engagement: Engagement) -> bool:
    query = call.query
    channel, sources = query.text("channel"), query.many("channel_sources")
    old_types = frozenset() if channel else query.many("channel_types")
    queue_id, user_id = query.text("queue_id"), query.text("user_id")
    number, direction = query.text("consumer_number"), query.text("direction")
    return all(
        (
            channel is None or engagement.has_channel(channel),
            not sources or any(source in sources for _, source in engagement.channels),
            not old_types or any(_OLD_TYPES.get(old) in engagement.channels for old in old_types),
            queue_id is None or any(queue_id in (queue.queue_id, queue.legacy_id) for queue in engagement.queues),
            user_id is None or any(user_id == agent.user_id for agent in engagement.agents),
            number is None or engagement.consumer_number == number,
            direction is None or engagement.direction == direction,
        )
    )


def _item(call: Call, engagement: Engagement, at: datetime, zone: ZoneInfo) -> dict[str, Any]:
    item = views.engagement_item(engagement, at, call.standin.api_url)
    if zone != _UTC:
        for name in ("start_time", "end_time"):
            item[name] = datetime.fromisoformat(item[name]).astimezone(zone).isoformat(timespec="seconds")
    return item
