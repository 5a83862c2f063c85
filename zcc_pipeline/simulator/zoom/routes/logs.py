"""The logs: voice calls, the engagement log of the analytics, e-mail and chat messages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from zcc_pipeline.simulator.zoom.account import views
from zcc_pipeline.simulator.zoom.account.engagement import Engagement
from zcc_pipeline.simulator.zoom.answers import Answer, engagement_missing, invalid, refuse
from zcc_pipeline.simulator.zoom.gateway import Call
from zcc_pipeline.simulator.zoom.listing import ListShape, answer_all, answer_list
from zcc_pipeline.simulator.zoom.routes.engagements import DIRECTIONS
from zcc_pipeline.simulator.zoom.time_windows import TimeWindow, WindowRule, format_utc, parse_window, parse_zone

_CALLS_RULE = WindowRule(default=timedelta(hours=24))
_BY_START = WindowRule(names=("start_time_from", "start_time_to"), default=timedelta(hours=24))
_BY_END = WindowRule(names=("end_time_from", "end_time_to"), default=timedelta(hours=24))
_FLOW_OF_TIME = ("forward", "backward")


def list_voice_calls(call: Call) -> Answer:
    """GET /contact_center/voice_calls: one row per voice engagement."""
    query, standin = call.query, call.standin
    window = parse_window(query, _CALLS_RULE, now=standin.account_now())
    direction = query.choice("direction", DIRECTIONS)
    query.choice("view_type", ("summary", "detail"))
    engagement_id = query.text("engagement_id")
    if engagement_id is not None and standin.account.engagement(engagement_id) is None:
        raise engagement_missing(engagement_id)
    queues = query.many("cc_queue_ids", at_most=20) | query.many("queue_ids", at_most=20)
    users = query.many("user_ids", at_most=20)
    number = query.text("consumer_number")

    def load(at: datetime) -> Sequence[Engagement]:
        asked = parse_window(query, _CALLS_RULE, now=at)
        return [
            row
            for row in standin.account.voice_calls_between(asked.start, asked.end, at)
            if (direction is None or row.direction == direction)
            and (engagement_id is None or row.engagement_id == engagement_id)
            and (number is None or row.consumer_number == number)
            and (not users or any(agent.user_id in users for agent in row.agents))
            and (not queues or any(queue.queue_id in queues or queue.legacy_id in queues for queue in row.queues))
        ]

    def render(row: Engagement, at: datetime) -> bytes:
        return standin.rows.record(("call", row.engagement_id, at), lambda: views.voice_call(row))

    head: dict[str, object] = {"from": format_utc(window.start), "to": format_utc(window.end)}
    return answer_list(call, ListShape("voice_calls", 10, 100, head=head), load=load, render=render)


def list_engagement_log(call: Call) -> Answer:
    """GET /contact_center/analytics/log/historical/engagement: by start, by end, or both; durations in milliseconds."""
    query, standin = call.query, call.standin
    zone = parse_zone(query)
    query.choice("direction", DIRECTIONS)
    newest_first = query.choice("sort_order", ("asc", "desc")) == "desc"
    _log_windows(call, standin.account_now())

    def load(at: datetime) -> Sequence[Engagement]:
        by_start, by_end = _log_windows(call, at)
        if by_end is not None:
            found = standin.account.closed_by_end(by_end.start, by_end.end, at)
            if by_start is not None:
                found = [row for row in found if by_start.start <= row.start <= by_start.end]
        else:
            span = by_start or parse_window(query, _BY_START, now=at, zone=zone)
            found = standin.account.closed_engagements(span.start, span.end, at)
        rows = [row for row in found if _matches_log(call, row)]
        return rows[::-1] if newest_first else rows

    def render(row: Engagement, at: datetime) -> bytes:
        return standin.rows.record(("log", row.engagement_id, at), lambda: views.engagement_log_row(row, at))

    shape = ListShape("engagement_logs", 30, 100, head={"timezone": zone.key})
    return answer_list(call, shape, load=load, render=render)


def list_email_messages(call: Call) -> Answer:
    """GET /contact_center/email/messages: newest first unless told."""
    engagement = _messages_of(call, "email", 11004)
    at = call.standin.account_now()
    rows = views.email_messages(engagement, at)
    if (call.query.choice("direction", _FLOW_OF_TIME) or "backward") == "backward":
        rows = rows[::-1]
    shape = ListShape(
        "messages",
        30,
        300,
        announces_total=False,
        says_has_more=True,
        head={"engagement_id": engagement.engagement_id},
    )
    return answer_all(call, shape, rows)


def list_chat_messages(call: Call) -> Answer:
    """GET /contact_center/messaging/messages: what was written in a chat, newest first unless told."""
    engagement = _messages_of(call, "messaging", 11004)
    rows = views.messaging_messages(engagement, call.standin.account_now())
    if (call.query.choice("direction", _FLOW_OF_TIME) or "backward") == "backward":
        rows = rows[::-1]
    return answer_all(call, ListShape("messages", 30, 300, announces_total=False, says_has_more=True), rows)


def _messages_of(call: Call, channel: str, code: int) -> Engagement:
    engagement_id = call.query.text("engagement_id")
    if engagement_id is None:
        raise invalid("engagement_id", "is required")
    engagement = call.standin.account.engagement(engagement_id)
    if engagement is None or not engagement.has_channel(channel) or engagement.start > call.standin.account_now():
        raise refuse(400, code, "Engagement not found.")
    return engagement


def _log_windows(call: Call, now: datetime) -> tuple[TimeWindow | None, TimeWindow | None]:
    zone = parse_zone(call.query)

    def asked(rule: WindowRule) -> TimeWindow | None:
        if any(call.query.text(name) for name in rule.names):
            return parse_window(call.query, rule, now=now, zone=zone)
        return None

    return asked(_BY_START), asked(_BY_END)


def _matches_log(call: Call, row: Engagement) -> bool:
    query = call.query
    channels, sources = query.many("channels"), query.many("channel_sources")
    queues, users, flows = query.many("queue_ids"), query.many("user_ids"), query.many("flow_ids")
    direction, engagement_id = query.text("direction"), query.text("engagement_id")
    return all(
        (
            engagement_id is None or row.engagement_id == engagement_id,
            direction is None or row.direction == direction,
            not channels or row.has_channel(*channels),
            not sources or any(source in sources for _, source in row.channels),
            not queues or any(queue.queue_id in queues for queue in row.queues),
            not users or any(agent.user_id in users for agent in row.agents),
            not flows or (row.flow is not None and row.flow.flow_id in flows),
        )
    )
