"""From a specification to engagements: each day from streams of its own, so that more days change no day."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta

from zcc_pipeline.simulator.zoom.account.chance import stream
from zcc_pipeline.simulator.zoom.account.customers import CustomerBook
from zcc_pipeline.simulator.zoom.account.digital import play_chat, play_email, play_text, play_video
from zcc_pipeline.simulator.zoom.account.engagement import Engagement
from zcc_pipeline.simulator.zoom.account.load import draw_route, engagements_on, start_times
from zcc_pipeline.simulator.zoom.account.population import Population
from zcc_pipeline.simulator.zoom.account.scene import UNPROVEN_SHARE, Scene
from zcc_pipeline.simulator.zoom.account.spec import AccountSpec
from zcc_pipeline.simulator.zoom.account.voice import play_voice

#: how far back conversations can have started that are still open when the first day begins
OPEN_BEFORE_DAYS = 35

_PLAYS: dict[str, Callable[[Scene], Engagement]] = {
    "voice": play_voice,
    "video": play_video,
    "web_chat": play_chat,
    "sms": play_text,
    "whatsapp": play_text,
    "email": play_email,
}


def iter_engagements(spec: AccountSpec, population: Population, customers: CustomerBook) -> Iterator[Engagement]:
    """Every engagement of the account: those of its days, and conversations open for weeks, also from before them."""
    for back in range(OPEN_BEFORE_DAYS, 0, -1):
        for engagement in _open_for_weeks(spec, spec.first_day - timedelta(days=back), population, customers):
            if engagement.end >= spec.day_start(spec.first_day):
                yield engagement
    for day in spec.all_days():
        yield from _open_for_weeks(spec, day, population, customers)
        yield from _one_day(spec, day, population, customers)


def _one_day(spec: AccountSpec, day: date, population: Population, customers: CustomerBook) -> Iterator[Engagement]:
    rng = stream(spec.seed, "day", day)
    for start in start_times(rng, spec, day, engagements_on(spec, day)):
        channel, source, direction, _ = draw_route(rng)
        is_unproven = rng.random() < UNPROVEN_SHARE
        scene = Scene(rng, population, customers, start, source, direction, is_unproven)
        yield _PLAYS.get(source, _PLAYS.get(channel, play_text))(scene)


def _open_for_weeks(
    spec: AccountSpec, day: date, population: Population, customers: CustomerBook
) -> Iterator[Engagement]:
    rng = stream(spec.seed, "open", day)
    for _ in range(int(rng.random() * 3)):
        start: datetime = spec.day_start(day) + timedelta(seconds=int(rng.random() * 80_000))
        source = "sms" if rng.random() < 0.5 else "whatsapp"
        yield play_text(Scene(rng, population, customers, start, source, "inbound", is_unproven=False), weeks_open=True)
