"""Voice engagements: answered, transferred, conferenced, abandoned, ended in the flow or as a voicemail, outbound."""

from __future__ import annotations

from datetime import datetime

from zcc_pipeline.simulator.zoom.account.chance import between, pick
from zcc_pipeline.simulator.zoom.account.engagement import CallFacts, Engagement
from zcc_pipeline.simulator.zoom.account.life import add_recording, add_voicemail, add_wrap_up, seconds
from zcc_pipeline.simulator.zoom.account.scene import Scene

_INBOUND = (
    "answered", "transferred", "conferenced", "callback", "unrecorded", "short_abandoned",
    "long_abandoned", "contained", "voicemail", "hold_abandoned", "blind",
)  # fmt: skip
_INBOUND_SHARES = (56, 65, 69, 72, 76, 79, 86, 89, 95, 97.5, 100)
_OUTBOUND = ("answered", "missed", "declined", "unrecorded")
_OUTBOUND_SHARES = (66, 86, 92, 100)

_RESULTS = {
    "short_abandoned": "short_abandoned",
    "long_abandoned": "long_abandoned",
    "hold_abandoned": "hold_abandoned",
    "contained": "contained",
    "blind": "abandon_quit",
    "voicemail": "overflowed_to_inbox",
    "missed": "missed",
    "declined": "declined",
}
_UNANSWERED = frozenset({"short_abandoned", "long_abandoned", "contained", "blind", "voicemail", "missed", "declined"})


def play_voice(scene: Scene) -> Engagement:
    """One voice engagement."""
    rng = scene.rng
    if scene.direction == "inbound":
        scenario = scene.choose(_INBOUND_SHARES, _INBOUND)
    else:
        scenario = scene.choose(_OUTBOUND_SHARES, _OUTBOUND)
    engagement = scene.engagement(scenario, (("voice", ""),), pick(rng, scene.population.queues_of("voice")))
    engagement.call = CallFacts(
        result=_RESULTS.get(scenario, "completed"),
        is_recorded=scenario not in _UNANSWERED and scenario != "unrecorded",
        is_inbox=scenario == "voicemail",
        has_row=scenario != "blind",
        is_monitored=rng.random() < 0.03,
    )
    if scenario in _UNANSWERED:
        _play_unanswered(scene, engagement)
    else:
        _play_answered(scene, engagement)
    return engagement


def _play_unanswered(scene: Scene, engagement: Engagement) -> None:
    rng, scenario, queue = scene.rng, engagement.scenario, engagement.queues[0]
    if scenario in {"missed", "declined"}:
        engagement.agents = scene.team_up(queue, 1)
        engagement.waiting_seconds = between(rng, 4, 40)
    elif scenario in {"contained", "blind"}:
        engagement.queues = ()
        engagement.flow_seconds = between(rng, 3, 90)
    else:
        engagement.flow_seconds = between(rng, 5, 60)
        engagement.waiting_seconds = between(rng, 1, 9) if scenario == "short_abandoned" else between(rng, 20, 420)
    scene.settle(
        engagement, engagement.flow_seconds + engagement.waiting_seconds + (30 if scenario == "voicemail" else 0)
    )
    if scenario == "voicemail":
        engagement.voicemail_count = 1
        if scene.is_unproven and queue.inbox is not None:
            engagement.scenario = "voicemail_lost"
        elif queue.inbox is not None:
            add_voicemail(rng, engagement, queue.inbox, queue)
    elif scenario == "missed":
        add_wrap_up(rng, engagement, scene.population)


def _play_answered(scene: Scene, engagement: Engagement) -> None:
    rng, scenario, queue = scene.rng, engagement.scenario, engagement.queues[0]
    is_team_work = scenario in {"transferred", "conferenced"}
    engagement.agents = scene.team_up(queue, 2 if is_team_work else 1)
    engagement.flow_seconds = between(rng, 5, 60) if scene.direction == "inbound" else 0
    engagement.waiting_seconds = int(rng.random() ** 2 * 300) if scene.direction == "inbound" else between(rng, 3, 20)
    engagement.talk_seconds = int(45 + rng.random() ** 2 * 1200)
    engagement.hold_seconds = between(rng, 5, 120) if rng.random() < 0.25 or scenario == "hold_abandoned" else 0
    engagement.wrap_up_seconds = between(rng, 8, 110)
    engagement.is_callback = scenario == "callback"
    if scenario == "transferred":
        engagement.transfer_count = 1
        if rng.random() < 0.5:
            others = [other for other in scene.population.queues_of("voice") if other is not queue]
            engagement.queues = (queue, pick(rng, others))
            engagement.agents = (engagement.agents[0], pick(rng, engagement.queues[1].agents))
    before = engagement.flow_seconds + engagement.waiting_seconds
    scene.settle(engagement, before + engagement.talk_seconds + engagement.hold_seconds)
    if engagement.call is not None and engagement.call.is_recorded:
        _record(scene, engagement, engagement.start + seconds(before))
    add_wrap_up(rng, engagement, scene.population)


def _record(scene: Scene, engagement: Engagement, answered_at: datetime) -> None:
    rng, end = scene.rng, engagement.end
    if scene.is_unproven and rng.random() < 0.5:
        engagement.scenario = "recording_lost"
        return
    first, last = engagement.agents[0], engagement.agents[-1]
    middle = answered_at + seconds((end - answered_at).total_seconds() * (0.3 + rng.random() * 0.4))
    if engagement.scenario == "transferred":
        add_recording(rng, engagement, span=(answered_at, middle), agent=first, queue=engagement.queues[0])
        add_recording(rng, engagement, span=(middle, end), agent=last, queue=engagement.queues[-1])
    else:
        add_recording(rng, engagement, span=(answered_at, end), agent=first, queue=engagement.queues[0])
    if engagement.scenario == "conferenced":
        add_recording(rng, engagement, span=(middle, end), agent=last, queue=engagement.queues[0], is_conference=True)
    if scene.is_unproven:
        engagement.scenario = "transcript_lost"
        engagement.recordings[-1].transcript_at = None
