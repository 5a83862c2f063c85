"""Which flows send flow events and which should: the scripts are pasted by hand, flow by flow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

SILENT_AFTER = 5
"""So many engagements in a row without an event are no accident: flow scripts are tried once, but they rarely fail."""


class FlowState(StrEnum):
    """How a flow's script does."""

    SENDING = "sending"
    SILENT = "silent"
    """It sent events once and no longer does."""
    MISSING = "missing"
    """It never sent one, although other flows do, or all are expected to."""
    UNDECIDED = "undecided"
    """Too few engagements to tell."""


@dataclass(frozen=True, slots=True)
class FlowVisit:
    """One inbound engagement that a flow handled."""

    engagement_id: str
    flow_id: str
    flow_name: str
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class FlowScript:
    """One flow, its inbound engagements, and how many of them sent an event."""

    flow_id: str
    flow_name: str
    engagements: int
    with_event: int
    state: FlowState

    @property
    def needs_attention(self) -> bool:
        """Whether somebody has to look at its Start widget."""
        return self.state in {FlowState.SILENT, FlowState.MISSING}


def check_flows(
    visits: Iterable[FlowVisit], engagements_with_event: AbstractSet[str], *, are_expected: bool
) -> list[FlowScript]:
    """One line for each flow, by name.

    None at all where no flow sent an event and none is expected to (``are_expected``: there is a token for their
    posts): then nobody uses scripts.
    """
    if not (engagements_with_event or are_expected):
        return []
    by_flow: dict[str, dict[str, FlowVisit]] = {}
    for visit in visits:
        by_flow.setdefault(visit.flow_id, {})[visit.engagement_id] = visit
    found = [_check_flow(flow_id, of_flow, engagements_with_event) for flow_id, of_flow in by_flow.items()]
    return sorted(found, key=lambda script: (script.flow_name, script.flow_id))


def _check_flow(flow_id: str, visits: Mapping[str, FlowVisit], with_event: AbstractSet[str]) -> FlowScript:
    newest_first = sorted(visits.values(), key=lambda visit: (visit.ended_at, visit.engagement_id), reverse=True)
    has_sent = [visit.engagement_id in with_event for visit in newest_first]
    if not any(has_sent):
        state = FlowState.MISSING if len(has_sent) >= SILENT_AFTER else FlowState.UNDECIDED
    elif len(has_sent) >= SILENT_AFTER and not any(has_sent[:SILENT_AFTER]):
        state = FlowState.SILENT
    else:
        state = FlowState.SENDING
    return FlowScript(flow_id, newest_first[0].flow_name, len(has_sent), sum(has_sent), state)
