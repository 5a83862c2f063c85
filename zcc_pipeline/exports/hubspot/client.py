"""HubSpot's API, call by call: dated paths, errors by consequence, nothing about engagements.

Sources: the API reference at https://developers.hubspot.com/docs/api-reference/latest/overview, its page on error
handling, the usage guidelines, and the types of the ``hubspot-sdk`` package; all November 2026.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import ConfigurationError, NotFound
from zcc_pipeline.domain.parts import in_parts
from zcc_pipeline.exports.hubspot.config import KEY_SETTING, URL_SETTING, HubSpotConfig
from zcc_pipeline.exports.session import (
    Call,
    CrmRefused,
    CrmSession,
    DailyLimit,
    NotThere,
    OverSession,
    Pace,
    Refused,
    Retry,
    Safety,
    SessionConfig,
    TokenExpired,
    Trouble,
)
from zcc_pipeline.exports.tokens import StaticToken
from zcc_pipeline.transport import json_or_none, parse_retry_after

MOST_INPUTS = 100
_PAGE = 100
_SEARCH_SECONDS = 1.05
"""A second, and a little more: calls do not take equally long to arrive."""
_MOST_OWNERS = 50_000
_LATER = frozenset({408, 423, 425, 477, 500, 502, 503, 504})
"""423: another change is in progress; 477: the account is being moved to another data centre. Neither was done."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Quota:
    """What HubSpot's headers say of the day; None until an answer has told."""

    limit: int | None = None
    left: int | None = None


