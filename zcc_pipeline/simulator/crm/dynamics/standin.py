"""A Dynamics 365 organisation: Entra's token endpoint and Dataverse's Web API over one set of tables.

From Microsoft's documentation (stored copies read in Nov 2026): bulk-operations, api-limits,
update-delete-entities-using-web-api, use-upsert-insert-update-record, execute-batch-operations-using-web-api,
attachment-annotation-files, define-alternate-keys-entity. Own options (``CrmOptions.settings``):
``is_provisioned`` (the engagement table, its key and columns on phone calls are there; on), ``index_seconds`` (until a
new alternate key is active; 0), ``takes_bulk`` (UpsertMultiple on the engagement table; on), ``most_bulk`` (rows of one
UpsertMultiple; 1,000), ``largest_file`` (bytes; 5 MiB), ``may_customize`` (definitions can be made; on), ``language``
(the base language's code; 1033), ``is_member`` (the app is an application user here; on).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from zcc_pipeline.simulator.crm.base import (
    Answer,
    CrmOptions,
    CrmStandIn,
    Exceeded,
    IssuedToken,
    Limit,
    Person,
    RefusedError,
    Request,
    Route,
    empty,
    json_answer,
    read_grant,
)
from zcc_pipeline.simulator.crm.dynamics import refusals
from zcc_pipeline.simulator.crm.dynamics.addresses import Address
from zcc_pipeline.simulator.crm.dynamics.batches import Batches
from zcc_pipeline.simulator.crm.dynamics.metadata import Metadata
from zcc_pipeline.simulator.crm.dynamics.provisioning import provision
from zcc_pipeline.simulator.crm.dynamics.refusals import error_answer
from zcc_pipeline.simulator.crm.dynamics.rows import Rows
from zcc_pipeline.simulator.crm.dynamics.schema import Table, metadata_id
from zcc_pipeline.simulator.crm.dynamics.standard_tables import standard_tables
from zcc_pipeline.simulator.crm.dynamics.tables_api import TablesApi
from zcc_pipeline.simulator.crm.dynamics.uploads import Uploads
from zcc_pipeline.simulator.crm.dynamics.values import BodyReader, Values

API = "/api/data/v9.2"
_DEFAULT_LARGEST_FILE = 5 * 1024 * 1024
_WORDS = {
    "window": (
        refusals.TOO_MANY_CALLS,
        "Number of requests exceeded the limit of {limit} over time window of {seconds} seconds.",
    ),
    "storm": (
        refusals.TOO_MUCH_TIME,
        (
            "Combined execution time of incoming requests exceeded limit of 1200000 milliseconds over time window "
            "of 300 seconds. Decrease number of concurrent requests or reduce the duration of requests."
        ),
    ),
    "concurrency": (refusals.TOO_MANY_AT_ONCE, "Number of concurrent requests exceeded the limit of {limit}."),
    "daily": (
        refusals.TOO_MANY_CALLS,
        "Number of requests exceeded the limit of {limit} over time window of {seconds} seconds.",
    ),
}


class DynamicsStandIn(CrmStandIn):
    """One organisation."""

    name: ClassVar[str] = "dynamics"
    limits_by_default: ClassVar[Mapping[str, Limit]] = {"api": Limit(6_000, 300)}
    calls_at_once_by_default: ClassVar[int] = 52

    def set_up(self) -> None:
        """The tables out of the box, and the engagement table where an administrator has made it."""
        settings = self.options.settings
        self._largest_file = int(settings.get("largest_file", _DEFAULT_LARGEST_FILE))
        self._may_customize = bool(settings.get("may_customize", True))
        self._is_member = bool(settings.get("is_member", True))
        self.tables: dict[str, Table] = {each.logical: each for each in standard_tables()}
        self.metadata = Metadata(
            self.tables, monotonic=self.options.monotonic, index_seconds=float(settings.get("index_seconds", 0.0))
        )
        self.rows = Rows(self.tables, clock=self.options.clock, monotonic=self.options.monotonic)
        self.metadata.prefixes = self._prefixes
        self.metadata.language = int(settings.get("language", self.metadata.language))
        reader = BodyReader(self.tables, self._id_of, lambda: self._largest_file)
        self._tables_api = TablesApi(
            self.metadata,
            self.rows,
            reader,
            url=lambda: f"{self.base_url}{API}",
            faults=lambda: self.faults,
            count=self._count,
            most_bulk=int(settings.get("most_bulk", 1_000)),
        )
        self._uploads = Uploads(self.rows, reader, lambda: self._largest_file)
        self._batches = Batches(self.inner, self.rows.transaction, API)
        self._fill(settings)

    def routes(self) -> Sequence[Route]:
        """Single requests, actions, definitions and batches."""
        rows, actions = self._tables_api, self._uploads
        customize, show = self._customizing, self._showing
        one = f"{API}/EntityDefinitions({{table}})"
        return [
            Route("POST", "/{tenant}/oauth2/v2.0/token", self._token, needs_token=False),
            Route("GET", f"{API}/WhoAmI", self._who_am_i),
            Route("GET", f"{API}/WhoAmI()", self._who_am_i),
            Route("GET", f"{API}/$metadata", self._document),
            Route("GET", f"{API}/EntityDefinitions", lambda asked: json_answer(self.metadata.show_tables(asked.query))),
            Route("GET", one, show(self.metadata.show_table)),
            Route("GET", f"{one}/Attributes", show(self.metadata.show_columns)),
            Route("GET", f"{one}/Attributes/Microsoft.Dynamics.CRM.{{cast}}", self._cast_columns),
            Route("GET", f"{one}/Keys", show(self.metadata.show_keys)),
            Route("GET", f"{one}/ManyToOneRelationships", show(self.metadata.show_links)),
            Route("POST", f"{API}/EntityDefinitions", customize(self._add_table), writes=True),
            Route("POST", f"{API}/CreateEntities", customize(self._add_tables), writes=True),
            Route("POST", f"{one}/Attributes", customize(self._add_column), writes=True),
            Route("POST", f"{one}/Keys", customize(self._add_key), writes=True),
            Route("POST", f"{API}/RelationshipDefinitions", customize(self._add_relationship), writes=True),
            Route("POST", f"{API}/PublishXml", customize(lambda _asked: empty()), writes=True),
            Route("POST", f"{API}/InitializeAnnotationBlocksUpload", actions.initialize, writes=True),
            Route("POST", f"{API}/UploadBlock", actions.upload, writes=True),
            Route("POST", f"{API}/CommitAnnotationBlocksUpload", actions.commit, writes=True),
            Route("POST", f"{API}/$batch", self._batches.answer, writes=True),
            Route("POST", f"{API}/{{set}}/Microsoft.Dynamics.CRM.UpsertMultiple", rows.upsert_multiple, writes=True),
            Route("GET", f"{API}/{{set}}", rows.list_rows),
            Route("POST", f"{API}/{{set}}", rows.create_row, writes=True),
            Route("GET", f"{API}/{{set}}({{key}})", rows.read_row),
            Route("PATCH", f"{API}/{{set}}({{key}})", rows.upsert_row, writes=True),
            Route("DELETE", f"{API}/{{set}}({{key}})", rows.delete_row, writes=True),
        ]

    def add_person(self, person: Person) -> None:
        """Customers are contacts, agents are users."""
        first, _, last = person.name.partition(" ")
        names = {"firstname": first, "lastname": last or first}
        if person.kind == "agent":
            values = {**names, "internalemailaddress": person.email, "isdisabled": False}
            self.rows.create(self.tables["systemuser"], Values(values))
        else:
            values = {**names, "emailaddress1": person.email, "telephone1": person.phone}
            self.rows.create(self.tables["contact"], Values(values))

    def records(self) -> Any:  # noqa: ANN401 JSON
        """Rows by table."""
        return {logical: list(self.rows.all(logical).values()) for logical in self.tables}

    def inner(self, request: Request) -> Answer:
        """A part of a batch is held to the definition like a request of its own."""
        return self._check(request) or super().inner(request)

    def authorize(self, request: Request) -> IssuedToken:
        """A token of an app that is no application user here is known, and let in nowhere."""
        token = super().authorize(request)
        if not self._is_member:
            raise refusals.refuse(403, "0x80072560", "The user is not a member of the organization.")
        return token

    def unauthorized(self, request: Request) -> Answer:  # noqa: ARG002
        """401 with the address of the authority."""
        challenge = {"WWW-Authenticate": 'Bearer authorization_uri="https://login.microsoftonline.com/common"'}
        return error_answer(
            401, refusals.UNAUTHORIZED, "The access token is missing, expired or unknown.", headers=challenge
        )

    def limited(self, request: Request, exceeded: Exceeded) -> Answer:  # noqa: ARG002
        """429 with one of the three codes and the seconds to wait."""
        code, words = _WORDS[exceeded.kind]
        wait = 86_400 if exceeded.kind == "daily" else math.ceil(exceeded.retry_after)
        text = words.format(limit=exceeded.limit, seconds=int(exceeded.seconds))
        return error_answer(429, code, text, headers={"Retry-After": str(wait)})

    def not_found(self, request: Request) -> Answer:
        """No such resource."""
        segment = request.path.rpartition("/")[2]
        return error_answer(404, refusals.UNKNOWN_SEGMENT, f"Resource not found for the segment '{segment}'.")

    def unavailable(self, request: Request) -> Answer:  # noqa: ARG002
        """503."""
        return error_answer(
            503, refusals.UNAVAILABLE, "The server is busy and the request was not completed. Try again later."
        )

    def malformed(self, request: Request, problem: str) -> Answer:  # noqa: ARG002
        """400."""
        return error_answer(400, refusals.INVALID_PAYLOAD, problem)

    def answer_headers(self, request: Request) -> Mapping[str, str]:  # noqa: ARG002
        """What is left of the window, as api-limits documents it."""
        left = self.limits.left("api")
        return {} if left is None else {"x-ms-ratelimit-burst-remaining-xrm-requests": str(left)}

    def _fill(self, settings: Mapping[str, Any]) -> None:
        create = self.rows.create
        user = {"firstname": "Zoom", "lastname": "Export", "internalemailaddress": None, "isdisabled": False}
        self._user_id = create(self.tables["systemuser"], Values(user))
        self.rows.default_owner = self._user_id
        own = {"name": "stand-in", "maxuploadfilesize": self._largest_file, "languagecode": self.metadata.language}
        create(self.tables["organization"], Values(own))
        if settings.get("is_provisioned", True):
            provision(self.metadata, self.rows)
            self.tables["zcc_engagement"].takes_bulk = bool(settings.get("takes_bulk", True))

    def _prefixes(self) -> set[str]:
        publishers = self.rows.all("publisher").values()
        return {"new", *(str(row.get("customizationprefix")) for row in publishers)}

    def _id_of(self, table: Table, address: Address) -> str:
        return self.rows.fetch(table, address)[0]

    def _count(self, what: str) -> None:
        self.counters.changes[what] += 1

    def _token(self, request: Request) -> Answer:
        grant = read_grant(request)
        if grant.grant_type != "client_credentials":
            return _oauth_error(
                400, "unsupported_grant_type", "AADSTS70003: The app requested an unsupported grant type."
            )
        if not grant.fields.get("scope", "").endswith("/.default"):
            return _oauth_error(400, "invalid_scope", "AADSTS1002012: The provided value for scope is not valid.")
        if not self.accepts(grant):
            return _oauth_error(401, "invalid_client", "AADSTS7000215: Invalid client secret provided.")
        token = self.tokens.issue(subject=grant.client_id, scope=grant.fields["scope"])
        seconds = int(self.options.token_seconds)
        body = {"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token.value}
        return json_answer(body)

    def _who_am_i(self, request: Request) -> Answer:  # noqa: ARG002
        ids = {"BusinessUnitId": metadata_id("unit"), "OrganizationId": metadata_id("organization")}
        return json_answer({**ids, "UserId": self._user_id})

    def _document(self, request: Request) -> Answer:  # noqa: ARG002
        return Answer(self.metadata.document().encode(), media_type="application/xml")

    def _showing(self, show: Callable[[Table, Mapping[str, str]], Any]) -> Callable[[Request], Answer]:
        return lambda asked: json_answer(show(self.metadata.find(asked.values["table"]), asked.query))

    def _cast_columns(self, request: Request) -> Answer:
        found = self.metadata.find(request.values["table"])
        return json_answer(self.metadata.show_columns(found, request.query, cast=request.values["cast"]))

    def _customizing(self, handler: Callable[[Request], Answer]) -> Callable[[Request], Answer]:
        def checked(request: Request) -> Answer:
            if not self._may_customize:
                words = "Principal user is missing prvCreateEntity privilege"
                raise RefusedError(error_answer(403, refusals.UNAUTHORIZED, words))
            solution = request.header("mscrm.solutionuniquename")
            if solution and solution not in {row.get("uniquename") for row in self.rows.all("solution").values()}:
                raise refusals.refuse(400, refusals.GENERIC, f"The solution {solution} does not exist.")
            return handler(request)

        return checked

    def _add_table(self, request: Request) -> Answer:
        made = self.metadata.add_table(request.json_object())
        return self._made(f"EntityDefinitions({metadata_id(made.logical)})")

    def _add_tables(self, request: Request) -> Answer:
        made = [self.metadata.add_table(body) for body in request.json_object().get("Entities", [])]
        return json_answer({"EntityIds": [metadata_id(each.logical) for each in made]})

    def _add_column(self, request: Request) -> Answer:
        found = self.metadata.find(request.values["table"])
        column = self.metadata.add_column(found, request.json_object())
        return self._made(f"EntityDefinitions({metadata_id(found.logical)})/Attributes({metadata_id(column.logical)})")

    def _add_key(self, request: Request) -> Answer:
        found = self.metadata.find(request.values["table"])
        key = self.metadata.add_key(found, request.json_object())
        return self._made(f"EntityDefinitions({metadata_id(found.logical)})/Keys({metadata_id(key.logical)})")

    def _add_relationship(self, request: Request) -> Answer:
        link = self.metadata.add_relationship(request.json_object())
        return self._made(f"RelationshipDefinitions({metadata_id(link.navigation)})")

    def _made(self, where: str) -> Answer:
        return empty(headers={"OData-Version": "4.0", "OData-EntityId": f"{self.base_url}{API}/{where}"})


def _oauth_error(status: int, error: str, text: str) -> Answer:
    return json_answer({"error": error, "error_description": text}, status=status)


def make(options: CrmOptions) -> DynamicsStandIn:
    """A new organisation."""
    return DynamicsStandIn(options)
