"""Recordings: four lists of one record shape, and an engagement's recording state. None of the lists announces a
total.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from zcc_pipeline.simulator.zoom.account import views
from zcc_pipeline.simulator.zoom.account.engagement import Recording
from zcc_pipeline.simulator.zoom.answers import Answer, json_answer, refuse
from zcc_pipeline.simulator.zoom.gateway import Call
from zcc_pipeline.simulator.zoom.listing import ListShape, answer_list
from zcc_pipeline.simulator.zoom.routes.engagements import find_closed
from zcc_pipeline.simulator.zoom.routes.people import find_queue, find_user
from zcc_pipeline.simulator.zoom.time_windows import WindowRule, format_utc, parse_window

_encode = msgspec.json.Encoder().encode
_RULE = WindowRule(default=timedelta(days=30), takes_dates=False)
Keep = Callable[[Recording], bool]


def list_recordings(call: Call) -> Answer:
    """GET /contact_center/recordings: the account's, by start or by end."""
    query = call.query
    by_end = query.choice("query_date_type", ("recording_start_time", "recording_end_time")) == "recording_end_time"
    kind = query.choice("recording_type", ("on_demand", "automatic"))
    owner_type = query.choice("owner_type", ("user", "queue"))

    def keep(recording: Recording) -> bool:
        type_matches = kind is None or recording.is_automatic == (kind == "automatic")
        return type_matches and (owner_type is None or recording.is_automatic == (owner_type == "queue"))

    return _answer(call, keep, by_end=by_end)


def list_engagement_recordings(call: Call) -> Answer:
    """GET /contact_center/engagements/{engagementId}/recordings: the same default of 30 days, however old the
    engagement is.
    """
    engagement_id = call.path_values["engagement_id"]
    engagement = call.standin.account.engagement(engagement_id)
    if engagement is None or not engagement.recordings:
        raise refuse(
            404,
            2805,
            "Engagement recordings does not exist or you do not have the corresponding operation authority: "
            f"{engagement_id}.",
        )
    return _answer(call, lambda recording: recording.engagement is engagement)


def list_queue_recordings(call: Call) -> Answer:
    """GET /contact_center/queues/{queueId}/recordings: by the queue's new or old id."""
    queue_id = call.path_values["queue_id"]
    queue = find_queue(call.standin.account.population, queue_id)
    if queue is None:
        raise refuse(404, 1204, f"Queue does not exist: {queue_id}.")
    return _answer(call, lambda recording: recording.queue is queue)


def list_user_recordings(call: Call) -> Answer:
    """GET /contact_center/users/{userId}/recordings: by id or e-mail; ``me`` is nobody for a server-to-server app."""
    user_id = call.path_values["user_id"]
    user = find_user(call.standin.account.population, user_id)
    if user is None:
        raise refuse(404, 1001, f"User does not exist: {user_id}")
    return _answer(call, lambda recording: recording.agent is user)


def get_recording_status(call: Call) -> Answer:
    """GET /contact_center/engagements/{engagementId}/recordings/status."""
    engagement = find_closed(call)
    if not engagement.has_channel("voice", "video"):
        raise refuse(400, 2814, "The engagement's channel type is invalid for this recording control command.")
    if not engagement.recordings:
        raise refuse(404, 2817, "There is no recording for this engagement.")
    channel, source = next(pair for pair in engagement.channels if pair[0] in {"voice", "video"})
    steps = [
        step
        for recording in engagement.recordings
        for step in (
            {"status": "start", "last_modified_time": format_utc(recording.start)},
            {"status": "stop", "last_modified_time": format_utc(recording.end)},
        )
    ]
    status: dict[str, object] = {"statuses": steps, "engagement_id": engagement.engagement_id, "channel": channel}
    if source:  # voice has none
        status["channel_source"] = source
    return json_answer(status)


def _answer(call: Call, keep: Keep, *, by_end: bool = False) -> Answer:
    query, standin = call.query, call.standin
    channel = query.choice("channel", ("voice", "video")) or query.choice("channel_type", ("voice", "video"))
    exemption = query.choice("exemption", ("true", "false"))
    window = parse_window(query, _RULE, now=standin.account_now())

    def load(at: datetime) -> Sequence[Recording]:
        asked = parse_window(query, _RULE, now=at)
        found = standin.account.recordings_between(asked.start, asked.end, at, by_end=by_end)
        return [
            recording
            for recording in found
            if exemption != "true"
            and (channel is None or recording.engagement.has_channel(channel))
            and keep(recording)
        ]

    def render(recording: Recording, at: datetime) -> bytes:
        return _encode(views.recording(recording, standin.address_moment(at), standin.api_url))

    head: dict[str, object] = {"from": format_utc(window.start), "to": format_utc(window.end)}
    shape = ListShape("recordings", 30, 300, announces_total=False, head=head)
    return answer_list(call, shape, load=load, render=render)