class HubSpotClient(OverSession):
    """One account. An async context manager."""

    def __init__(
        self, config: HubSpotConfig, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.config = config
        self.quota = Quota()
        session = SessionConfig(
            name="hubspot",
            base_url=config.url,
            url_setting=URL_SETTING,
            concurrency=config.concurrency,
            retry=config.retry,
            budget_seconds=config.budget_seconds,
            paces={
                "all": Pace(config.calls_per_ten_seconds, 10.0),
                "search": Pace(config.searches_per_second, _SEARCH_SECONDS),
            },
        )
        self.session = CrmSession(
            session,
            tokens=StaticToken(config.access_token, setting=KEY_SETTING),
            classify=classify,
            clock=clock,
            observe=self._observe,
            transport=transport,
        )

    def path(self, area: str, *rest: str) -> str:
        """``/<area>/<version>/<rest>``. Every part is ours or an id that HubSpot gave: none needs escaping."""
        return "/".join(["", area, self.config.api_version, *rest])

    # Objects

    async def upsert(self, object_type: str, inputs: Sequence[Json]) -> Json:
        """At most a hundred, by a unique property. 200, or 207 where some were refused."""
        path = self.path("crm/objects", object_type, "batch/upsert")
        return await self._post(path, {"inputs": inputs}, f"upsert {object_type}", Safety.REPEATABLE)

    async def update(self, object_type: str, inputs: Sequence[Json]) -> Json:
        """At most a hundred, by record id; nothing is made."""
        path = self.path("crm/objects", object_type, "batch/update")
        return await self._post(path, {"inputs": inputs}, f"update {object_type}", Safety.REPEATABLE)

    async def read(
        self, object_type: str, ids: Sequence[str], *, id_property: str | None, properties: Sequence[str]
    ) -> list[Json]:
        """Those that are there. Reads the records themselves, not the search index, which lags behind."""
        path = self.path("crm/objects", object_type, "batch/read")
        found: list[Json] = []
        for part in in_parts(ids, MOST_INPUTS):
            body: Json = {
                "inputs": [{"id": each} for each in part],
                "properties": list(properties),
                "propertiesWithHistory": [],
            }
            if id_property is not None:
                body["idProperty"] = id_property
            found += _results(await self._post(path, body, f"read {object_type}", Safety.READ))
        return found

    async def search(self, object_type: str, body: Json) -> Json:
        """One page; has a rate limit of its own."""
        path = self.path("crm/objects", object_type, "search")
        return await self._post(path, body, f"search {object_type}", Safety.READ, lane="search")

    async def create(self, object_type: str, properties: Mapping[str, str]) -> Json:
        """One, without a key: never sent twice."""
        body = {"properties": properties, "associations": []}
        return await self._post(self.path("crm/objects", object_type), body, f"create {object_type}", Safety.ONCE)

    async def associate(self, object_type: str, pairs: Sequence[tuple[str, str]]) -> Json:
        """Link records to contacts by the default kind; a link that is there stays as it is."""
        path = self.path("crm/associations", object_type, "contacts/batch/associate/default")
        inputs = [{"from": {"id": record}, "to": {"id": contact}} for record, contact in pairs]
        return await self._post(path, {"inputs": inputs}, f"associate {object_type}", Safety.REPEATABLE)

    # Properties

    async def properties(self, object_type: str) -> list[Json] | None:
        """Definitions; None where HubSpot knows no such object type."""
        try:
            return _results(await self._get(self.path("crm/properties", object_type), "list properties"))
        except NotFound:
            return None
        except CrmRefused as refused:
            if refused.status == 400:
                return None
            raise

    async def groups(self, object_type: str) -> frozenset[str]:
        """Names of the property groups."""
        found = _results(await self._get(self.path("crm/properties", object_type, "groups"), "list property groups"))
        return frozenset(str(each.get("name")) for each in found)

    async def add_group(self, object_type: str, name: str, label: str) -> None:
        """Make a property group; one that is there (409) is as good."""
        path = self.path("crm/properties", object_type, "groups")
        body = {"name": name, "label": label}
        await self._post(path, body, "create a property group", Safety.REPEATABLE, expect=frozenset({409}))

    async def add_property(self, object_type: str, definition: Json) -> None:
        """Make a property; one that is there (409) is as good."""
        path = self.path("crm/properties", object_type)
        await self._post(path, definition, "create a property", Safety.REPEATABLE, expect=frozenset({409}))

    # Owners, account

    async def owners(self) -> AsyncIterator[Json]:
        """All users who may own records and are still there."""
        after: str | None = None
        for _ in range(0, _MOST_OWNERS, _PAGE):
            params: dict[str, str | int] = {"limit": _PAGE, "archived": "false"}
            if after is not None:
                params["after"] = after
            page = await self._get(self.path("crm/owners"), "list owners", params=params)
            for owner in _results(page):
                yield owner
            after = next_page(page)
            if after is None:
                return

    async def account(self) -> Json:
        """Whose account it is."""
        return await self._get(self.path("account-info", "details"), "read the account")

    async def daily_usage(self) -> tuple[int, int] | None:
        """Calls made today and allowed a day, of all apps and keys of that kind."""
        path = self.path("account-info", "api-usage/daily/private-apps")
        for each in _results(await self._get(path, "read the API usage")):
            used, limit = each.get("currentUsage"), each.get("usageLimit")
            if isinstance(used, int) and isinstance(limit, int):
                return used, limit
        return None

    # Files

    async def upload(
        self, content: Callable[[], AsyncIterator[bytes]], headers: Mapping[str, str], *, timeout_seconds: float
    ) -> Json:
        """One file; a second upload makes a second file."""
        call = Call(
            "POST",
            self.path("files", "files"),
            "upload a file",
            Safety.ONCE,
            content=content,
            headers=headers,
            timeout_seconds=timeout_seconds,
        )
        return await self._send(call)

    async def files_named(self, name: str) -> list[Json]:
        """Files of that name, in whatever folder; whether it has to be given with its extension is not documented."""
        params: dict[str, str | int] = {"name": name, "limit": _PAGE}
        return _results(await self._get(self.path("files", "files/search"), "look for a file", params=params))

    # How calls are sent

    async def _get(self, path: str, describe: str, *, params: Mapping[str, str | int] | None = None) -> Json:
        return await self._send(Call("GET", path, describe, Safety.READ, params=params))

    async def _post(
        self,
        path: str,
        body: Any,  # noqa: ANN401 JSON
        describe: str,
        safety: Safety,
        *,
        lane: str | None = None,
        expect: frozenset[int] = frozenset(),
    ) -> Json:
        return await self._send(Call("POST", path, describe, safety, json=body, lane=lane, expect=expect))

    async def _send(self, call: Call) -> Json:
        try:
            found = await self.session.fetch_json(call)
        except CrmRefused as refused:
            if refused.status == 403:
                raise ConfigurationError(
                    KEY_SETTING,
                    f"this key may not {call.describe}{_scopes_of(refused.details)}",
                    purpose="the service key that writes into HubSpot",
                ) from None
            raise
        return found if isinstance(found, dict) else {}

    def _observe(self, response: httpx.Response) -> None:
        limit = _count(response.headers.get("x-hubspot-ratelimit-daily"))
        left = _count(response.headers.get("x-hubspot-ratelimit-daily-remaining"))
        if limit is not None or left is not None:
            self.quota = Quota(limit, left)


def classify(response: httpx.Response, now: datetime) -> Trouble:
    """What a refusal means. Every field of HubSpot's error body is optional (error handling page)."""
    status, body = response.status_code, _body(response)
    after = parse_retry_after(response.headers.get("retry-after"), now=now)
    if status == 401:
        return TokenExpired()
    if status == 429:
        return _too_many(str(body.get("policyName") or body.get("message") or ""), after)
    if status in _LATER:
        return Retry(after)
    if status == 404:
        return NotThere(_code_of(body))
    return Refused(_code_of(body), str(body.get("message") or ""), body)


def _too_many(policy: str, after: float | None) -> Trouble:
    """``DAILY``, ``TEN_SECONDLY_ROLLING``, or the search's own ``SECONDLY``."""
    policy = policy.upper()
    if "DAILY" in policy:
        return DailyLimit(after)
    if "TEN_SECONDLY" in policy:
        return Retry(after, pause_all=True)
    return Retry(1.0 if after is None else after)


def _code_of(body: Json) -> str:
    """The finest code there is: of the first error in detail, else the category."""
    for error in body.get("errors") or ():
        code = error.get("code") if isinstance(error, dict) else None
        if isinstance(code, str) and code:
            return code
    return str(body.get("category") or "")


def _body(response: httpx.Response) -> Json:
    found = json_or_none(response.content)
    return found if isinstance(found, dict) else {}


def _scopes_of(body: Any) -> str:  # noqa: ANN401 JSON
    """Names of the scopes that are missing; they are HubSpot's own words and safe to print."""
    found: list[str] = []
    for error in (body.get("errors") or ()) if isinstance(body, dict) else ():
        context = error.get("context") if isinstance(error, dict) else None
        for names in (context or {}).values() if isinstance(context, dict) else ():
            found += [
                name for name in names if isinstance(name, str) and name.replace(".", "").replace("-", "").isalnum()
            ]
    return f" (missing: {', '.join(found)})" if found else ""


def _results(body: Json) -> list[Json]:
    results = body.get("results")
    return [each for each in results if isinstance(each, dict)] if isinstance(results, list) else []


def next_page(body: Json) -> str | None:
    """Where the next page begins; None after the last."""
    paging = body.get("paging")
    following = paging.get("next") if isinstance(paging, dict) else None
    after = following.get("after") if isinstance(following, dict) else None
    return str(after) if after else None


def _count(header: str | None) -> int | None:
    return int(header) if header and header.isascii() and header.isdigit() else None
