"""The calls to Zendesk, one function each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from zcc_pipeline.domain.errors import NotFound
from zcc_pipeline.domain.parts import in_parts
from zcc_pipeline.exports.destination import Attachment
from zcc_pipeline.exports.session import Call, CrmSession, OutcomeUnknown, Safety
from zcc_pipeline.exports.zendesk.queries import IDS_PER_LOOKUP
from zcc_pipeline.transport import MalformedAnswer

IMPORT_PATH = "/api/v2/imports/tickets/create_many"
UPDATE_PATH = "/api/v2/tickets/update_many"
VOICE_PATH = "/api/v2/channels/voice/tickets"
TICKETS_PATH = "/api/v2/tickets"

_PAGE = 100
_MOST_PAGES = 10
"""Search shows no more than a thousand results."""

_UPLOAD_SECONDS = 900.0

Json = dict[str, Any]


class ZendeskApi:
    """Thin: what is asked for, and which part of the answer matters."""

    def __init__(self, session: CrmSession) -> None:
        self.session = session

    async def me(self) -> Json:
        """The user to whom the credentials belong."""
        return _part(await self._read("/api/v2/users/me", "read own user"), "user")

    async def tickets_with(self, external_ids: Sequence[str]) -> list[Json]:
        """Tickets that carry this external id; of several, separated by commas, where the account takes that."""
        params: dict[str, str | int] = {"external_id": ",".join(external_ids), "page[size]": _PAGE}
        return await self._pages(TICKETS_PATH, "tickets", "look up tickets", params)

    async def tickets(self, ids: Sequence[str]) -> list[Json]:
        """Tickets by id; those that are gone are left out."""
        found: list[Json] = []
        for chunk in in_parts(ids, IDS_PER_LOOKUP):
            answer = await self._read(f"{TICKETS_PATH}/show_many", "read tickets", {"ids": ",".join(chunk)})
            found += _items(answer, "tickets")
        return found

    async def comments(self, ticket_id: str) -> list[Json]:
        """All comments of a ticket, oldest first."""
        path = f"{TICKETS_PATH}/{quote(ticket_id, safe='')}/comments"
        return await self._pages(path, "comments", "read comments", {"page[size]": _PAGE}, most=None)

    async def import_tickets(self, rows: Sequence[Json]) -> Json:
        """Start a job; its status."""
        params = {"archive_immediately": "false"}
        return await self._job("POST", IMPORT_PATH, {"tickets": rows}, "import tickets", params=params)

    async def update_tickets(self, rows: Sequence[Json], *, appends: bool) -> Json:
        """Start a job; its status. With a comment in it, it may not be sent twice."""
        safety = Safety.ONCE if appends else Safety.REPEATABLE
        return await self._job("PUT", UPDATE_PATH, {"tickets": rows}, "update tickets", safety=safety)

    async def upsert_records(self, object_key: str, items: Sequence[Json]) -> Json:
        """Start a job; its status."""
        body = {"job": {"action": "create_or_update_by_external_id", "items": items}}
        path = f"/api/v2/custom_objects/{quote(object_key, safe='')}/jobs"
        return await self._job("POST", path, body, "write records", safety=Safety.REPEATABLE)

    async def records_with(self, object_key: str, external_ids: Sequence[str]) -> list[Json]:
        """Records of a custom object by external id."""
        params: dict[str, str | int] = {"filter[external_ids]": ",".join(external_ids), "page[size]": _PAGE}
        path = f"/api/v2/custom_objects/{quote(object_key, safe='')}/records"
        return await self._pages(path, "custom_object_records", "look up records", params)

    async def create_ticket(self, row: Json, *, key: str) -> Json:
        """One ticket, as if it happened now; the same key makes no second one within a few hours."""
        call = Call(
            "POST",
            TICKETS_PATH,
            "create ticket",
            Safety.REPEATABLE,
            json={"ticket": row},
            headers={"Idempotency-Key": key[:255]},
        )
        return await self._made(call, "ticket")

    async def create_voice_ticket(self, row: Json) -> Json:
        """One ticket with a voice comment."""
        call = Call("POST", VOICE_PATH, "create voice ticket", Safety.ONCE, json={"ticket": row})
        return await self._made(call, "ticket")

    async def jobs(self, ids: Sequence[str]) -> list[Json]:
        """Status of these jobs; those that Zendesk has forgotten are left out."""
        found: list[Json] = []
        for chunk in in_parts(ids, IDS_PER_LOOKUP):
            path = "/api/v2/job_statuses/show_many"
            answer = await self._read(path, "read jobs", {"ids": ",".join(chunk)})
            found += _items(answer, "job_statuses")
        return found

    async def newest_jobs(self) -> list[Json]:
        """The account's last jobs, whoever started them."""
        return _items(await self._read("/api/v2/job_statuses", "list jobs"), "job_statuses")

    async def upload(self, attachment: Attachment) -> str:
        """Send a file; the token is good for 60 minutes. A second time leaves a file that nobody sees."""
        call = Call(
            "POST",
            "/api/v2/uploads",
            "upload file",
            Safety.REPEATABLE,
            params={"filename": attachment.file_name},
            content=attachment.open,
            headers={"Content-Type": attachment.media_type, "Content-Length": str(attachment.size_bytes)},
            timeout_seconds=_UPLOAD_SECONDS,
        )
        return str((await self._made(call, "upload", key="token"))["token"])

    async def search(self, query: str) -> list[Json]:
        """Search results, all pages."""
        found: list[Json] = []
        path: str | None = "/api/v2/search"
        params: Mapping[str, str | int] | None = {"query": query, "per_page": _PAGE}
        for _ in range(_MOST_PAGES):
            answer = await self._read(path or "", "search", params)
            found += _items(answer, "results")
            path, params = answer.get("next_page"), None
            if not path:
                break
        return found

    async def identities(self, user_id: object) -> list[Json]:
        """A user's addresses and numbers."""
        answer = await self._read(f"/api/v2/users/{quote(str(user_id), safe='')}/identities", "read identities")
        return _items(answer, "identities")

    async def create_or_update_user(self, user: Json) -> Json:
        """Matched by e-mail or external id."""
        path = "/api/v2/users/create_or_update"
        call = Call("POST", path, "create customer", Safety.REPEATABLE, json={"user": user})
        return await self._made(call, "user")

    async def ticket_fields(self) -> list[Json]:
        """All ticket fields."""
        return await self._pages("/api/v2/ticket_fields", "ticket_fields", "read ticket fields", {"page[size]": _PAGE})

    async def custom_object(self, key: str) -> Json | None:
        """A custom object; None without."""
        try:
            answer = await self._read(f"/api/v2/custom_objects/{quote(key, safe='')}", "read custom object")
        except NotFound:
            return None
        return _part(answer, "custom_object")

    async def custom_object_fields(self, key: str) -> list[Json]:
        """A custom object's fields, without the standard ones."""
        answer = await self._read(
            f"/api/v2/custom_objects/{quote(key, safe='')}/fields", "read fields of custom object"
        )
        return _items(answer, "custom_object_fields")

    async def create_custom_object(self, body: Json) -> None:
        """Administrators only."""
        call = Call("POST", "/api/v2/custom_objects", "create custom object", Safety.ONCE, json={"custom_object": body})
        await self.session.send(call)

    async def create_custom_object_field(self, key: str, body: Json) -> None:
        """Administrators only."""
        path = f"/api/v2/custom_objects/{quote(key, safe='')}/fields"
        call = Call("POST", path, "create field", Safety.ONCE, json={"custom_object_field": body})
        await self.session.send(call)

    async def _job(
        self,
        method: str,
        path: str,
        body: Json,
        describe: str,
        *,
        safety: Safety = Safety.ONCE,
        params: Mapping[str, str | int] | None = None,
    ) -> Json:
        return await self._made(Call(method, path, describe, safety, params=params, json=body), "job_status")

    async def _made(self, call: Call, name: str, *, key: str = "id") -> Json:
        """What a write has made; where a success does not say, nobody knows whether it was one."""
        made = _part(await self.session.fetch_json(call), name)
        if not made.get(key):
            raise OutcomeUnknown(f"{call.describe}: a success without {name}.{key}")
        return made

    async def _read(self, path: str, describe: str, params: Mapping[str, str | int] | None = None) -> Json:
        answer = await self.session.fetch_json(Call("GET", path, describe, Safety.READ, params=params))
        return answer if isinstance(answer, dict) else {}

    async def _pages(
        self, path: str, items: str, describe: str, params: Mapping[str, str | int], *, most: int | None = _MOST_PAGES
    ) -> list[Json]:
        """All pages by cursor."""
        found: list[Json] = []
        asked, pages = dict(params), 0
        while True:
            answer = await self._read(path, describe, asked)
            found += _items(answer, items)
            pages += 1
            meta = answer.get("meta") or {}
            if not meta.get("has_more") or not meta.get("after_cursor") or pages == most:
                return found
            asked["page[after]"] = meta["after_cursor"]


def _items(answer: Json, name: str) -> list[Json]:
    """A list that has to be there: an answer without it does not say that there is nothing."""
    found = answer.get(name)
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise MalformedAnswer(f"zendesk: a success without {name}")
    return found


def _part(answer: Any, name: str) -> Json:  # noqa: ANN401 - whatever Zendesk says
    found = answer.get(name) if isinstance(answer, dict) else None
    return found if isinstance(found, dict) else {}
