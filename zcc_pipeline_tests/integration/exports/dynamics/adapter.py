"""Dynamics for the suite over all CRMs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.exports.dynamics import DynamicsConfig, DynamicsDestination
from zcc_pipeline.exports.mapping import CrmMapping
from zcc_pipeline.simulator.crm.base import CrmOptions, RunningStandIn, running
from zcc_pipeline.simulator.crm.dynamics import make
from zcc_pipeline.transport import RetryPolicy
from zcc_pipeline_tests.crm_definitions import definition_of
from zcc_pipeline_tests.integration.exports.adapters import RemoteView

FAST = RetryPolicy(attempts=6, total_seconds=30.0, first_wait_seconds=0.01, longest_wait_seconds=0.05)
KEY = "zcc_zoomengagementid"


class DynamicsAdapter:
    """One environment in which ``--setup`` has been run."""

    name = "dynamics"
    appends_notes = False
    words_of_refusal = "is not welcome here"

    @contextmanager
    def standin(self, options: CrmOptions) -> Iterator[RunningStandIn]:
        with running(make(replace(options, definition=definition_of("dynamics")))) as served:
            yield served

    def destination(self, running: RunningStandIn, mapping: CrmMapping, clock: Clock) -> DynamicsDestination:
        return DynamicsDestination(config_of(running), mapping, clock=clock)

    def remote(self, running: RunningStandIn) -> Mapping[str, RemoteView]:
        held = running.standin.records()
        contacts = {row["contactid"]: row for row in held["contact"]}
        found: dict[str, list[dict[str, Any]]] = {}
        for row in (*held.get("zcc_engagement", ()), *held["phonecall"]):
            if row.get(KEY):
                found.setdefault(row[KEY], []).append(row)
        return {key: _view(rows, contacts, held["annotation"]) for key, rows in found.items()}


def config_of(running: RunningStandIn, **more: Any) -> DynamicsConfig:
    wanted = running.standin.options.credentials
    values: dict[str, Any] = {
        "url": running.url,
        "client_id": wanted.client_id if wanted else "app",
        "client_secret": wanted.client_secret if wanted else "hidden-secret",
        "token_url": f"{running.url}/tenant/oauth2/v2.0/token",
        "retry": FAST,
    }
    return DynamicsConfig(**{**values, **more})


def _view(
    rows: list[dict[str, Any]], contacts: Mapping[str, Mapping[str, Any]], annotations: list[dict[str, Any]]
) -> RemoteView:
    row = rows[0]
    is_call = "activityid" in row
    own = row["activityid"] if is_call else row["zcc_engagementid"]
    linked = contacts.get(row.get("regardingobjectid" if is_call else "zcc_contactid") or "")
    hanging = [note for note in annotations if note.get("objectid") == own]
    field = row.get("zcc_notes")
    return RemoteView(
        count=len(rows),
        subject=row.get("subject" if is_call else "zcc_name"),
        notes=tuple(note["notetext"] for note in hanging if not note.get("isdocument")) or ((field,) if field else ()),
        transcript=row.get("zcc_transcript"),
        is_deleted=bool(row.get("zcc_isdeletedatsource")),
        customer=(linked.get("emailaddress1") or linked.get("telephone1")) if linked else None,
        attachments=tuple(note["filename"] for note in hanging if note.get("isdocument")),
    )


ADAPTER = DynamicsAdapter()
