"""What ``zcc doctor`` says of the CRMs: credentials, permissions, the mapping, the ledger, and who else logs there."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from zcc_pipeline.domain.errors import ConfigurationError, ZccPipelineError
from zcc_pipeline.domain.export_ledger import IN_FLIGHT
from zcc_pipeline.exports.destination import Check, Destination, MappingProblem
from zcc_pipeline.exports.mapping import CrmMapping
from zcc_pipeline.exports.outcomes import Status
from zcc_pipeline.landing import Lake
from zcc_pipeline.pipeline.crms import TITLES, CrmAccess, make_destination
from zcc_pipeline.pipeline.doctor import Finding, Verdict
from zcc_pipeline.pipeline.exporting import mapping_for
from zcc_pipeline.pipeline.lake_facts import RecordFields, iter_landed
from zcc_pipeline.pipeline.loop import run
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.state import StateStore

PATIENCE_SECONDS = 60
"""A CRM that has not answered by then is a finding; an export itself waits longer."""

USERS = "zoom/users"
_CLIENTS = {
    "Salesforce": "salesforce",
    "Zendesk": "zendesk",
    "ServiceNow": "servicenow",
    "Microsoft_Dynamics_365": "dynamics",
    "HubSpot": "hubspot",
}
"""Zoom's names for the CRM that an agent's client is embedded in (``client_integration`` of the list of users; HubSpot
is not among those that Zoom documents)."""


@dataclass(frozen=True, slots=True)
class Advice:
    """One row of the decision table; ``docs/crm/README.md`` holds the same words."""

    situation: str
    way: str
    setting: str


COEXISTENCE = (
    Advice(
        "Agents work inside the CRM with Zoom's connector",
        "the connector logs the call the moment it ends; this pipeline adds what the connector does not have, "
        "or leaves it alone",
        '`coexistence.queues: {"Support": enrich}` with `lookup` and `enrich_fields`, or `skip`',
    ),
    Advice(
        "Agents work in Zoom Workplace or Smart Embed",
        "webhooks for speed with a nightly poll, and this export",
        "nothing: every engagement leaves",
    ),
    Advice(
        "Some queues here, some there",
        "both",
        "`coexistence.queues` names the connector's queues, all others leave",
    ),
    Advice(
        "Inbound messaging flows push data out themselves",
        "flow scripts, and this export for what they do not send",
        "nothing, where the script does not write into the CRM; else as with the connector",
    ),
)


class _UserFields(RecordFields):
    user_id: str
    client_integration: str | None = None
    user_access: str | None = None


def examine_exports(runtime: Runtime) -> Iterator[Finding]:
    """Each CRM of which something is set. Raises nothing: what fails is a finding."""
    clients = _agents_by_client(runtime)
    for access in runtime.config.exports.values():
        try:
            mapping = mapping_for(runtime, access.name)
            destination = make_destination(access, mapping, clock=runtime.clock)
            yield from run(_asked(access, mapping, destination))
        except ConfigurationError as error:
            yield _finding(access, "settings", Verdict.PROBLEM, str(error), f"see docs/crm/{access.name}.md")
            continue
        except (ZccPipelineError, TimeoutError) as error:
            text = str(error) or f"{TITLES[access.name]} did not answer within {PATIENCE_SECONDS} s"
            yield _finding(access, "access", Verdict.PROBLEM, text, "check the address, the network and a proxy")
            continue
        yield from _ledger(runtime, access)
        yield from _coexistence(access, mapping, clients)
    for name, agents in clients.items():
        if name and name not in runtime.config.exports:
            text = f"{_agents(agents)} in {TITLES[name]} with Zoom's client, and no export to it is set up"
            yield Finding("exports", Verdict.OK, text, f"Zoom's connector can log there; so can zcc export {name}")


async def _asked(access: CrmAccess, mapping: CrmMapping, destination: Destination) -> list[Finding]:
    async with asyncio.timeout(PATIENCE_SECONDS), destination:
        checks: Sequence[Check] = await destination.examine()
        findings = [_finding(access, check.topic, Verdict(check.verdict), check.text, check.remedy) for check in checks]
        if any(finding.verdict is Verdict.PROBLEM for finding in findings):
            return findings  # what cannot be entered or is not there cannot be compared with the mapping either
        problems: Sequence[MappingProblem] = await destination.validate()
    if not problems:
        return [*findings, _finding(access, "mapping", Verdict.OK, f"{mapping.file} fits what the CRM has")]
    said = (str(mapping.problem(each.where, each.problem)).partition(": ")[2] for each in problems)
    return [
        *findings,
        *(
            _finding(access, "mapping", Verdict.PROBLEM, text, each.remedy)
            for each, text in zip(problems, said, strict=True)
        ),
    ]


def _ledger(runtime: Runtime, access: CrmAccess) -> Iterator[Finding]:
    # not ``runtime.state``: a time zone that does not fit has been found before and is no reason to stop here
    try:
        with StateStore.open(runtime.config.state_url) as state:
            counts: Counter[str] = Counter()
            for row in state.exports.counts(access.name):
                counts[row.status] += row.records
    except ZccPipelineError:
        return
    taken = counts[Status.CREATED] + counts[Status.UPDATED] + counts[Status.UNCHANGED]
    refused, unsure = counts[Status.FAILED_PERMANENT], counts[IN_FLIGHT] + counts[Status.UNKNOWN]
    if not counts:
        yield _finding(
            access, "ledger", Verdict.OK, "nothing has left yet", f"begin with zcc export {access.name} --dry-run"
        )
        return
    text = f"{taken:,} engagements are there, {refused:,} refused, {unsure:,} without a known outcome"
    remedy = "`zcc quarantine list` shows the CRM's words" if refused else ""
    yield _finding(access, "ledger", Verdict.WARNING if refused else Verdict.OK, text, remedy)


def _coexistence(access: CrmAccess, mapping: CrmMapping, clients: Counter[str]) -> Iterator[Finding]:
    """The row of the decision table that this account is in, by where its agents' clients are embedded."""
    embedded, everybody = clients[access.name], clients.total()
    shared = mapping.section.coexistence.queues
    if embedded and not shared:
        text = (
            f"{_agents(embedded)} inside {TITLES[access.name]} with Zoom's client: where its connector logs calls, "
            "they are logged twice"
        )
        remedy = f"name their queues under {access.name}.coexistence.queues (skip or enrich), or switch its logging off"
        yield _finding(access, "coexistence", Verdict.WARNING, text, remedy)
    elif shared:
        names = ", ".join(f"{queue} ({rule})" for queue, rule in shared.items())
        text = f"left to the connector: {names}; {_agents(embedded)} inside {TITLES[access.name]}"
        remedy = (
            "" if mapping.section.coexistence.lookup else "without lookup, what the connector misses is not written"
        )
        yield _finding(access, "coexistence", Verdict.OK, text, remedy)
    else:
        text = "no agent's client is embedded in it: every engagement leaves by this export"
        if not everybody:
            text = "no queue is left to Zoom's connector: every engagement leaves by this export"
        yield _finding(access, "coexistence", Verdict.OK, text)


def _agents_by_client(runtime: Runtime) -> Counter[str]:
    """How many active users have their client embedded in which CRM, as the newest list of users says."""
    try:
        return Counter(_clients(runtime.lake).values())
    except (ZccPipelineError, OSError):  # said by the findings about lake and time zone
        return Counter()


def _clients(lake: Lake) -> dict[str, str]:
    """By user: the CRM, or nothing for a client that stands alone."""
    found: dict[str, str] = {}
    for day in lake.days(USERS):
        for landed in iter_landed(lake, USERS, _UserFields, day):
            user = landed.fields
            if user.user_access != "inactive":
                found[user.user_id] = _CLIENTS.get(user.client_integration or "", "")
    return found


def _agents(count: int) -> str:
    return "1 agent works" if count == 1 else f"{count:,} agents work"


def _finding(access: CrmAccess, topic: str, verdict: Verdict, text: str, remedy: str = "") -> Finding:
    about = topic.removeprefix(access.name).lstrip(" :")  # some CRMs name themselves in their topics
    return Finding(f"{access.name} {about}".strip(), verdict, text, remedy)
