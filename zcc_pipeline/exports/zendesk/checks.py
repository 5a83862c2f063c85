"""What ``zcc doctor`` says of a Zendesk account."""

from __future__ import annotations

from collections.abc import Mapping

from zcc_pipeline.exports.destination import Check
from zcc_pipeline.exports.mapping import Section
from zcc_pipeline.exports.zendesk.api import ZendeskApi
from zcc_pipeline.exports.zendesk.config import API_TOKEN_WARNING, CLIENT_SETTING, ZendeskConfig
from zcc_pipeline.exports.zendesk.options import TICKET
from zcc_pipeline.exports.zendesk.schema import used_targets

_JOBS_AT_ONCE = 30
_MANY_JOBS = 20


async def examine(api: ZendeskApi, config: ZendeskConfig, section: Section, limits: Mapping[str, str]) -> list[Check]:
    """Reads only. ``limits`` holds the headers of the last answer."""
    me = await api.me()
    checks = [_credentials(config), _role(str(me.get("role") or ""))]
    for target in used_targets(section).values():
        if target.object == TICKET:
            text = "external_id of tickets is not unique: every new ticket is looked for before it is made"
            checks.append(Check("zendesk key", "ok", text))
        elif await api.custom_object(target.object) is None:
            text = f"there is no custom object {target.object}"
            checks.append(Check("zendesk key", "problem", text, "zcc export zendesk --setup makes it"))
        else:
            checks.append(Check("zendesk key", "ok", f"external_id of {target.object} is unique"))
    checks.append(await _jobs(api))
    if "x-rate-limit" in limits:
        left = limits.get("x-rate-limit-remaining", "?")
        checks.append(
            Check("zendesk limits", "ok", f"{limits['x-rate-limit']} requests a minute, {left} left of this one")
        )
    return checks


def _credentials(config: ZendeskConfig) -> Check:
    if config.uses_api_token:
        remedy = f"make an OAuth client; set ZCC_ZENDESK_CLIENT_ID and {CLIENT_SETTING}"
        return Check("zendesk credentials", "warning", API_TOKEN_WARNING, remedy)
    return Check("zendesk credentials", "ok", "OAuth client credentials are accepted")


def _role(role: str) -> Check:
    if role == "admin":
        return Check("zendesk role", "ok", "the OAuth client acts for an administrator")
    text = f"the credentials belong to a user of role {role or 'unknown'}; only administrators may import tickets"
    return Check(
        "zendesk role", "problem", text, "make the OAuth client as an administrator, or give the user the role"
    )


async def _jobs(api: ZendeskApi) -> Check:
    opened = sum(job.get("status") in ("queued", "working") for job in await api.newest_jobs())
    text = f"{opened} of {_JOBS_AT_ONCE} background jobs are waiting or at work"
    return Check("zendesk jobs", "warning" if opened > _MANY_JOBS else "ok", text)
