"""One org behind one server: routes, refusals, people and what control routes may change."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from zcc_pipeline.simulator.crm.base import (
    Answer,
    CrmStandIn,
    Exceeded,
    Person,
    Request,
    Route,
    empty,
    json_answer,
    read_grant,
)
from zcc_pipeline.simulator.crm.salesforce.bulk import Bulk, results
from zcc_pipeline.simulator.crm.salesforce.errors import not_found, refuse
from zcc_pipeline.simulator.crm.salesforce.files import Files
from zcc_pipeline.simulator.crm.salesforce.oauth import (
    JWT_BEARER,
    Assertions,
    check_client,
    oauth_error,
    token_answer,
)
from zcc_pipeline.simulator.crm.salesforce.queries import Queries
from zcc_pipeline.simulator.crm.salesforce.records import Records
from zcc_pipeline.simulator.crm.salesforce.schema import FieldSpec, default_org
from zcc_pipeline.simulator.crm.salesforce.upserts import Upserts

LONGEST_ADDRESS = 16_384
"""Bytes of an address with its query; above, Salesforce answers 414."""

_LOGIN_HOSTS = frozenset({"https://login.salesforce.com", "https://test.salesforce.com"})
_VERSION = re.compile(r"v\d{2}\.0")
_CSV = "text/csv; charset=UTF-8"
_DATA = "/services/data/{version}"

Body = dict[str, Any]


class SalesforceStandIn(CrmStandIn):
    """Settings: ``public_key`` (PEM) and ``username`` of the JWT flow, ``with_task_key``, ``page_rows`` of a query,
    ``bulk_looks`` until a job is done, ``quota`` of calls in 24 hours, ``without_bulk``.
    """

    name = "salesforce"
    calls_at_once_by_default = 25

    def set_up(self) -> None:
        """An org after the administrator's steps, without data."""
        settings = self.options.settings
        self.store = Records(
            default_org(with_task_key=bool(settings.get("with_task_key"))),
            now=self.options.clock,
            refuses=lambda key, content: bool(key) and self.faults.refuses(key, content),
        )
        self.queries = Queries(self.store, page_rows=int(settings.get("page_rows", 2_000)))
        self.upserts = Upserts(self.store, count=self._count)
        self.bulk = Bulk(self.store, count=self._count, looks_needed=int(settings.get("bulk_looks", 2)))
        self.files = Files(self.store)
        self._quota = int(settings.get("quota", 100_000))
        self.store.put(
            "User",
            {
                "Name": "Integration User",
                "Username": settings.get("username", "integration@example.com"),
                "Email": "integration@example.com",
                "IsActive": True,
                "UserType": "Standard",
            },
        )

    def routes(self) -> Sequence[Route]:
        """What integrations of this kind call."""
        rows = _DATA + "/sobjects"
        jobs = _DATA + "/jobs/ingest"
        return (
            Route("POST", "/services/oauth2/token", self._token, needs_token=False),
            Route("GET", "/services/data", self._versions, needs_token=False),
            Route("GET", _DATA + "/limits", self._limits),
            Route("GET", _DATA + "/query", self._query),
            Route("GET", _DATA + "/query/", self._query),
            Route("GET", _DATA + "/query/{locator}", self._more),
            Route("PATCH", _DATA + "/composite/sobjects/{sobject}/{key}", self._upsert, writes=True),
            Route("PATCH", _DATA + "/composite/sobjects", self._update, writes=True),
            Route("GET", rows + "/{sobject}/describe", self._describe),
            Route("POST", rows + "/ContentVersion", self._upload, writes=True),
            Route("POST", rows + "/{sobject}", self._create, writes=True),
            Route("POST", rows + "/{sobject}/", self._create, writes=True),
            Route("PATCH", rows + "/{sobject}/{value}", self._update_one, writes=True),
            Route("GET", rows + "/{sobject}/{key}/{value}", self._read_one),
            Route("PATCH", rows + "/{sobject}/{key}/{value}", self._upsert_one, writes=True),
            Route("POST", jobs, self._open_job, writes=True),
            Route("GET", jobs + "/{job}", self._look_at_job),
            Route("PATCH", jobs + "/{job}", self._change_job, writes=True),
            Route("PUT", jobs + "/{job}/batches", self._fill_job, writes=True),
            Route("GET", jobs + "/{job}/{results}", self._job_results),
        )

    def add_person(self, person: Person) -> None:
        """A contact, or a user."""
        if person.kind == "agent":
            self.store.put(
                "User",
                {
                    "Name": person.name,
                    "Username": person.email,
                    "Email": person.email,
                    "IsActive": True,
                    "UserType": "Standard",
                },
            )
        else:
            self.add_to("Contact", person)

    def add_to(self, sobject: str, person: Person) -> str:
        """A contact or a lead; its id."""
        first, _, last = person.name.rpartition(" ")
        row = {
            "FirstName": first or None,
            "LastName": last or person.name,
            "Email": person.email,
            "Phone": person.phone,
        }
        return self.store.put(sobject, row | ({"Company": "unknown"} if sobject == "Lead" else {}))

    def records(self) -> dict[str, list[dict[str, Any]]]:
        """All rows by object."""
        return {name: list(self.store.all(name)) for name in self.store.org}

    def unauthorized(self, request: Request) -> Answer:  # noqa: ARG002
        """The same for every reason."""
        return refuse(401, "INVALID_SESSION_ID", "Session expired or invalid").answer

    def limited(self, request: Request, exceeded: Exceeded) -> Answer:  # noqa: ARG002
        """No 429 and no ``Retry-After``: a 403 for the day's limit and for too many calls at once alike."""
        message = "TotalRequests Limit exceeded."
        if exceeded.kind != "daily":
            message = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
        return refuse(403, "REQUEST_LIMIT_EXCEEDED", message).answer

    def not_found(self, request: Request) -> Answer:
        """No such address, or not with this method."""
        if self.methods(request):
            message = (
                f"HTTP Method '{request.method}' not allowed. Allowed are {','.join(sorted(self.methods(request)))}"
            )
            return refuse(405, "METHOD_NOT_ALLOWED", message).answer
        return not_found().answer

    def unavailable(self, request: Request) -> Answer:  # noqa: ARG002
        """Down for the moment."""
        return refuse(503, "SERVER_UNAVAILABLE", "Server too busy. Please try again later.").answer

    def malformed(self, request: Request, problem: str) -> Answer:
        """Not what this address takes; the token endpoint has its own shape for that."""
        if request.path.startswith("/services/oauth2/"):
            return oauth_error("invalid_request", problem).answer
        return refuse(400, "JSON_PARSER_ERROR", problem).answer

    def answer_headers(self, request: Request) -> Mapping[str, str]:  # noqa: ARG002
        """What is used of the day's calls."""
        total = self._quota if self.faults.daily_cap is None else self.faults.daily_cap
        return {"Sforce-Limit-Info": f"api-usage={min(self.calls_today, total)}/{total}"}

    def commands(self) -> Mapping[str, Callable[[Body], object]]:
        """``fields`` {object, change: [FieldSpec], remove: [name]}, ``leads`` {people}, ``lock`` {key: tries},
        ``delete`` {object, id}, ``hide`` {ids}, ``deactivate`` {email}, ``fail-jobs`` {after: rows or null}.
        """
        return {
            "fields": self._change_fields,
            "leads": lambda body: {"ids": [self.add_to("Lead", Person(**each)) for each in body["people"]]},
            "lock": lambda body: self.store.locked.update({key: int(tries) for key, tries in body.items()}),
            "delete": lambda body: self.store.delete(body["object"], body["id"]),
            "hide": lambda body: self.store.hidden.update(body["ids"]),
            "deactivate": self._deactivate,
            "fail-jobs": lambda body: setattr(self.bulk, "fail_after", body.get("after")),
        }

    def _count(self, change: str) -> None:
        self.counters.changes[change] += 1

    def _token(self, request: Request) -> Answer:
        grant = read_grant(request)
        wanted = self.options.credentials
        if grant.grant_type == "client_credentials":
            check_client(grant, accepts=self.accepts(grant))
            subject = str(self.options.settings.get("username", "integration@example.com"))
        elif grant.grant_type == JWT_BEARER:
            assertions = Assertions(
                public_key=self.options.settings.get("public_key"),
                audiences=_LOGIN_HOSTS | {self.base_url},
                username=self.options.settings.get("username"),
                now=self.options.clock,
            )
            subject = assertions.subject(grant.fields.get("assertion", ""), wanted.client_id if wanted else None)
        else:
            raise oauth_error("unsupported_grant_type", "grant type not supported")
        return token_answer(self.tokens.issue(subject=subject).value, base_url=self.base_url, now=self.options.clock())

    def _versions(self, _request: Request) -> Answer:
        return json_answer([{"label": "Winter '27", "url": "/services/data/v68.0", "version": "68.0"}])

    def _limits(self, request: Request) -> Answer:
        _version(request)
        used = min(self.calls_today, self._quota)
        return json_answer({"DailyApiRequests": {"Max": self._quota, "Remaining": self._quota - used}})

    def _describe(self, request: Request) -> Answer:
        _version(request)
        return json_answer(self.store.spec(request.values["sobject"]).describe())

    def _query(self, request: Request) -> Answer:
        if len(request.path) + 1 + len(request.query_string) > LONGEST_ADDRESS:
            raise refuse(414, "URI_TOO_LONG", "the address is longer than 16,384 bytes")
        if "q" not in request.query:
            raise refuse(400, "MALFORMED_QUERY", "SOQL query is missing")
        return json_answer(self.queries.run(request.query["q"], _version(request)))

    def _more(self, request: Request) -> Answer:
        return json_answer(self.queries.more(request.values["locator"], _version(request)))

    def _upsert(self, request: Request) -> Answer:
        _version(request)
        found = self.upserts.by_key(request.values["sobject"], request.values["key"], request.json_object())
        return _marked(json_answer(found), any(each["success"] for each in found))

    def _update(self, request: Request) -> Answer:
        _version(request)
        found = self.upserts.by_id(request.json_object())
        return _marked(json_answer(found), any(each["success"] for each in found))

    def _create(self, request: Request) -> Answer:
        _version(request)
        self.store.spec(request.values["sobject"])
        return json_answer(self.upserts.create(request.values["sobject"], request.json_object()), status=201)

    def _upsert_one(self, request: Request) -> Answer:
        version, values = _version(request), request.values
        found, several = self.upserts.one(values["sobject"], values["key"], values["value"], request.json_object())
        if found is None:
            base = f"/services/data/{version}/sobjects/{values['sobject']}"
            return json_answer([f"{base}/{each}" for each in several], status=300)
        return json_answer(found, status=201 if found["created"] else 200)

    def _update_one(self, request: Request) -> Answer:
        _version(request)
        values = request.values
        self.upserts.one(values["sobject"], "Id", values["value"], request.json_object())
        return empty()

    def _read_one(self, request: Request) -> Answer:
        _version(request)
        values = request.values
        self.store.key_spec(values["sobject"], values["key"])
        found = self.store.by_key(values["sobject"], values["key"], values["value"])
        if not found:
            raise not_found()
        return json_answer(found[0])

    def _upload(self, request: Request) -> Answer:
        _version(request)
        answer = json_answer(self.files.upload(request), status=201)
        self._count("uploaded")
        return answer

    def _open_job(self, request: Request) -> Answer:
        if self.options.settings.get("without_bulk"):
            raise refuse(403, "API_DISABLED_FOR_ORG", "the Bulk API is not enabled for this user or organization")
        return json_answer(self.bulk.create(request.json_object()).describe(_version(request)))

    def _look_at_job(self, request: Request) -> Answer:
        job = self.bulk.find(request.values["job"])
        self.bulk.look(job)
        return json_answer(job.describe(_version(request)))

    def _change_job(self, request: Request) -> Answer:
        job = self.bulk.find(request.values["job"])
        self.bulk.change(job, request.json_object().get("state"))
        return json_answer(job.describe(_version(request)))

    def _fill_job(self, request: Request) -> Answer:
        _version(request)
        if request.media_type != "text/csv":
            raise refuse(415, "UNSUPPORTED_MEDIA_TYPE", "text/csv is expected")
        self.bulk.upload(self.bulk.find(request.values["job"]), request.body)
        return empty(201)

    def _job_results(self, request: Request) -> Answer:
        _version(request)
        kind = request.values["results"]
        if kind not in {"successfulResults", "failedResults", "unprocessedrecords"}:
            raise not_found()
        return Answer(results(self.bulk.find(request.values["job"]), kind), media_type=_CSV)

    def _change_fields(self, body: Body) -> object:
        spec = self.store.spec(body["object"])
        changed = []
        for each in body.get("change", ()):
            known = spec.fields.get(each["name"])
            changed.append(replace(known, **each) if known else FieldSpec(**each))
        self.store.org[spec.name] = spec.with_fields(*changed, without=body.get("remove", ()))
        return {"fields": sorted(self.store.org[spec.name].fields)}

    def _deactivate(self, body: Body) -> object:
        users = [user for user in self.store.all("User") if user["Email"] == body["email"]]
        for user in users:
            user["IsActive"] = False
        return {"deactivated": len(users)}


def _version(request: Request) -> str:
    version = request.values["version"]
    if not _VERSION.fullmatch(version):
        raise not_found()
    return version


def _marked(answer: Answer, wrote: bool) -> Answer:
    answer.wrote = wrote
    return answer
