"""Turns of a conversation, made when asked for, from the engagement's own seed: the same turns each time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from zcc_pipeline.simulator.zoom.account.chance import between, pick, sub_key
from zcc_pipeline.simulator.zoom.account.corpus import (
    BOT_CHAT,
    DIALOGUES,
    EMAIL_SUBJECTS,
    HANDOVER,
    OTHER_LANGUAGES,
    TAKEOVER,
    UNANSWERED_CHAT,
    VOICEMAILS,
)
from zcc_pipeline.simulator.zoom.account.engagement import Engagement, Recording, Voicemail

_DETAILS, _VOICEMAIL, _CHAT, _EMAIL = 1, 2, 3, 4
BOT_NAME, SYSTEM_NAME = "Virtual Agent", "System"


@dataclass(frozen=True, slots=True)
class Utterance:
    """One turn: who, what, and how many seconds after the start. ``role`` is agent, customer, bot or system."""

    role: str
    speaker: str
    text: str
    offset_seconds: float


@dataclass(frozen=True, slots=True)
class Mail:
    """One e-mail of a thread."""

    is_from_customer: bool
    subject: str
    text: str
    sent_at: datetime


def spoken_turns(recording: Recording) -> list[Utterance]:
    """What is said in one recorded segment; transfers and conferences continue the conversation of the first."""
    engagement = recording.engagement
    lines = list(_dialogue(engagement))
    parts = len(engagement.recordings)
    if parts > 1:
        middle = len(lines) // 2
        lines = [*lines[:middle], HANDOVER] if recording.part == 0 else [TAKEOVER, *lines[middle:]]
    length = (recording.end - recording.start).total_seconds()
    return _spread(engagement, lines, recording.agent.name, length * 0.95)


def chat_turns(engagement: Engagement) -> list[Utterance]:
    """The messages of a messaging engagement, with the system's own where agents come in."""
    length = max(20.0, engagement.duration_seconds * 0.98)
    if engagement.scenario == "bot_only":
        return _spread(engagement, BOT_CHAT, BOT_NAME, length, role="bot")
    if not engagement.agents:
        return _spread(engagement, UNANSWERED_CHAT, BOT_NAME, length, role="bot")
    first, last = engagement.agents[0], engagement.agents[-1]
    lines = list(_dialogue(engagement))
    rng = Random(sub_key(engagement.seed, _CHAT))
    if rng.random() < 0.3:
        lines.insert(
            len(lines) // 2,
            "c: " + pick(rng, ("…", "ok", "🙂", "one sec, door bell", "sorry, typing on my phone\nstill there?")),
        )
    joined = Utterance("system", SYSTEM_NAME, f"{first.name} joined the conversation.", 0.0)
    if last is first:
        return [joined, *_spread(engagement, lines, first.name, length)]
    middle, half = len(lines) // 2, round(length / 2, 3)
    before = _spread(engagement, [*lines[:middle], HANDOVER], first.name, half)
    moved = Utterance("system", SYSTEM_NAME, f"{last.name} joined the conversation.", half)
    after = _spread(engagement, [TAKEOVER, *lines[middle:]], last.name, half, begin=half)
    return [joined, *before, moved, *after]


def voicemail_text(voicemail: Voicemail) -> str:
    """What the customer says on the machine."""
    engagement = voicemail.engagement
    rng = Random(sub_key(engagement.seed, _VOICEMAIL))
    text = pick(rng, VOICEMAILS[3:] if engagement.customer.language == "ja" else VOICEMAILS[:3])
    return text.format(
        customer=engagement.customer.name, phone=engagement.customer.spelled_phone(2), **_details(engagement)
    )


def mails(engagement: Engagement) -> list[Mail]:
    """The messages of an e-mail engagement, oldest first."""
    count = engagement.email_count
    rng = Random(sub_key(engagement.seed, _EMAIL))
    details = _details(engagement)
    subject = EMAIL_SUBJECTS.get(engagement.topic, "Question").format(**details)
    # its very first word came before an agent's greeting: a mail has no "this is ... speaking"
    lines = [line.format(agent=engagement.agents[0].name, **details) for line in _dialogue(engagement)[1:]]
    starts_inbound = engagement.direction == "inbound"
    step = engagement.duration_seconds / max(1, count)
    thread: list[Mail] = []
    for number in range(count):
        is_customer = (number % 2 == 0) == starts_inbound
        wanted = "c: " if is_customer else "a: "
        said = [line[3:] for line in lines if line.startswith(wanted)]
        own = said[number // 2 :: 2] or said
        text = "\n\n".join(own)
        if number and rng.random() < 0.5:
            text += "\n\n> " + thread[-1].text.replace("\n", "\n> ")
        sent = engagement.start + timedelta(milliseconds=int((number * step + rng.random() * step * 0.8) * 1000))
        thread.append(Mail(is_customer, subject if number == 0 else f"Re: {subject}", text, sent))
    return thread


def _dialogue(engagement: Engagement) -> tuple[str, ...]:
    if engagement.seed % 3:
        return OTHER_LANGUAGES.get(engagement.customer.language, DIALOGUES[engagement.topic])
    return DIALOGUES[engagement.topic]


def _details(engagement: Engagement) -> dict[str, str]:
    rng = Random(sub_key(engagement.seed, _DETAILS))
    return {
        "order": f"A-{between(rng, 10_000, 99_999)}",
        "amount": f"{between(rng, 9, 240)}.{between(rng, 0, 99):02d}",
        "day": (engagement.start - timedelta(days=between(rng, 1, 9))).date().isoformat(),
    }


def _spread(
    engagement: Engagement,
    lines: Iterable[str],
    agent: str,
    length: float,
    *,
    role: str = "agent",
    begin: float = 0.0,
) -> list[Utterance]:
    details = _details(engagement)
    texts = list(lines)
    weights = [12 + len(text) for text in texts]
    total, offset, turns = sum(weights), begin, []
    for text, weight in zip(texts, weights, strict=True):
        is_agent = text.startswith("a: ")
        said = text[3:].format(agent=agent, **details)
        speaker = agent if is_agent else engagement.customer.name
        turns.append(Utterance(role if is_agent else "customer", speaker, said, round(offset, 3)))
        offset += length * weight / total
    return turns
