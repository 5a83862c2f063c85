"""What a scenario is given to play with, and the steps that scenarios of every channel share."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

from zcc_pipeline.simulator.zoom.account.chance import new_id, pick
from zcc_pipeline.simulator.zoom.account.customers import CustomerBook
from zcc_pipeline.simulator.zoom.account.engagement import Engagement
from zcc_pipeline.simulator.zoom.account.life import processed_at, seconds
from zcc_pipeline.simulator.zoom.account.population import Agent, Flow, Population, Queue

#: engagements that lack a piece of which nothing in the API says why
UNPROVEN_SHARE = 0.0045


@dataclass(slots=True)
class Scene:
    """One engagement about to happen. ``is_unproven``: a piece of it will be missing without any evidence."""

    rng: Random
    population: Population
    customers: CustomerBook
    start: datetime
    source: str
    direction: str
    is_unproven: bool

    def choose(self, cumulated: Sequence[float], names: Sequence[str]) -> str:
        """One of the names by cumulated percent."""
        return names[bisect(cumulated, self.rng.random() * cumulated[-1])]

    def flow(self, channel: str) -> Flow | None:
        """The flow it came through; outbound engagements have none."""
        flows = self.population.flows_of(channel, self.source)
        return pick(self.rng, flows) if self.direction == "inbound" and flows else None

    def team_up(self, queue: Queue, count: int) -> tuple[Agent, ...]:
        """Different agents of a queue, in the order they take part."""
        first = int(self.rng.random() * len(queue.agents))
        return tuple(queue.agents[(first + number) % len(queue.agents)] for number in range(count))

    def engagement(self, scenario: str, channels: tuple[tuple[str, str], ...], queue: Queue) -> Engagement:
        """An engagement in which nothing has happened yet; ``settle`` fixes its end."""
        rng = self.rng
        customer = self.customers.any_customer(rng)
        engagement = Engagement(
            engagement_id=new_id(rng),
            seed=rng.getrandbits(64),
            scenario=scenario,
            channels=channels,
            direction=self.direction,
            customer=customer,
            topic=pick(rng, queue.topics),
            start=self.start,
            end=self.start,
            visible_at=self.start,
            flow=self.flow(channels[0][0]),
            queues=(queue,),
            agents=(),
        )
        channel = channels[0][0]
        if channel == "voice" or self.source in {"sms", "whatsapp"}:
            style = int(rng.random() * 5) if channel == "voice" and rng.random() < 0.3 else 0
            engagement.consumer_number = customer.spelled_phone(style)
        if channel != "voice" or rng.random() < 0.6:
            engagement.consumer_id = customer.consumer_id
        return engagement

    def settle(self, engagement: Engagement, length: float) -> None:
        """It lasts this many seconds and shows in lists a little later."""
        engagement.end = engagement.start + seconds(length)
        engagement.visible_at = processed_at(self.rng, engagement.end)
