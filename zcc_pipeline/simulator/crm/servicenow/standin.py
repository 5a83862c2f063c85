"""A ServiceNow instance: OAuth, Table, Import Set, Batch and Attachment APIs over one set of tables.

From ServiceNowDocs (Apache-2.0, Australia release): c_TableAPI, c_ImportSetAPI, c_AttachmentAPI, batch-api,
inbound-REST-API-rate-limiting. Own options (``CrmOptions.settings``): ``setup`` (what the administrator has done),
``import_polls``, ``batch_seconds_each``, ``has_batches``, ``hidden`` (tables the user may not read), ``customers_in``.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from zcc_pipeline.simulator.crm.base import (
    Answer,
    CrmOptions,
    CrmStandIn,
    Exceeded,
    IssuedToken,
    Person,
    Request,
    Route,
    json_answer,
    read_grant,
)
from zcc_pipeline.simulator.crm.servicenow.answering import failure, refuse
from zcc_pipeline.simulator.crm.servicenow.attachments import AttachmentApi
from zcc_pipeline.simulator.crm.servicenow.batches import BatchApi, holds_writes
from zcc_pipeline.simulator.crm.servicenow.imports import Imports, Transformed
from zcc_pipeline.simulator.crm.servicenow.instance import Instance, Row, UnknownTableError
from zcc_pipeline.simulator.crm.servicenow.metadata import describe
from zcc_pipeline.simulator.crm.servicenow.schema import Setup
from zcc_pipeline.simulator.crm.servicenow.table_api import TableApi

_NOT_AUTHENTICATED = ("User Not Authenticated", "Required to provide Auth information")
_SHOWN = ("interaction", "sys_user", "csm_consumer", "customer_contact", "sys_journal_field", "sys_attachment")


class ServiceNowStandIn(CrmStandIn):
    """One instance."""

    name: ClassVar[str] = "servicenow"

    def set_up(self) -> None:
        """An instance as its administrator has left it."""
        settings = self.options.settings
        setup = settings.get("setup", Setup())
        self.instance = Instance(setup, self.options.clock)
        describe(self.instance)
        self.imports = Imports(
            self.instance,
            polls=int(settings.get("import_polls", 1)),
            refuses=self._refuses,
            count=self._counter("import "),
        )
        self.tables = TableApi(
            self.instance,
            self.imports,
            hidden=frozenset(settings.get("hidden", ())),
            base_url=lambda: self.base_url,
            refuses=self._refuses,
            count=self._counter(),
        )
        self.attachments = AttachmentApi(self.instance, base_url=lambda: self.base_url, count=self._counter())
        self.batches = BatchApi(self._within_batch, seconds_each=float(settings.get("batch_seconds_each", 0.05)))

    def routes(self) -> Sequence[Route]:
        """With and without a version in the path, as both are documented."""
        found = [Route("POST", "/oauth_token.do", self._token, needs_token=False)]
        for root in ("/api/now", "/api/now/v1", "/api/now/v2"):
            found += [
                Route("GET", f"{root}/table/{{table}}", self.tables.list_rows),
                Route("GET", f"{root}/table/{{table}}/{{sys_id}}", self.tables.read),
                Route("POST", f"{root}/table/{{table}}", self.tables.insert, writes=True),
                Route("PATCH", f"{root}/table/{{table}}/{{sys_id}}", self.tables.update, writes=True),
                Route("PUT", f"{root}/table/{{table}}/{{sys_id}}", self.tables.update, writes=True),
                Route("POST", f"{root}/import/{{staging}}", self._import_one, writes=True),
                Route("POST", f"{root}/import/{{staging}}/insertMultiple", self._import_many, writes=True),
                Route("GET", f"{root}/attachment", self.attachments.list_files),
                Route("GET", f"{root}/attachment/{{sys_id}}/file", self.attachments.read),
                Route("POST", f"{root}/attachment/file", self.attachments.upload, writes=True),
                Route("POST", f"{root}/batch", self._batch, writes=holds_writes),
            ]
        return found

    def add_person(self, person: Person) -> None:
        """Agents and, unless told otherwise, customers are users."""
        first, _, last = person.name.partition(" ")
        values = {
            "name": person.name,
            "first_name": first,
            "last_name": last,
            "email": person.email or "",
            "phone": person.phone or "",
            "active": "true",
        }
        is_agent = person.kind == "agent"
        table = "sys_user" if is_agent else str(self.options.settings.get("customers_in", "sys_user"))
        self.instance.insert(table, values)

    def records(self) -> Any:  # noqa: ANN401 JSON
        """Rows by table; work notes and files beside the interactions they belong to."""
        return {name: list(self.instance.rows(name)) for name in _SHOWN if name in self.instance.tables}

    def work_notes(self, sys_id: str) -> list[str]:
        """Entries of a record's journal, oldest first."""
        return [entry["value"] for entry in self.instance.with_value("sys_journal_field", "element_id", sys_id)]

    def files(self, sys_id: str) -> list[Row]:
        """Files of a record."""
        return self.instance.with_value("sys_attachment", "table_sys_id", sys_id)

    def authorize(self, request: Request) -> IssuedToken:
        """A bearer token, or a user's name and password."""
        scheme, _, encoded = request.header("authorization").partition(" ")
        if scheme.lower() != "basic":
            return super().authorize(request)
        try:
            user, separator, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            user, separator, password = "", "", ""
        wanted = self.options.settings.get("user")
        if not (separator and user and password) or (wanted is not None and (user, password) != tuple(wanted)):
            raise refuse(401, *_NOT_AUTHENTICATED)
        return IssuedToken("basic", math.inf, subject=user)

    def unauthorized(self, request: Request) -> Answer:  # noqa: ARG002
        """As for everything that is wrong with a token."""
        return failure(401, *_NOT_AUTHENTICATED, headers={"WWW-Authenticate": 'BASIC realm="Service-now"'})

    def limited(self, request: Request, exceeded: Exceeded) -> Answer:  # noqa: ARG002
        """A rule counts an hour; there is no daily limit, so that one is an hour's too."""
        wait = 3600 if exceeded.kind == "daily" else math.ceil(exceeded.retry_after)
        reset = int(self.options.clock().timestamp()) + wait
        headers = {
            "Retry-After": str(wait),
            "X-RateLimit-Limit": str(exceeded.limit),
            "X-RateLimit-Reset": str(reset),
            "X-RateLimit-Rule": "a0b1c2d3e4f5a0b1c2d3e4f5a0b1c2d3",
        }
        return failure(429, "Rate limit exceeded", "Rejected by a rate limit rule", headers)

    def not_found(self, request: Request) -> Answer:
        """No such operation."""
        if self.methods(request):
            return failure(405, "Method not supported")
        return failure(400, "Requested URI does not represent any resource", request.path)

    def unavailable(self, request: Request) -> Answer:  # noqa: ARG002
        """The page of an instance that is busy."""
        return Answer(b"<html><body>Service Unavailable</body></html>", 503, "text/html")

    def malformed(self, request: Request, problem: str) -> Answer:  # noqa: ARG002
        """Not understood."""
        return failure(400, "Exception while reading request", problem)

    def _within_batch(self, request: Request) -> Answer:
        """Held to the definition like a request that comes alone."""
        return self._check(request) or self.inner(request)

    def _batch(self, request: Request) -> Answer:
        if not self.options.settings.get("has_batches", True):
            raise refuse(403, "User Not Authorized", "Failed API level ACL Validation")
        return self.batches.answer(request)

    def _token(self, request: Request) -> Answer:
        grant = read_grant(request)
        is_known = {
            "client_credentials": True,
            "password": bool(grant.fields.get("username") and grant.fields.get("password")),
        }.get(grant.grant_type, False)
        wanted = self.options.settings.get("user")
        if grant.grant_type == "password" and wanted is not None:
            is_known = (grant.fields.get("username"), grant.fields.get("password")) == tuple(wanted)
        if grant.grant_type == "client_credentials":
            switch = "glide.oauth.inbound.client.credential.grant_type.enabled"
            is_known = self.instance.setting(switch) == "true"
        if not is_known or not self.accepts(grant):
            return json_answer({"error": "server_error", "error_description": "access_denied"}, status=401)
        token = self.tokens.issue(scope="useraccount")
        return json_answer(
            {
                "access_token": token.value,
                "scope": "useraccount",
                "token_type": "Bearer",
                "expires_in": max(1, int(self.tokens.lifetime_seconds)),
                "instance_url": "https://somewhere-else.invalid",
            }
        )

    def _import_one(self, request: Request) -> Answer:
        staging = request.values["staging"]
        try:
            import_set, done = self.imports.add_one(staging, request.json_object())
        except UnknownTableError:
            raise refuse(400, f"Invalid staging table {staging}") from None
        body = {"import_set": import_set["number"], "staging_table": staging, "result": [self._imported(done)]}
        return json_answer(body, status=201)

    def _import_many(self, request: Request) -> Answer:
        staging, records = request.values["staging"], request.json_object().get("records")
        if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
            raise refuse(400, "Invalid request body", "records has to be an array of objects")
        try:
            import_set, many = self.imports.add_many(staging, records)
        except UnknownTableError:
            raise refuse(400, f"Invalid staging table {staging}") from None
        body = {"import_set_id": import_set["sys_id"], "multi_import_set_id": many["sys_id"]}
        return json_answer(body, status=201)

    def _imported(self, done: Transformed) -> dict[str, str]:
        shown = {"transform_map": done.map_name, "table": "interaction", "status": done.status}
        if done.status == "error":
            shown["error_message"] = done.message
        elif done.message:
            shown["status_message"] = done.message
        if done.target is not None:
            shown["sys_id"] = done.target["sys_id"]
            shown["display_name"], shown["display_value"] = "number", done.target["number"]
            shown["record_link"] = f"{self.base_url}/api/now/table/interaction/{done.target['sys_id']}"
        return shown

    def _refuses(self, key: str, content: str) -> bool:
        return self.faults.refuses(key, content)

    def _counter(self, prefix: str = "") -> Callable[[str], None]:
        def count(what: str) -> None:
            self.counters.changes[prefix + what] += 1

        return count


def make(options: CrmOptions | None = None) -> ServiceNowStandIn:
    """An instance, ready to be served."""
    return ServiceNowStandIn(options)
