"""What ``zcc doctor`` looks at: the key and its scopes, the unique properties, the day's limit, the version's end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date, datetime

from zcc_pipeline.domain.errors import ConfigurationError, ZccPipelineError
from zcc_pipeline.exports.destination import Check
from zcc_pipeline.exports.hubspot.client import HubSpotClient
from zcc_pipeline.exports.hubspot.metadata import Property

_RULES_FROM = "2026-09"
_SUPPORTED_DAYS = 548
"""A dated version is supported for eighteen months (changelog, 2026); not promised to the day."""
_LITTLE_LEFT = 0.1

Load = Callable[[], Awaitable[dict[str, dict[str, Property] | None]]]


async def examine(client: HubSpotClient, keys: dict[str, str], load: Load, now: datetime) -> AsyncIterator[Check]:
    """One line after the other; ``keys`` are the unique properties by object type."""
    try:
        account = await client.account()
    except ZccPipelineError as error:
        yield Check("hubspot: key", "problem", first_line(error), "check ZCC_HUBSPOT_ACCESS_TOKEN and ZCC_HUBSPOT_URL")
        return
    yield Check("hubspot: key", "ok", f"accepted by account {account.get('portalId')}")
    yield _version(client.config.api_version, now)
    for topic, probe in _probes(client):
        yield await _probed(topic, probe)
    try:
        metadata = await load()
    except ConfigurationError as error:
        yield Check("hubspot: properties", "problem", first_line(error), "give the key crm.schemas.contacts.read")
        return
    for object_type, key in keys.items():
        yield _key(object_type, key, metadata.get(object_type))
    yield await _quota(client)


def _probes(client: HubSpotClient) -> list[tuple[str, Callable[[], Awaitable[object]]]]:
    async def owners() -> None:
        async for _ in client.owners():
            return

    return [
        ("contacts", lambda: client.read("contacts", ["0"], id_property=None, properties=["email"])),
        ("owners", owners),
        ("files", lambda: client.files_named("zcc-doctor")),
    ]


async def _probed(topic: str, probe: Callable[[], Awaitable[object]]) -> Check:
    try:
        await probe()
    except ZccPipelineError as error:
        return Check(f"hubspot: {topic}", "problem", first_line(error), "add the scope to the service key")
    return Check(f"hubspot: {topic}", "ok", "may be read")


def first_line(error: Exception) -> str:
    """What happened, without the explanation of the setting below it."""
    return str(error).partition("\n")[0]


def _version(version: str, now: datetime) -> Check:
    year, month = int(version[:4]), int(version[5:7])
    age = (now.date() - date(year, min(max(month, 1), 12), 1)).days
    if age > _SUPPORTED_DAYS:
        return Check("hubspot: version", "warning", f"{version} is {age} days old", "set ZCC_HUBSPOT_API_VERSION")
    rules = "the account's validation rules apply" if version >= _RULES_FROM else "validation rules do not apply yet"
    return Check("hubspot: version", "ok", f"{version}; {rules}")


def _key(object_type: str, key: str, known: dict[str, Property] | None) -> Check:
    topic = f"hubspot: {object_type}"
    found = (known or {}).get(key)
    if found is None:
        return Check(topic, "problem", f"there is no property {key}", "run zcc export hubspot --setup")
    if not found.is_unique:
        return Check(topic, "problem", f"{key} does not hold unique values", "run zcc export hubspot --setup")
    return Check(topic, "ok", f"{key} is there and unique")


async def _quota(client: HubSpotClient) -> Check:
    try:
        usage = await client.daily_usage()
    except ZccPipelineError:
        usage = None
    if usage is None:
        limit, left = client.quota.limit, client.quota.left
    else:
        limit, left = usage[1], usage[1] - usage[0]
    if limit is None or left is None:
        return Check("hubspot: calls a day", "warning", "HubSpot does not tell what is left")
    verdict = "warning" if left < limit * _LITTLE_LEFT else "ok"
    return Check("hubspot: calls a day", verdict, f"{left:,} of {limit:,} left")
