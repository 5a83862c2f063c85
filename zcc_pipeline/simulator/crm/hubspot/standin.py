"""HubSpot's CRM API on dated paths, as far as activities, contacts, associations, owners and files go."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from itertools import count
from typing import Any, ClassVar

from zcc_pipeline.simulator.crm.base import (
    Answer,
    CrmStandIn,
    Exceeded,
    IssuedToken,
    Limit,
    Person,
    Request,
    Route,
    json_answer,
)
from zcc_pipeline.simulator.crm.hubspot.files import FileManager
from zcc_pipeline.simulator.crm.hubspot.linking import associate
from zcc_pipeline.simulator.crm.hubspot.properties import TYPE_IDS, Schema, first_schemas, instant
from zcc_pipeline.simulator.crm.hubspot.records import Records, first_ids
from zcc_pipeline.simulator.crm.hubspot.refusals import (
    PORTAL_ID,
    invalid,
    malformed,
    nothing_here,
    refuse,
    row_error,
    scopes_missing,
    too_many,
    unknown_credentials,
)
from zcc_pipeline.simulator.crm.hubspot.searching import search
from zcc_pipeline.simulator.crm.hubspot.writing import MOST_INPUTS, Batch, Rule, Verb

VERSIONS = ("2026-03", "2026-09")
DAILY_CALLS = 650_000
_FIRST_IDS = {"contacts": 1_001, "calls": 50_000_001, "communications": 60_000_001, "notes": 70_000_001}
_ALIASES = {alias: name for name, alias in TYPE_IDS.items()} | {name: name for name in TYPE_IDS}
_SCOPES = {
    "contacts": "crm.objects.contacts",
    "owners": "crm.objects.owners.read",
    "files": "files",
    "schemas": "crm.schemas.contacts",
}
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+", re.ASCII)
_OBJECTS = "/crm/objects/{version}/{kind}"
_PROPERTIES = "/crm/properties/{version}/{kind}"
_LINKS = "/crm/associations/{version}/{kind}/{other}/batch"
_FILES = "/files/{version}/files"


class HubSpotStandIn(CrmStandIn):
    """One account. ``settings``: ``search_delay_seconds`` (0), ``multi_status`` (by version unless told), ``scopes``
    (all unless told), ``rules`` (list of {"object_type", "needs", "when"}), ``says_retry_after`` (True),
    ``strict_emails`` (False: addresses that are none are read and not found, and refuse nothing)."""

    name = "hubspot"
    limits_by_default: ClassVar[Mapping[str, Limit]] = {"api": Limit(190, 10), "search": Limit(5, 1)}

    def set_up(self) -> None:
        """An account on which nothing was changed."""
        clock, monotonic = self.options.clock, self.options.monotonic
        self.schemas: dict[str, Schema] = first_schemas()
        self.tables = {
            kind: Records(schema, ids=first_ids(_FIRST_IDS[kind]), clock=clock, monotonic=monotonic)
            for kind, schema in self.schemas.items()
        }
        self.files = FileManager(clock, self._refuses)
        self.owners: list[dict[str, Any]] = []
        self._owner_ids = count(501)
        self.rules: list[Rule] = [Rule(**each) for each in self.options.settings.get("rules", ())]
        self._next_statuses: list[int] = []
        self._let_in: set[str] = set()
        scopes = self.options.settings.get("scopes")
        self._scopes: frozenset[str] | None = None if scopes is None else frozenset(scopes)
        if self.options.access_token is not None:
            self.tokens.adopt(self.options.access_token)

    def routes(self) -> Sequence[Route]:
        """Everything that is called here."""
        return [
            Route("POST", f"{_OBJECTS}/batch/create", self._batch("create"), writes=True),
            Route("POST", f"{_OBJECTS}/batch/update", self._batch("update"), writes=True),
            Route("POST", f"{_OBJECTS}/batch/upsert", self._batch("upsert"), writes=True),
            Route("POST", f"{_OBJECTS}/batch/read", self._read_batch),
            Route("POST", f"{_OBJECTS}/search", self._search, label="search"),
            Route("POST", _OBJECTS, self._create, writes=True),
            Route("GET", f"{_OBJECTS}/{{id}}", self._read),
            Route("POST", f"{_LINKS}/associate/default", self._associate(by_number=False), writes=True),
            Route("POST", f"{_LINKS}/create", self._associate(by_number=True), writes=True),
            Route("GET", _PROPERTIES, self._list_properties),
            Route("POST", _PROPERTIES, self._add_property, writes=True),
            Route("GET", f"{_PROPERTIES}/groups", self._list_groups),
            Route("POST", f"{_PROPERTIES}/groups", self._add_group, writes=True),
            Route("GET", f"{_PROPERTIES}/{{property}}", self._read_property),
            Route("GET", "/crm/owners/{version}", self._list_owners),
            Route("POST", _FILES, self._file(self.files.upload), writes=True),
            Route("GET", f"{_FILES}/search", self._file(self.files.search)),
            Route("POST", f"{_FILES}/import-from-url/async", self._file(self.files.import_from_url), writes=True),
            Route("GET", f"{_FILES}/import-from-url/async/tasks/{{task}}/status", self._file(self.files.task)),
            Route("GET", f"{_FILES}/{{id}}", self._file(self.files.read)),
            Route("GET", "/account-info/{version}/details", self._details),
            Route("GET", "/account-info/{version}/api-usage/daily/private-apps", self._usage),
        ]

    # Whom it knows, what it holds

    def add_person(self, person: Person) -> None:
        """A contact, or an owner."""
        first, _, last = person.name.rpartition(" ")
        if person.kind == "agent":
            now = instant(self.options.clock())
            owner = {"id": str(next(self._owner_ids)), "email": person.email, "firstName": first, "lastName": last}
            self.owners.append(owner | {"type": "PERSON", "archived": False, "createdAt": now, "updatedAt": now})
            return
        found = {"firstname": first, "lastname": last, "email": person.email, "phone": person.phone}
        contact = self.tables["contacts"].create({name: value for name, value in found.items() if value})
        contact.changed -= float(self.options.settings.get("search_delay_seconds", 0.0))

    def records(self) -> dict[str, Any]:
        """By object type; files with their size, associations by type."""
        shown: dict[str, Any] = {
            kind: [
                {**record.as_json(), "linked": record.linked, "times_written": record.times_written} for record in table
            ]
            for kind, table in self.tables.items()
        }
        return shown | {"files": [file.as_json() for file in self.files.by_id.values()], "owners": self.owners}

    def commands(self) -> Mapping[str, Callable[[dict[str, Any]], object]]:
        """``next-statuses`` {"statuses": [423, 477, 502]}: what the next calls get; ``rules`` {"rules": [...]};
        ``scopes`` {"scopes": [...]}; ``delete`` {"kind", "id"}: a user deletes a record."""
        return {
            "next-statuses": self._set_next_statuses,
            "rules": self._set_rules,
            "scopes": self._set_scopes,
            "delete": self._delete,
        }

    # How it refuses

    def authorize(self, request: Request) -> IssuedToken:
        """A service key or an access token; any that was not revoked, unless one was agreed on."""
        if self._next_statuses:
            status = self._next_statuses.pop(0)
            raise refuse(status, _TROUBLES.get(status, "INTERNAL_ERROR"), "Try again later")
        scheme, _, value = request.header("authorization").partition(" ")
        if self.options.access_token is None and scheme.lower() == "bearer" and value and value not in self._let_in:
            self._let_in.add(value)
            return self.tokens.adopt(value)
        return super().authorize(request)

    def unauthorized(self, request: Request) -> Answer:  # noqa: ARG002
        """401."""
        return unknown_credentials().answer

    def limited(self, request: Request, exceeded: Exceeded) -> Answer:  # noqa: ARG002
        """429."""
        return too_many(exceeded, says_when=bool(self.options.settings.get("says_retry_after", True))).answer

    def not_found(self, request: Request) -> Answer:  # noqa: ARG002
        """404."""
        return nothing_here().answer

    def unavailable(self, request: Request) -> Answer:  # noqa: ARG002
        """503."""
        return refuse(503, "INTERNAL_ERROR", "internal error").answer

    def malformed(self, request: Request, problem: str) -> Answer:  # noqa: ARG002
        """400."""
        return malformed(problem).answer

    def answer_headers(self, request: Request) -> Mapping[str, str]:  # noqa: ARG002
        """What is left, as HubSpot tells it on every answer."""
        limit = self.limits.limits.get("api")
        cap = self.faults.daily_cap or DAILY_CALLS
        headers = {
            "X-HubSpot-RateLimit-Daily": str(cap),
            "X-HubSpot-RateLimit-Daily-Remaining": str(max(0, cap - self.calls_today)),
        }
        if limit is not None:
            headers |= {
                "X-HubSpot-RateLimit-Max": str(limit.calls),
                "X-HubSpot-RateLimit-Remaining": str(self.limits.left("api")),
                "X-HubSpot-RateLimit-Interval-Milliseconds": str(round(limit.seconds * 1000)),
            }
        return headers

    def _refuses(self, key: str, content: str) -> bool:
        return self.faults.refuses(key, content)

    # Objects

    def _batch(self, verb: Verb) -> Callable[[Request], Answer]:
        def handle(request: Request) -> Answer:
            version, table = self._open(request, "contacts", writes=True)
            batch = Batch(
                table,
                verb,
                says_partial=bool(self.options.settings.get("multi_status", version < "2026-09")),
                rules=self.rules if version >= "2026-09" else (),
                refuses=self._refuses,
                now=self.options.clock,
            )
            return batch.answer(request.content)

        return handle

    def _read_batch(self, request: Request) -> Answer:
        _, table = self._open(request, "contacts")
        content = request.json_object()
        id_property, names, inputs = content.get("idProperty", ""), content.get("properties"), content.get("inputs")
        if not isinstance(inputs, list) or not isinstance(names, list) or "propertiesWithHistory" not in content:
            raise malformed("Some required fields were not set: [inputs, properties, propertiesWithHistory]")
        if not all(isinstance(each, dict) and isinstance(each.get("id"), str) for each in inputs):
            raise malformed("every input has an id, which is a text")
        if len(inputs) > MOST_INPUTS:
            raise invalid(f"The maximum number of inputs supported in a batch request is {MOST_INPUTS}")
        if id_property and table.schema.unique(id_property) is None:
            raise invalid(f"{id_property} is not a unique property")
        if id_property == "email" and self.options.settings.get("strict_emails", False):
            odd = [each["id"] for each in inputs if not _EMAIL.fullmatch(each["id"])]
            if odd:
                raise invalid(f"Email address {odd[0]} is invalid")
        found = {each["id"]: table.find(each["id"], id_property) for each in inputs}
        now = instant(self.options.clock())
        body: dict[str, Any] = {
            "status": "COMPLETE",
            "results": [record.as_json(names) for record in found.values() if record is not None][::-1],
            "startedAt": now,
            "completedAt": now,
        }
        missing = [id_ for id_, record in found.items() if record is None]
        if missing:
            words = "Could not get some objects, they may be deleted or not exist. Check that ids are valid."
            body |= {"numErrors": 1, "errors": [row_error("OBJECT_NOT_FOUND", words, ids=missing)]}
        return json_answer(body, status=207 if missing else 200)

    def _search(self, request: Request) -> Answer:
        _, table = self._open(request, "contacts")
        delay = float(self.options.settings.get("search_delay_seconds", 0.0))
        return search(table, request.content, settled_before=self.options.monotonic() - delay)

    def _create(self, request: Request) -> Answer:
        _, table = self._open(request, "contacts", writes=True)
        content = request.json_object()
        single = Batch(table, "create", says_partial=False, rules=(), refuses=self._refuses, now=self.options.clock)
        if table.schema.object_type == "contacts":
            self._no_such_contact(content.get("properties", {}))
        single.answer({"inputs": [content]})
        return json_answer(list(table)[-1].as_json(), status=201)

    def _no_such_contact(self, properties: Mapping[str, str]) -> None:
        existing = self.tables["contacts"].find(properties.get("email", ""), "email")
        if existing is not None:
            raise refuse(409, "CONFLICT", f"Contact already exists. Existing ID: {existing.id}")

    def _read(self, request: Request) -> Answer:
        _, table = self._open(request, "contacts")
        record = table.find(request.values["id"], request.query.get("idProperty", ""))
        if record is None:
            raise nothing_here()
        return json_answer(record.as_json(request.query.get("properties", "").split(",")))

    def _associate(self, *, by_number: bool) -> Callable[[Request], Answer]:
        def handle(request: Request) -> Answer:
            self._open(request, "contacts", writes=True)
            kinds = (self._kind(request.values["kind"]), self._kind(request.values["other"]))
            return associate(self.tables, kinds, request.content, by_number=by_number, now=self.options.clock)

        return handle

    # Properties, owners, account

    def _list_properties(self, request: Request) -> Answer:
        _, table = self._open(request, "schemas")
        return json_answer({"results": [each.as_json() for each in table.schema.properties.values()]})

    def _read_property(self, request: Request) -> Answer:
        _, table = self._open(request, "schemas")
        found = table.schema.properties.get(request.values["property"])
        if found is None:
            raise nothing_here(f"Property {request.values['property']} does not exist")
        return json_answer(found.as_json())

    def _add_property(self, request: Request) -> Answer:
        _, table = self._open(request, "schemas", writes=True)
        return json_answer(table.schema.add(request.json_object()).as_json(), status=201)

    def _list_groups(self, request: Request) -> Answer:
        _, table = self._open(request, "schemas")
        groups = [{"name": name, "label": label, "archived": False} for name, label in table.schema.groups.items()]
        return json_answer({"results": groups})

    def _add_group(self, request: Request) -> Answer:
        _, table = self._open(request, "schemas", writes=True)
        return json_answer(table.schema.add_group(request.json_object()), status=201)

    def _list_owners(self, request: Request) -> Answer:
        self._version(request)
        self._need_scope(_SCOPES["owners"])
        email, after, limit = (
            request.query.get("email"),
            int(request.query.get("after", "0")),
            int(request.query.get("limit", "100")),
        )
        found = [each for each in self.owners if email is None or each["email"].lower() == email.lower()]
        body: dict[str, Any] = {"results": found[after : after + limit]}
        if after + limit < len(found):
            body["paging"] = {"next": {"after": str(after + limit)}}
        return json_answer(body)

    def _details(self, request: Request) -> Answer:
        self._version(request)
        return json_answer({"portalId": PORTAL_ID, "accountType": "STANDARD", "timeZone": "Europe/Berlin"})

    def _usage(self, request: Request) -> Answer:
        self._version(request)
        now = self.options.clock()
        usage = {
            "name": "private-apps-api-calls-daily",
            "usageLimit": self.faults.daily_cap or DAILY_CALLS,
            "currentUsage": self.calls_today,
            "collectedAt": instant(now),
            "fetchStatus": "SUCCESS",
            "resetsAt": instant(now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)),
        }
        return json_answer({"results": [usage]})

    def _file(self, operation: Callable[[Request], Answer]) -> Callable[[Request], Answer]:
        def handle(request: Request) -> Answer:
            self._version(request)
            self._need_scope(_SCOPES["files"])
            return operation(request)

        return handle

    # Control

    def _set_next_statuses(self, body: dict[str, Any]) -> object:
        self._next_statuses = [int(status) for status in body["statuses"]]
        return {"statuses": self._next_statuses}

    def _set_rules(self, body: dict[str, Any]) -> object:
        self.rules = [Rule(**each) for each in body["rules"]]
        return {"rules": len(self.rules)}

    def _set_scopes(self, body: dict[str, Any]) -> object:
        self._scopes = frozenset(body["scopes"])
        return {"scopes": sorted(self._scopes)}

    def _delete(self, body: dict[str, Any]) -> object:
        table = self.tables[body["kind"]]
        table.remove(table.by_id[body["id"]])
        return {"deleted": body["id"]}

    # What every operation asks first

    def _open(self, request: Request, scope: str, *, writes: bool = False) -> tuple[str, Records]:
        version = self._version(request)
        self._need_scope(f"{_SCOPES[scope]}.{'write' if writes else 'read'}")
        return version, self.tables[self._kind(request.values["kind"])]

    def _version(self, request: Request) -> str:
        version = request.values["version"]
        if version not in VERSIONS:
            raise nothing_here()
        return version

    def _kind(self, kind: str) -> str:
        if kind not in _ALIASES:
            raise refuse(400, "VALIDATION_ERROR", f"Unable to infer object type from: {kind}")
        return _ALIASES[kind]

    def _need_scope(self, scope: str) -> None:
        if self._scopes is not None and scope not in self._scopes:
            raise scopes_missing([scope])


_TROUBLES = {423: "LOCKED", 477: "MIGRATION_IN_PROGRESS", 502: "INTERNAL_ERROR", 504: "INTERNAL_ERROR"}
