"""The steps of one engagement in order: queued, ringing, answered, held, transferred, ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from zcc_pipeline.simulator.zoom.account.engagement import Engagement
from zcc_pipeline.simulator.zoom.account.population import Agent, Queue


@dataclass(frozen=True, slots=True)
class Step:
    """One step; ``name`` is the machine's word, ``label`` the display text."""

    name: str
    label: str
    start: datetime
    seconds: int
    queue: Queue | None = None
    agent: Agent | None = None
    to_agent: Agent | None = None
    to_queue: Queue | None = None


def steps(engagement: Engagement) -> list[Step]:
    """Everything that happened, oldest first."""
    found = [Step("engagement.start", "Engagement Started", engagement.start, 0)]
    now = engagement.start
    if engagement.flow is not None:
        found.append(Step("flow.enter", "In Flow", now, engagement.flow_seconds))
        now += timedelta(seconds=engagement.flow_seconds)
    if engagement.queues:
        queue = engagement.queues[0]
        found.append(Step("queue.enter", "Waiting in Queue", now, engagement.waiting_seconds, queue))
        now += timedelta(seconds=engagement.waiting_seconds)
    if engagement.agents:
        found += _with_agents(engagement, min(now, engagement.end))
    found += [
        Step("voicemail.left", "Left Voicemail", voicemail.created_at, voicemail.seconds, voicemail.queue)
        for voicemail in engagement.voicemails
    ]
    found.append(Step("engagement.end", "Engagement Ended", engagement.end, 0))
    return found


def _with_agents(engagement: Engagement, since: datetime) -> list[Step]:
    first, last = engagement.agents[0], engagement.agents[-1]
    queue, last_queue = engagement.queues[0], engagement.queues[-1]
    rest = int((engagement.end - since).total_seconds())
    found = [Step("agent.ringing", "Agent Ringing", since, min(5, engagement.waiting_seconds), queue, first)]
    if engagement.talk_seconds == 0:
        return [*found, Step("agent.missed", "Agent Missed", engagement.end, 0, queue, first)]
    if last is first:
        found.append(Step("agent.answered", "Agent Talking", since, rest, queue, first))
    else:
        word, label = (
            ("transfer.completed", "Transferred") if engagement.transfer_count else ("conference.joined", "Conference")
        )
        half = since + timedelta(seconds=rest // 2)
        found += [
            Step("agent.answered", "Agent Talking", since, rest // 2, queue, first),
            Step(
                word,
                label,
                half,
                0,
                queue,
                first,
                to_agent=last,
                to_queue=last_queue if last_queue is not queue else None,
            ),
            Step("agent.answered", "Agent Talking", half, rest - rest // 2, last_queue, last),
        ]
    if engagement.hold_seconds:
        found.append(
            Step("agent.hold", "On Hold", since + timedelta(seconds=rest // 3), engagement.hold_seconds, queue, first)
        )
        found.sort(key=lambda step: step.start)
    return found
