"""What Zoom pushes while an engagement runs and after it: from its start to its survey."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from zcc_pipeline.simulator.zoom.account.addresses import messaging_transcript_url
from zcc_pipeline.simulator.zoom.account.engagement import ChosenDisposition, Engagement, Note
from zcc_pipeline.simulator.zoom.account.moments import moment
from zcc_pipeline.simulator.zoom.account.population import ACCOUNT_BORN
from zcc_pipeline.simulator.zoom.account.timeline import steps
from zcc_pipeline.simulator.zoom.push.event import (
    Json,
    Maker,
    PushedEvent,
    of_consumer,
    of_engagement,
    of_flow_number,
    of_queue,
    of_user,
)

_MAIL_TEXT_AFTER = timedelta(seconds=20)


def engagement_events(maker: Maker, engagement: Engagement) -> Iterator[PushedEvent]:
    """Everything about the engagement itself; its files have events of their own."""
    started = of_engagement(engagement)
    started.pop("channel_source", None)  # the one event whose published fields lack it
    yield maker.event("engagement_started", engagement.start, started)
    yield from _handling(maker, engagement)
    yield maker.event("engagement_ended", engagement.end, of_engagement(engagement))
    yield maker.event("cx_engagement_end_data_ready", engagement.visible_at, _data_ready(engagement))
    yield from _transcripts(maker, engagement)
    for note in engagement.notes:
        yield note_added(maker, engagement, note)
    for chosen in engagement.dispositions:
        yield _disposition_added(maker, engagement, chosen)
    if engagement.survey is not None and engagement.survey.answered_at is not None:
        yield maker.event("engagement_survey_status", engagement.survey.answered_at, _survey(engagement))


def note_added(maker: Maker, engagement: Engagement, note: Note) -> PushedEvent:
    """A new note with its full first text. Later changes of a note are never pushed."""
    first = note.versions[0]
    content = {
        "note_id": note.note_id,
        "note": first.text,
        "last_modified_time": moment(first.since),
        **of_engagement(engagement),
        **_last_queue(engagement),
        **of_flow_number(engagement),
        **of_user(first.author),
        **of_consumer(engagement),
    }
    return maker.event("engagement_note_added", first.since, content, subject_id=note.note_id)


def _handling(maker: Maker, engagement: Engagement) -> Iterator[PushedEvent]:
    if not engagement.agents or engagement.talk_seconds == 0:
        return
    answered = [step for step in steps(engagement) if step.name == "agent.answered"]
    for part, step in enumerate(answered):
        if step.agent is not None:
            content = of_engagement(engagement) | of_queue(step.queue) | of_user(step.agent)
            content |= of_flow_number(engagement) | of_consumer(engagement)
            yield maker.event("engagement_user_answered", step.start, content, part=part)
    agent, end = engagement.agents[-1], engagement.end
    content = of_engagement(engagement) | _last_queue(engagement) | of_user(agent)
    content |= of_flow_number(engagement) | of_consumer(engagement)
    yield maker.event("engagement_wrap_up_started", end, dict(content))
    yield maker.event("engagement_wrap_up_ended", end + timedelta(seconds=engagement.wrap_up_seconds), content)


def _data_ready(engagement: Engagement) -> Json:
    return {
        "engagement_id": engagement.engagement_id,
        "engagement_direction": engagement.direction,
        "channel": engagement.channels[0][0],
        "start_time": moment(engagement.start),
    }


def _transcripts(maker: Maker, engagement: Engagement) -> Iterator[PushedEvent]:
    ready = engagement.transcript_at
    if ready is not None:
        content = of_engagement(engagement)
        content["transcript_url"] = messaging_transcript_url(engagement, ready, maker.base_url)
        yield maker.event("engagement_messaging_transcript_completed", ready, content)
    if engagement.email_count:
        content = of_engagement(engagement)
        content["transcript_url"] = (
            f"{maker.base_url}/contact_center/email/messages"
            f"?engagement_id={engagement.engagement_id}&direction=forward&page_size=30"
        )
        at = engagement.visible_at + _MAIL_TEXT_AFTER
        yield maker.event("engagement_email_transcript_completed", at, content)


def _disposition_added(maker: Maker, engagement: Engagement, chosen: ChosenDisposition) -> PushedEvent:
    agent = engagement.agents[-1]
    content = {
        "disposition_id": chosen.disposition_id,
        "disposition_name": chosen.name,
        "disposition_description": chosen.parent.description,
        "status": "active" if chosen.parent.is_active else "inactive",
        "last_modified_time": moment(ACCOUNT_BORN),
        "modified_by": agent.user_id,
        **of_engagement(engagement),
        **_last_queue(engagement),
        **of_flow_number(engagement),
        **of_user(agent),
        **of_consumer(engagement),
    }
    return maker.event("engagement_disposition_added", chosen.since, content, subject_id=chosen.disposition_id)


def _survey(engagement: Engagement) -> Json:
    content = of_engagement(engagement) | _last_queue(engagement) | of_flow_number(engagement)
    del content["engagement_direction"]
    content |= of_consumer(engagement) | {"consumer_email": engagement.customer.email}
    if engagement.agents:
        content |= of_user(engagement.agents[-1])
    if engagement.survey is not None:
        survey = engagement.survey.survey
        content |= {
            "survey_status": "completed",
            "survey_id": survey.survey_id,
            "survey_question_id": survey.questions[-1][0],
            "survey_trigger_from": "queue",
        }
    return content


def _last_queue(engagement: Engagement) -> Json:
    return of_queue(engagement.queues[-1] if engagement.queues else None)
