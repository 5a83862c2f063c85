"""Look-ups by the identifiers that paths and filters take."""

from __future__ import annotations

from zcc_pipeline.simulator.zoom.account.account import Account
from zcc_pipeline.simulator.zoom.account.engagement import Engagement, Note
from zcc_pipeline.simulator.zoom.account.population import Agent, Population, Queue


def find_queue(population: Population, queue_id: str) -> Queue | None:
    """By the new or the deprecated id."""
    return next((queue for queue in population.queues if queue_id in (queue.queue_id, queue.legacy_id)), None)


def find_user(population: Population, user_id: str) -> Agent | None:
    """By id or e-mail."""
    return next((user for user in population.users if user_id in (user.user_id, user.email)), None)


def find_note(account: Account, note_id: str) -> tuple[Engagement, Note] | None:
    """By id, with its engagement; reads the whole account."""
    for engagement in account.engagements:
        for note in engagement.notes:
            if note.note_id == note_id:
                return engagement, note
    return None
