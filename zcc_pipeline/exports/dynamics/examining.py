"""Credentials, rights, tables, keys and limits, for ``zcc doctor``. Writes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from zcc_pipeline.domain.errors import PermanentError
from zcc_pipeline.exports.calls import CrmRefused
from zcc_pipeline.exports.destination import Check
from zcc_pipeline.exports.dynamics.checking import SETUP
from zcc_pipeline.exports.dynamics.client import DynamicsClient
from zcc_pipeline.exports.dynamics.metadata import ACTIVE, Definitions, Table
from zcc_pipeline.exports.dynamics.rows import Plan
from zcc_pipeline.exports.mapping import Section

_NOT_A_USER = "0x80072560"
_FEW_REQUESTS = 600
_MEBIBYTE = 1024 * 1024


async def examine(
    client: DynamicsClient, plans: Mapping[str, Plan], known: Definitions, section: Section
) -> AsyncIterator[Check]:
    """One line after another; without a sign-in there is no second one."""
    signed_in = await _sign_in(client)
    yield signed_in
    if signed_in.verdict == "problem":
        return
    for plan in plans.values():
        table = await known.load(plan.logical)
        yield _table(plan, table)
        if table is not None:
            yield await _rights(client, table.entity_set, table.primary_id)
            if plan.options.identify_by == "key":
                yield _key(plan, table)
    for entity_set, column in (("contacts", "contactid"), ("systemusers", "systemuserid")):
        yield await _rights(client, entity_set, column)
    yield await _files(client, section)
    yield _limits(client)


async def _sign_in(client: DynamicsClient) -> Check:
    try:
        await client.get("WhoAmI", "who am I")
    except CrmRefused as refused:
        remedy = "check its security role"
        if refused.code == _NOT_A_USER:
            remedy = "make the app registration an application user of this environment (Power Platform admin center)"
        return Check("credentials", "problem", f"Dataverse refuses the app ({refused.code})", remedy)
    except PermanentError as error:
        return Check("credentials", "problem", str(error))
    return Check("credentials", "ok", "signed in as an application user")


def _table(plan: Plan, table: Table | None) -> Check:
    topic = f"table {plan.logical}"
    if table is None:
        return Check(topic, "problem", "is not there", SETUP)
    return Check(topic, "ok", f"is there, as {table.entity_set}")


def _key(plan: Plan, table: Table) -> Check:
    topic = f"key {plan.key_field}"
    status = table.keys.get((plan.key_field,))
    if status == ACTIVE:
        return Check(topic, "ok", "is a unique alternate key, Active")
    if status is None:
        return Check(topic, "problem", "is no alternate key", SETUP)
    return Check(topic, "problem", f"the index of the alternate key is {status}", "wait until it is built")


async def _rights(client: DynamicsClient, entity_set: str, column: str) -> Check:
    topic = f"rights {entity_set}"
    try:
        await client.get(f"{entity_set}?$select={column}&$top=1", f"read {entity_set}")
    except PermanentError as error:
        return Check(topic, "problem", f"cannot be read ({error})", "give the application user's role that privilege")
    return Check(topic, "ok", "can be read")


async def _files(client: DynamicsClient, section: Section) -> Check:
    topic = "file size"
    try:
        rows = await client.rows("organizations?$select=maxuploadfilesize", "read organisation")
        largest = int(rows[0]["maxuploadfilesize"])
    except (PermanentError, LookupError, TypeError, ValueError):
        return Check(topic, "warning", "the largest file cannot be read", "5 MB unless an administrator raised it")
    attaches = "attach" in (section.recordings, section.voicemails)
    text = f"files of up to {largest / _MEBIBYTE:.0f} MiB"
    if attaches and section.attach_up_to_mb * 1e6 > largest:
        remedy = f"attach_up_to_mb: {largest / 1e6:.0f}, or raise it in System Settings, Email (at most 128 MB)"
        return Check(topic, "warning", f"{text}, and the mapping attaches up to {section.attach_up_to_mb:g} MB", remedy)
    return Check(topic, "ok", text)


def _limits(client: DynamicsClient) -> Check:
    left = client.requests_left
    if left is None:
        return Check("limits", "ok", "Dataverse did not say how many requests are left")
    verdict = "warning" if left < _FEW_REQUESTS else "ok"
    return Check("limits", verdict, f"{left} requests left of the five minutes' window")
