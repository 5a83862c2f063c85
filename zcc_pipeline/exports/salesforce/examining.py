"""What ``zcc doctor``, the check before the first write, and ``--setup`` have to say about an org. Nothing is written.

Salesforce lets nobody create objects and fields through the API that records go through: an administrator deploys
``deploy/salesforce`` (or clicks), and this says what is still missing.
"""

from __future__ import annotations

from collections.abc import Mapping

from zcc_pipeline.domain.errors import ConfigurationError, PermanentError, QuotaExhausted, TransientError
from zcc_pipeline.exports.destination import Check, MappingProblem, SetupStep
from zcc_pipeline.exports.mapping import CrmMapping
from zcc_pipeline.exports.salesforce import metadata
from zcc_pipeline.exports.salesforce.client import SalesforceClient
from zcc_pipeline.exports.salesforce.options import SalesforceOptions

_HIGH_USE = 0.8
_PEOPLE_FIELDS = ("Email", "Phone", "MobilePhone")


async def find_problems(
    client: SalesforceClient, mapping: CrmMapping, options: Mapping[str, SalesforceOptions]
) -> list[MappingProblem]:
    """The mapping against ``describe`` of each object that it touches."""
    section = mapping.section
    found = list(metadata.check_names(section))
    if found:
        return found
    for name, target in section.targets.items():
        info = await client.describe(target.object)
        found += metadata.check_target(name, target, options[name], section, info)
        task = options[name].task
        if task is not None:
            where = ("targets", name, "options", "task")
            found += metadata.check_task(where, task, target, await client.describe("Task"))
    lookup = section.coexistence.lookup
    if lookup is not None:
        found += metadata.check_coexistence(section, await client.describe(lookup.object))
    return found + await _check_people(client, mapping, options)


async def examine(
    client: SalesforceClient, mapping: CrmMapping, options: Mapping[str, SalesforceOptions]
) -> list[Check]:
    """Credentials, objects and permissions, the key, files, calls left."""
    try:
        problems = await find_problems(client, mapping, options)
    except (ConfigurationError, QuotaExhausted, TransientError, PermanentError) as error:
        return [Check("salesforce", "problem", str(error), "see docs/crm/salesforce.md, 'The app'")]
    checks = [Check("salesforce", "ok", f"signed in, REST API v{client.config.api_version}")]
    checks += [
        Check("salesforce mapping", "problem", f"{'.'.join(map(str, each.where))}: {each.problem}", each.remedy)
        for each in problems
    ]
    if not problems:
        checks.append(
            Check("salesforce mapping", "ok", "objects, fields, lengths, permissions and the unique key agree")
        )
    checks += await _check_files(client, mapping)
    return [*checks, _check_quota(client)]


async def describe_set_up(
    client: SalesforceClient, mapping: CrmMapping, options: Mapping[str, SalesforceOptions]
) -> list[SetupStep]:
    """What an administrator has done, and what is left to do."""
    problems = await find_problems(client, mapping, options)
    steps = [SetupStep("External Client App", is_done=True, text="We are signed in through it.")]
    for name, target in mapping.section.targets.items():
        wrong = [each for each in problems if each.where[:2] == ("targets", name)]
        text = f"{target.object} has the fields of the mapping, and {target.key} is its unique external id."
        if wrong:
            lines = "\n".join(f"  - {each.problem}" + (f" ({each.remedy})" if each.remedy else "") for each in wrong)
            text = (
                f"{target.object} does not fit the mapping yet:\n{lines}\n"
                "  An administrator runs, in deploy/salesforce: sf project deploy start --source-dir force-app; then\n"
                "  sf org assign permset --name Zoom_Contact_Center_Export --on-behalf-of <integration user>."
            )
        steps.append(SetupStep(target.object, is_done=not wrong, text=text))
    others = [each for each in problems if each.where[:1] != ("targets",)]
    steps += [
        SetupStep(".".join(map(str, each.where)), is_done=False, text=f"{each.problem}. {each.remedy}".rstrip())
        for each in others
    ]
    return steps


async def _check_people(
    client: SalesforceClient, mapping: CrmMapping, options: Mapping[str, SalesforceOptions]
) -> list[MappingProblem]:
    rule = mapping.section.customer
    sources = ["Contact"]
    if any(each.lead_field is not None for each in options.values()):
        sources.append("Lead")
    found = []
    for source in sources if rule.match else ():
        info = await client.describe(source)
        hidden = [] if info is None else [name for name in _PEOPLE_FIELDS if name not in info.fields]
        if info is None or hidden:
            what = f"{', '.join(hidden)} of {source}" if hidden else source
            remedy = "give the integration user read access" + (
                ", or set lead_field: null" if source == "Lead" else ", or set match: []"
            )
            found.append(MappingProblem(("customer",), f"{what} cannot be seen by the integration user", remedy))
        elif source == "Contact" and rule.on_none == "create" and not info.createable:
            text = "the integration user may not create contacts"
            found.append(MappingProblem(("customer", "on_none"), text, "allow it, or set on_none: leave_unlinked"))
    return found


async def _check_files(client: SalesforceClient, mapping: CrmMapping) -> list[Check]:
    section = mapping.section
    wanted = {section.recordings, section.voicemails, section.transcripts} & {"attach", "both", "field_then_attach"}
    if not wanted:
        return []
    info = await client.describe("ContentVersion")
    if info is None or not info.createable:
        text = "the integration user may not create files (ContentVersion), and the mapping attaches some"
        return [Check("salesforce files", "problem", text, "allow it, or set recordings, voicemails and transcripts")]
    return [Check("salesforce files", "ok", "files may be attached")]


def _check_quota(client: SalesforceClient) -> Check:
    usage = client.usage()
    if usage.quota_used is None or not usage.quota_total:
        return Check("salesforce calls", "warning", "the org does not say how many calls are left today")
    text = (
        f"{usage.quota_used:,} of {usage.quota_total:,} calls of the last 24 hours are used, by all programs together"
    )
    if usage.quota_used >= usage.quota_total * _HIGH_USE:
        return Check("salesforce calls", "warning", text, "an export that meets the limit goes on in the next run")
    return Check("salesforce calls", "ok", text)
