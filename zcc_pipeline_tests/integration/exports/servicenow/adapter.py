"""ServiceNow for the suite over all CRMs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.exports.mapping import CrmMapping
from zcc_pipeline.exports.servicenow import ServiceNowConfig, ServiceNowDestination
from zcc_pipeline.simulator.crm.base import CrmOptions, RunningStandIn, running
from zcc_pipeline.simulator.crm.servicenow import ServiceNowStandIn, make
from zcc_pipeline.transport import RetryPolicy
from zcc_pipeline_tests.crm_definitions import definition_of
from zcc_pipeline_tests.integration.exports.adapters import RemoteView, credentials_of

KEY = "u_zcc_engagement_id"
FAST = RetryPolicy(attempts=6, total_seconds=30.0, first_wait_seconds=0.01, longest_wait_seconds=0.05)
PEOPLE = ("sys_user", "csm_consumer", "customer_contact")


class ServiceNowAdapter:
    """One instance whose administrator has done everything."""

    name = "servicenow"
    appends_notes = True
    words_of_refusal = "rejected by onBefore script"

    @contextmanager
    def standin(self, options: CrmOptions) -> Iterator[RunningStandIn]:
        with running(make(replace(options, definition=definition_of("servicenow")))) as served:
            yield served

    def destination(self, running: RunningStandIn, mapping: CrmMapping, clock: Clock) -> ServiceNowDestination:
        return ServiceNowDestination(config_of(running), mapping, clock=clock)

    def remote(self, running: RunningStandIn) -> Mapping[str, RemoteView]:
        instance = instance_of(running)
        found: dict[str, list[dict[str, str]]] = {}
        for row in instance.instance.rows("interaction"):
            if row[KEY]:
                found.setdefault(row[KEY], []).append(row)
        people = {
            row["sys_id"]: row["email"] or row["phone"] or row["mobile_phone"]
            for table in PEOPLE
            for row in instance.instance.rows(table)
        }
        return {key: _view(instance, rows, people) for key, rows in found.items()}


def config_of(running: RunningStandIn, **changes: Any) -> ServiceNowConfig:
    return ServiceNowConfig(**{"url": running.url, **credentials_of(running), "retry": FAST} | changes)


def instance_of(running: RunningStandIn) -> ServiceNowStandIn:
    return cast("ServiceNowStandIn", running.standin)


def _view(instance: ServiceNowStandIn, rows: list[dict[str, str]], people: Mapping[str, str]) -> RemoteView:
    first = rows[0]
    return RemoteView(
        count=len(rows),
        subject=first["short_description"] or None,
        notes=tuple(instance.work_notes(first["sys_id"])),
        transcript=first["u_zcc_transcript"] or None,
        is_deleted=first["u_zcc_deleted_at_source"] == "true",
        customer=people.get(first["opened_for"] or first["consumer"]),
        attachments=tuple(file["file_name"] for file in instance.files(first["sys_id"])),
    )


ADAPTER = ServiceNowAdapter()
