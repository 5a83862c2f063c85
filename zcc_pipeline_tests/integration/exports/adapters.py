"""What the suite over all five CRMs has to know of each: ``<crm>/adapter.py`` has an ``ADAPTER``."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.exports.destination import Destination
from zcc_pipeline.simulator.crm.base import CrmOptions, RunningStandIn

CRMS = ("salesforce", "zendesk", "servicenow", "dynamics", "hubspot")


@dataclass(frozen=True, slots=True)
class RemoteView:
    """How one engagement stands in a CRM, said alike for all of them."""

    count: int
    """Records that carry the engagement id; of several, the other fields show the first."""
    subject: str | None
    notes: tuple[str, ...] = ()
    """Appended entries in the order in which they arrived, or the one field's text; without those of transcripts."""
    transcript: str | None = None
    """As far as a field or an entry shows it."""
    is_deleted: bool = False
    """Whether the record says that the engagement was deleted at the source."""
    customer: str | None = None
    """E-mail address (or, without one, phone) of the person it is linked to."""
    attachments: tuple[str, ...] = ()
    """File names, each as often as it is attached."""


class CrmAdapter(Protocol):
    """One CRM, as the suite sees it."""

    name: str
    appends_notes: bool
    """Whether a note that was edited leaves its earlier wording behind (journals, ticket comments)."""
    words_of_refusal: str
    """Part of what the stand-in says of a record that its faults refuse (``refuse_keys`` …)."""

    def standin(self, options: CrmOptions) -> AbstractContextManager[RunningStandIn]:
        """``running(make(options))``, held to the API's description where it may be here."""
        ...

    def destination(self, running: RunningStandIn, mapping: Any, clock: Clock) -> Destination:
        """Not entered yet; with waits between retries that suit a test."""
        ...

    def remote(self, running: RunningStandIn) -> Mapping[str, RemoteView]:
        """What is there, by engagement id."""
        ...


def credentials_of(running: RunningStandIn) -> dict[str, str]:
    """Those that the stand-in wants, or any."""
    wanted = running.standin.options.credentials
    if wanted is None:
        return {"client_id": "id", "client_secret": "hidden-secret"}
    return {"client_id": wanted.client_id, "client_secret": wanted.client_secret}


def adapter_of(crm: str) -> CrmAdapter | None:
    """The adapter of one CRM; None where there is none."""
    name = f"zcc_pipeline_tests.integration.exports.{crm}.adapter"
    try:
        if find_spec(name) is None:
            return None
    except ModuleNotFoundError:
        return None
    found: CrmAdapter = import_module(name).ADAPTER
    return found
