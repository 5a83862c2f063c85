"""HubSpot for the suite over all CRMs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.exports.hubspot import HubSpotConfig, HubSpotDestination
from zcc_pipeline.exports.hubspot.checking import GROUP, OWN_PREFIX, definition, kind_of
from zcc_pipeline.exports.mapping import CrmMapping, read_mapping
from zcc_pipeline.simulator.crm.base import CrmOptions, RunningStandIn, running
from zcc_pipeline.simulator.crm.hubspot import make
from zcc_pipeline.transport import RetryPolicy
from zcc_pipeline_tests.crm_definitions import definition_of
from zcc_pipeline_tests.integration.exports.adapters import RemoteView

KINDS = ("calls", "communications", "notes")
FAST = RetryPolicy(attempts=6, total_seconds=30.0, first_wait_seconds=0.01, longest_wait_seconds=0.05)


class HubSpotAdapter:
    """One account in which ``--setup`` has been run."""

    name = "hubspot"
    appends_notes = False
    words_of_refusal = "refused by a rule of the account"

    @contextmanager
    def standin(self, options: CrmOptions) -> Iterator[RunningStandIn]:
        with running(make(replace(options, definition=definition_of("hubspot")))) as served:
            prepare(served, read_mapping("hubspot", None))
            yield served

    def destination(self, running: RunningStandIn, mapping: CrmMapping, clock: Clock) -> HubSpotDestination:
        prepare(running, mapping)
        token = running.standin.options.access_token or "pat-test"
        return HubSpotDestination(HubSpotConfig(token, running.url, retry=FAST), mapping, clock=clock)

    def remote(self, running: RunningStandIn) -> Mapping[str, RemoteView]:
        held = running.standin.records()
        contacts = {each["id"]: each["properties"] for each in held["contacts"]}
        files = {each["id"]: f"{each['name']}.{each['extension']}" for each in held["files"]}
        found: dict[str, list[dict[str, Any]]] = {}
        for kind in KINDS:
            for record in held[kind]:
                key = record["properties"].get("zcc_engagement_id")
                if key is not None:
                    found.setdefault(key, []).append(record)
        return {key: _view(records, contacts, files) for key, records in found.items()}


def prepare(served: RunningStandIn, mapping: CrmMapping) -> None:
    """Make what ``--setup`` makes, without spending calls on it."""
    schemas = served.standin.schemas  # type: ignore[attr-defined]
    for target in mapping.section.targets.values():
        schema = schemas[target.object]
        schema.groups.setdefault(GROUP, "Zoom Contact Center")
        wanted = {target.key: "string"} | {name: kind_of(rule) for name, rule in target.fields.items()}
        for name, kind in wanted.items():
            if name.startswith(OWN_PREFIX) and name not in schema.properties:
                schema.add(definition(name, kind, is_key=name == target.key))


def _view(
    records: list[dict[str, Any]], contacts: Mapping[str, Mapping[str, str]], files: Mapping[str, str]
) -> RemoteView:
    values = records[0]["properties"]
    linked = [contacts[each] for each in records[0]["linked"].get("contacts", []) if each in contacts]
    attached = [each for each in values.get("hs_attachment_ids", "").split(";") if each]
    return RemoteView(
        count=len(records),
        subject=values.get("hs_call_title") or values.get("zcc_subject"),
        notes=(values["zcc_notes"],) if "zcc_notes" in values else (),
        transcript=values.get("zcc_transcript"),
        is_deleted=values.get("zcc_is_deleted_at_source") == "true",
        customer=(linked[0].get("email") or linked[0].get("phone")) if linked else None,
        attachments=tuple(re.sub(r"-[0-9a-f]{16}(?=\.)", "", files[each]) for each in attached),
    )


ADAPTER = HubSpotAdapter()
