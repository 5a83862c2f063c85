"""Inboxes and the voicemails in them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from zcc_pipeline.simulator.zoom.account import views
from zcc_pipeline.simulator.zoom.account.engagement import Voicemail
from zcc_pipeline.simulator.zoom.account.population import Inbox
from zcc_pipeline.simulator.zoom.answers import Answer, json_answer, refuse
from zcc_pipeline.simulator.zoom.gateway import Call
from zcc_pipeline.simulator.zoom.listing import ListShape, answer_all, answer_list
from zcc_pipeline.simulator.zoom.time_windows import WindowRule, parse_window

_RULE = WindowRule(default=timedelta(days=30))
_PAGE = ListShape("messages", 30, 300)


def list_inboxes(call: Call) -> Answer:
    """GET /contact_center/inboxes."""
    rows = [views.inbox(inbox) for inbox in call.standin.account.population.inboxes]
    return answer_all(call, ListShape("inboxes", 30, 300), rows)


def get_inbox(call: Call) -> Answer:
    """GET /contact_center/inboxes/{inboxId}: with its voicemail settings."""
    return json_answer(views.inbox_detail(_find(call, call.path_values["inbox_id"])))


def list_messages(call: Call) -> Answer:
    """GET /contact_center/inboxes/messages: the account's voicemails."""
    return _answer(call, None, is_account_list=True)


def list_inbox_messages(call: Call) -> Answer:
    """GET /contact_center/inboxes/{inboxId}/messages."""
    return _answer(call, _find(call, call.path_values["inbox_id"]), is_account_list=False)


def _find(call: Call, inbox_id: str) -> Inbox:
    for inbox in call.standin.account.population.inboxes:
        if inbox.inbox_id == inbox_id:
            return inbox
    raise refuse(404, 3001, f"Inbox does not exist: {inbox_id}.")


def _answer(call: Call, inbox: Inbox | None, *, is_account_list: bool) -> Answer:
    query, standin = call.query, call.standin
    query.choice("message_type", ("voicemail",))
    query.choice("status", ("normal", "deleted"))
    query.number("minimum_duration")
    query.number("maximum_duration")
    query.many("cc_queue_ids", at_most=10)
    parse_window(query, _RULE, now=standin.account_now())

    def load(at: datetime) -> Sequence[Voicemail]:
        asked = parse_window(query, _RULE, now=at)
        found = standin.account.messages_between(asked.start, asked.end, at)
        return [
            message
            for message in found
            if (inbox is None or message.inbox is inbox)
            and _matches(call, message)
            and (not is_account_list or _matches_account_filters(call, message, at))
        ]

    def render(message: Voicemail, at: datetime) -> bytes:
        key = ("message", message.message_id, at, is_account_list)
        return standin.rows.record(
            key, lambda: views.inbox_message(message, at, standin.api_url, by_inbox=not is_account_list)
        )

    return answer_list(call, _PAGE, load=load, render=render)


def _matches(call: Call, message: Voicemail) -> bool:
    query = call.query
    queues = query.many("cc_queue_ids") | query.many("queue_ids")
    flow_id, flow = query.text("flow_id"), message.engagement.flow
    return (not queues or not queues.isdisjoint({message.queue.queue_id, message.queue.legacy_id})) and (
        flow_id is None or (flow is not None and flow.flow_id == flow_id)
    )


def _matches_account_filters(call: Call, message: Voicemail, at: datetime) -> bool:
    query, engagement = call.query, message.engagement
    inbox_id = query.text("inbox_id")
    shortest, longest = query.number("minimum_duration"), query.number("maximum_duration")
    engagement_id, number, status = query.text("engagement_id"), query.text("consumer_number"), query.text("status")
    return all(
        (
            inbox_id is None or message.inbox.inbox_id == inbox_id,
            shortest is None or message.seconds >= shortest,
            longest is None or message.seconds <= longest,
            engagement_id is None or engagement.engagement_id == engagement_id,
            number is None or engagement.consumer_number == number,
            status is None or message.is_marked_deleted(at) == (status == "deleted"),
        )
    )
