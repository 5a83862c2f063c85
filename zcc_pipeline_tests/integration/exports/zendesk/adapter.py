"""Zendesk for the suite over all CRMs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.exports.mapping import CrmMapping
from zcc_pipeline.exports.zendesk import ZendeskConfig, ZendeskDestination
from zcc_pipeline.simulator.crm.base import CrmOptions, RunningStandIn, running
from zcc_pipeline.simulator.crm.zendesk import make
from zcc_pipeline.simulator.crm.zendesk.people import ADMIN_EMAIL
from zcc_pipeline.transport import RetryPolicy
from zcc_pipeline_tests.crm_definitions import definition_if_here
from zcc_pipeline_tests.integration.exports.adapters import RemoteView, credentials_of

FAST = RetryPolicy(attempts=6, total_seconds=30.0, first_wait_seconds=0.01, longest_wait_seconds=0.05)
_MARK = re.compile(r"\s*\[zcc ([^\[\]\s]+)\]\s*\Z")


class ZendeskAdapter:
    """One account, tickets by import."""

    name = "zendesk"
    appends_notes = True
    words_of_refusal = "breaks a rule of this account"

    @contextmanager
    def standin(self, options: CrmOptions) -> Iterator[RunningStandIn]:
        with running(make(replace(options, definition=definition_if_here("zendesk")))) as served:
            yield served

    def destination(self, running: RunningStandIn, mapping: CrmMapping, clock: Clock) -> ZendeskDestination:
        return ZendeskDestination(config(running), mapping, clock=clock)

    def remote(self, running: RunningStandIn) -> Mapping[str, RemoteView]:
        held = running.standin.records()
        users = {each["id"]: each for each in held["users"]}
        found: dict[str, list[dict[str, Any]]] = {}
        for ticket in held["tickets"]:
            found.setdefault(str(ticket["external_id"]), []).append(ticket)
        return {key: _view(tickets, users) for key, tickets in found.items()}


def config(running: RunningStandIn, **changes: Any) -> ZendeskConfig:
    """Waits that suit a test."""
    made = ZendeskConfig(
        running.url,
        **credentials_of(running),
        concurrency=2,
        retry=FAST,
        first_poll_seconds=0.01,
        longest_poll_seconds=0.05,
    )
    return replace(made, **changes)


def said(ticket: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What its comments are and say, in their order; what is not ours has no name."""
    found = []
    for comment in ticket["comments"]:
        text = comment["plain_body"].replace("{\u200b", "{")
        mark = _MARK.search(text)
        found.append((mark[1] if mark else "", text[: mark.start()] if mark else text))
    return found


def _view(tickets: list[dict[str, Any]], users: Mapping[int, Mapping[str, Any]]) -> RemoteView:
    ticket = tickets[0]
    pieces = said(ticket)
    digests = [key.split(":")[1] for key, _ in pieces if key.startswith("transcript:")]
    transcript = (
        [text.partition("\n\n")[2] for key, text in pieces if key.startswith(f"transcript:{digests[-1]}:")]
        if digests
        else []
    )
    requester = users[ticket["requester_id"]]
    is_linked = requester.get("email") != ADMIN_EMAIL
    return RemoteView(
        count=len(tickets),
        subject=ticket["subject"],
        notes=tuple(text for key, text in pieces if key.startswith("note:")),
        transcript="\n".join(transcript) or None,
        is_deleted="zoom_deleted" in ticket["tags"] and [key for key, _ in pieces].count("deleted") == 1,
        customer=(requester.get("email") or requester.get("phone")) if is_linked else None,
        attachments=tuple(each["file_name"] for comment in ticket["comments"] for each in comment["attachments"]),
    )


ADAPTER = ZendeskAdapter()
