"""Video, messaging and e-mail engagements, among them chats upgraded to video and conversations open for weeks."""

from __future__ import annotations

from datetime import datetime

from zcc_pipeline.simulator.zoom.account.chance import between, pick
from zcc_pipeline.simulator.zoom.account.engagement import Engagement
from zcc_pipeline.simulator.zoom.account.life import add_recording, add_wrap_up, seconds, text_ready_at
from zcc_pipeline.simulator.zoom.account.population import Queue
from zcc_pipeline.simulator.zoom.account.scene import Scene

_VIDEO = ("answered", "video_abandoned")
_VIDEO_SHARES = (88, 100)
_CHAT = ("answered", "transferred", "bot_only", "chat_abandoned", "upgraded")
_CHAT_SHARES = (70, 80, 90, 96, 100)
#: how long a text conversation stays open, in hours, where it is not a live chat
_OPEN_HOURS = {"sms": (0.2, 20), "whatsapp": (0.1, 30)}
_WEEKS_OPEN_DAYS = (3.0, 34.0)


def play_video(scene: Scene) -> Engagement:
    """A video engagement; answered ones are recorded, except where the recording is lost without a trace."""
    rng = scene.rng
    scenario = scene.choose(_VIDEO_SHARES, _VIDEO)
    source = "kiosk_video" if rng.random() < 0.1 else scene.source
    engagement = scene.engagement(scenario, (("video", source),), scene.population.queues_of("video")[0])
    engagement.flow_seconds = between(rng, 2, 20)
    engagement.waiting_seconds = between(rng, 5, 180)
    before = engagement.flow_seconds + engagement.waiting_seconds
    if scenario == "video_abandoned":
        scene.settle(engagement, before)
        return engagement
    engagement.agents = scene.team_up(engagement.queues[0], 1)
    engagement.talk_seconds = int(60 + rng.random() ** 2 * 1500)
    engagement.wrap_up_seconds = between(rng, 8, 120)
    scene.settle(engagement, before + engagement.talk_seconds)
    _record_video(scene, engagement, before)
    add_wrap_up(rng, engagement, scene.population)
    return engagement


def play_chat(scene: Scene) -> Engagement:
    """A live chat on the website: minutes long, sometimes with the bot alone, sometimes continued on video."""
    rng = scene.rng
    scenario = scene.choose(_CHAT_SHARES, _CHAT)
    channels: tuple[tuple[str, str], ...] = (("messaging", scene.source),)
    if scenario == "upgraded":
        channels = (*channels, ("video", "web_video"))
    engagement = scene.engagement(scenario, channels, _messaging_queue(scene))
    engagement.flow_seconds = between(rng, 10, 90)
    if scenario == "bot_only":
        engagement.queues = ()
        scene.settle(engagement, engagement.flow_seconds)
        engagement.transcript_at = _transcript_at(scene, engagement)
        return engagement
    engagement.waiting_seconds = int(rng.random() ** 2 * 240)
    before = engagement.flow_seconds + engagement.waiting_seconds
    if scenario != "chat_abandoned":
        _answer(scene, engagement)
    scene.settle(engagement, before + engagement.talk_seconds)
    if scenario == "upgraded":
        _record_video(scene, engagement, before + engagement.talk_seconds // 2)
    engagement.transcript_at = _transcript_at(scene, engagement)
    add_wrap_up(rng, engagement, scene.population)
    return engagement


def play_text(scene: Scene, *, weeks_open: bool = False) -> Engagement:
    """An SMS or WhatsApp conversation: hours long, or open for days and weeks."""
    rng = scene.rng
    engagement = scene.engagement(
        "open_for_weeks" if weeks_open else "answered", (("messaging", scene.source),), _messaging_queue(scene)
    )
    low, high = _OPEN_HOURS[scene.source]
    hours = 24 * rng.uniform(*_WEEKS_OPEN_DAYS) if weeks_open else low + rng.random() ** 3 * (high - low)
    engagement.flow_seconds = between(rng, 1, 30)
    engagement.waiting_seconds = int(rng.random() ** 2 * 1800)
    _answer(scene, engagement)
    scene.settle(engagement, 3_000 + hours * 3600)
    engagement.transcript_at = _transcript_at(scene, engagement)
    add_wrap_up(rng, engagement, scene.population)
    return engagement


def play_email(scene: Scene) -> Engagement:
    """An e-mail thread of one to five messages over hours."""
    rng = scene.rng
    engagement = scene.engagement(
        "answered", (("email", scene.source),), pick(rng, scene.population.queues_of("email"))
    )
    engagement.email_count = between(rng, 1, 5)
    engagement.waiting_seconds = int(rng.random() * 7_200)
    engagement.agents = scene.team_up(engagement.queues[0], 1)
    engagement.talk_seconds = between(rng, 60, 1500)
    engagement.wrap_up_seconds = between(rng, 5, 60)
    if scene.is_unproven:
        engagement.scenario, engagement.email_count = "email_lost", 0
    scene.settle(engagement, engagement.waiting_seconds + engagement.talk_seconds + rng.random() ** 2 * 20_000)
    add_wrap_up(rng, engagement, scene.population)
    return engagement


def _messaging_queue(scene: Scene) -> Queue:
    queues = scene.population.queues_of("messaging")
    return queues[0 if scene.source == "web_chat" else 1]


def _answer(scene: Scene, engagement: Engagement) -> None:
    rng = scene.rng
    engagement.agents = scene.team_up(engagement.queues[0], 2 if engagement.scenario == "transferred" else 1)
    engagement.transfer_count = len(engagement.agents) - 1
    engagement.talk_seconds = int(90 + rng.random() ** 2 * 1500)
    engagement.wrap_up_seconds = between(rng, 5, 90)


def _transcript_at(scene: Scene, engagement: Engagement) -> datetime | None:
    ready = max(engagement.visible_at, text_ready_at(scene.rng, engagement.end))
    if scene.is_unproven and not engagement.recordings:
        engagement.scenario = "chat_transcript_lost"
        return None
    return ready


def _record_video(scene: Scene, engagement: Engagement, offset: int) -> None:
    rng = scene.rng
    if scene.is_unproven and rng.random() < 0.5:
        engagement.scenario = "recording_lost"
        return
    span = (engagement.start + seconds(offset), engagement.end)
    recording = add_recording(rng, engagement, span=span, agent=engagement.agents[0], queue=engagement.queues[0])
    if scene.is_unproven:
        engagement.scenario = "transcript_lost"
        recording.transcript_at = None
