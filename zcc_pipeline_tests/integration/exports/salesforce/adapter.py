"""Salesforce for the suite over all CRMs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.exports.mapping import CrmMapping
from zcc_pipeline.exports.salesforce import SalesforceConfig, SalesforceDestination
from zcc_pipeline.simulator.crm.base import CrmOptions, RunningStandIn, running
from zcc_pipeline.simulator.crm.salesforce import make
from zcc_pipeline.transport import RetryPolicy
from zcc_pipeline_tests.crm_definitions import definition_of
from zcc_pipeline_tests.integration.exports.adapters import RemoteView, credentials_of

OBJECT = "Contact_Center_Engagement__c"
FAST = RetryPolicy(attempts=6, total_seconds=30.0, first_wait_seconds=0.01, longest_wait_seconds=0.05)


class SalesforceAdapter:
    """An org in which ``deploy/salesforce`` has been deployed."""

    name = "salesforce"
    appends_notes = False
    words_of_refusal = "Refused by a validation rule of this org."

    @contextmanager
    def standin(self, options: CrmOptions) -> Iterator[RunningStandIn]:
        with running(make(replace(options, definition=definition_of("salesforce")))) as served:
            yield served

    def destination(self, running: RunningStandIn, mapping: CrmMapping, clock: Clock) -> SalesforceDestination:
        return SalesforceDestination(fast_config(running.url, **credentials_of(running)), mapping, clock=clock)

    def remote(self, running: RunningStandIn) -> Mapping[str, RemoteView]:
        held = running.standin.records()
        people = {each["Id"]: each for name in ("Contact", "Lead") for each in held[name]}
        documents = {each["ContentDocumentId"]: each["PathOnClient"] for each in held["ContentVersion"]}
        files: dict[str, list[str]] = {}
        for link in held["ContentDocumentLink"]:
            files.setdefault(link["LinkedEntityId"], []).append(documents[link["ContentDocumentId"]])
        found: dict[str, list[dict[str, Any]]] = {}
        for record in held[OBJECT]:
            found.setdefault(record["Engagement_Id__c"], []).append(record)
        return {key: _view(records, people, files) for key, records in found.items()}


def fast_config(url: str, **changes: Any) -> SalesforceConfig:
    """Credentials that any stand-in takes, and waits that suit a test."""
    given = {"url": url, "client_id": "zcc", "client_secret": "stand-in", "retry": FAST, "first_look_seconds": 0.02}
    return SalesforceConfig(**(given | changes))


def _view(records: list[dict[str, Any]], people: Mapping[str, Any], files: Mapping[str, list[str]]) -> RemoteView:
    first = records[0]
    customer = people.get(first["Contact__c"] or first["Lead__c"])
    return RemoteView(
        count=len(records),
        subject=first["Subject__c"],
        notes=(first["Notes__c"],) if first["Notes__c"] else (),
        transcript=first["Transcript__c"],
        is_deleted=first["Deleted_At_Source__c"],
        customer=(customer["Email"] or customer["Phone"]) if customer else None,
        attachments=tuple(files.get(first["Id"], ())),
    )


ADAPTER = SalesforceAdapter()
