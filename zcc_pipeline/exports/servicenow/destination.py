"""ServiceNow as a destination."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import httpx

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import QuotaExhausted, TransientError
from zcc_pipeline.exports.destination import (
    Addressed,
    Check,
    Customer,
    CustomerKeys,
    InFlight,
    MappingProblem,
    Outgoing,
    PreparedRequest,
    SetupStep,
    Usage,
    WriteLog,
)
from zcc_pipeline.exports.mapping import CrmMapping
from zcc_pipeline.exports.outcomes import Outcome, RemoteRef, Status
from zcc_pipeline.exports.servicenow.appends import Appends, note_item, written
from zcc_pipeline.exports.servicenow.checking import problems, shape_for
from zcc_pipeline.exports.servicenow.client import Client, Item, classify
from zcc_pipeline.exports.servicenow.config import NAME, Options, ServiceNowConfig
from zcc_pipeline.exports.servicenow.examining import examine
from zcc_pipeline.exports.servicenow.metadata import Metadata, read_metadata
from zcc_pipeline.exports.servicenow.people import People
from zcc_pipeline.exports.servicenow.queries import is_searchable, is_sys_id
from zcc_pipeline.exports.servicenow.records import (
    Job,
    Records,
    import_item,
    insert_item,
    staged_outcome,
    update_item,
)
from zcc_pipeline.exports.servicenow.setup import steps
from zcc_pipeline.exports.servicenow.values import Shape, file_name, shape_of
from zcc_pipeline.exports.session import CrmRefused, CrmSession, OverSession

_ROWS_A_BATCH = 100
_ROWS_AN_IMPORT_SET = 200
"""ServiceNow's own advice for insertMultiple: no more than 200 rows, then slowly more."""
_NOTHING_KNOWN = Metadata({}, {}, is_readable=False)
_DONE = frozenset({Status.CREATED, Status.UPDATED, Status.UNCHANGED})


class ServiceNowDestination(OverSession):
    """One instance. An async context manager; all calls within one event loop."""

    name = NAME

    def __init__(
        self,
        config: ServiceNowConfig,
        mapping: CrmMapping,
        *,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """``transport`` is for tests only."""
        self._mapping = mapping
        self._options = {name: mapping.options(name, Options) for name in mapping.section.targets}
        uses_sets = any(
            options.write == "import_set" and options.rows == "insert_multiple" for options in self._options.values()
        )
        self.batch_size = _ROWS_AN_IMPORT_SET if uses_sets else _ROWS_A_BATCH
        self._quota: int | None = None
        self.session = CrmSession(
            config.session(),
            tokens=config.tokens(clock),
            classify=classify,
            clock=clock,
            observe=self._observe,
            transport=transport,
        )
        self._client = Client(self.session)
        self._records = Records(self._client, clock, import_wait_seconds=config.import_wait_seconds)
        self._appends = Appends(self._client)
        self._people = People(self._client)
        self._metadata: Metadata | None = None

    async def examine(self) -> Sequence[Check]:
        """Credentials, rights, the key column, the journal, what files are let in."""
        return await examine(self._client, self._mapping, self._known)

    async def validate(self) -> Sequence[MappingProblem]:
        """The mapping against dictionary and transform map."""
        return list(problems(self._mapping, await self._known()))

    async def set_up(self) -> Sequence[SetupStep]:
        """Creates nothing: columns, indexes and maps are an administrator's, who is told which."""
        return list(steps(self._mapping, await self._known()))

    async def find_customers(self, wanted: Sequence[CustomerKeys]) -> Mapping[CustomerKeys, Sequence[Customer]]:
        """By e-mail, then by phone, in the tables that ``customer_columns`` names."""
        metadata = await self._known()
        tables = [metadata.table(name) for name in self._customer_tables()]
        by_digits = any(options.phone_search == "digits" for options in self._options.values())
        return await self._people.find_customers(wanted, tables, by_digits=by_digits)

    async def create_customer(self, keys: CustomerKeys, name: str | None) -> Customer:
        """In the table that ``create_in`` names."""
        options = next(iter(self._options.values()))
        return await self._people.create(keys, name, (await self._known()).table(options.create_in))

    async def find_owners(self, emails: Sequence[str]) -> Mapping[str, str]:
        """Active users."""
        return await self._people.find_owners(emails)

    async def find_logged(self, wanted: Sequence[Outgoing]) -> Mapping[str, RemoteRef]:
        """Records of other programs, by the column that ``coexistence.lookup`` names."""
        lookup = self._mapping.section.coexistence.lookup
        if lookup is None:
            return {}
        asked = [(lookup.object, lookup.field, one.logged_as) for one in wanted if one.logged_as]
        found = await self._records.find(asked)
        return {
            one.engagement_id: found[lookup.object, one.logged_as]
            for one in wanted
            if one.logged_as and (lookup.object, one.logged_as) in found
        }

    async def resolve(self, flights: Sequence[InFlight]) -> Mapping[str, Outcome]:
        """From the import set where there is one, else by key. A repeated import is harmless, so that what is not
        there (yet) may simply be sent again."""
        try:
            by_job = await self._by_import_set([flight for flight in flights if is_sys_id(flight.job_id)])
            rest = [flight for flight in flights if flight.engagement_id not in by_job]
            return {**by_job, **await self._by_key(rest)}
        except QuotaExhausted:
            raise
        except TransientError:
            return {
                each.engagement_id: Outcome(each.engagement_id, Status.UNKNOWN, code="no_answer") for each in flights
            }

    async def write(self, batch: Sequence[Addressed], log: WriteLog) -> Sequence[Outcome]:
        """Records first, then what hangs on them."""
        metadata = await self._known()
        jobs = [Job(one, shape_of(one, metadata)) for one in batch]
        outcomes = await self._records.write(jobs, log)
        by_id = {job.id: job for job in jobs}
        there, others = [], []
        for outcome in outcomes:
            job = by_id[outcome.engagement_id]
            if outcome.status in _DONE and outcome.remote is not None and not job.one.is_enriching:
                there.append(written(job, outcome, outcome.remote))
            else:
                others.append(outcome)
        try:
            return [*others, *await self._appends.bring(there, log)]
        except QuotaExhausted:
            raise
        except TransientError:  # a look-up before notes or files failed: nothing of theirs was sent
            return [
                *others,
                *(Outcome(each.job.id, Status.FAILED_RETRYABLE, each.ref, "look_up_failed") for each in there),
            ]

    def preview(self, one: Addressed) -> Sequence[PreparedRequest]:
        """The record's own request, one for each note, one for each file."""
        job = Job(one, shape_of(one, self._metadata or _NOTHING_KNOWN))
        ref = one.remote or RemoteRef(one.outgoing.object, "{sys_id}")
        if one.is_enriching or (job.shape.options.write == "table" and one.remote is not None):
            items = [update_item(job, ref)]
        elif job.shape.options.write == "table":
            items = [insert_item(job)]
        else:
            items = [import_item(job)]
        if one.is_enriching:
            return [self._prepared(item) for item in items]
        items += [note_item(job, ref, entry) for entry in one.outgoing.entries if entry.key not in one.written]
        files = [
            PreparedRequest(
                "POST",
                self.session.address(
                    str(
                        httpx.URL(
                            "/api/now/attachment/file",
                            params={"table_name": ref.object, "table_sys_id": ref.id, "file_name": file_name(file)},
                        )
                    )
                ),
                {"Content-Type": file.media_type, "Content-Length": str(file.size_bytes)},
                f"({file.size_bytes} bytes)",
            )
            for file in one.outgoing.attachments
            if file.key not in one.written
        ]
        return [*(self._prepared(item) for item in items), *files]

    def usage(self) -> Usage:
        """Calls of this run; the quota is an hour's, where an administrator has set a rule."""
        return self.session.usage(None, self._quota)

    async def _known(self) -> Metadata:
        """Read once. What the user may not read is not known, and ``validate`` says so."""
        if self._metadata is None:
            try:
                self._metadata = await read_metadata(self._client, self._tables(), self._stagings())
            except CrmRefused:
                self._metadata = _NOTHING_KNOWN
        return self._metadata

    def _tables(self) -> list[str]:
        section = self._mapping.section
        named = [target.object for target in section.targets.values()]
        named += [*self._customer_tables(), *(options.create_in for options in self._options.values())]
        if section.coexistence.lookup is not None:
            named.append(section.coexistence.lookup.object)
        return list(dict.fromkeys(named))

    def _customer_tables(self) -> list[str]:
        return list(dict.fromkeys(name for options in self._options.values() for name in options.customer_columns))

    def _stagings(self) -> list[tuple[str, str]]:
        return [
            (self._options[name].staging, target.object)
            for name, target in self._mapping.section.targets.items()
            if self._imports(name)
        ]

    def _imports(self, target: str) -> bool:
        return self._options[target].write == "import_set"

    def _shapes(self, metadata: Metadata) -> list[Shape]:
        targets = self._mapping.section.targets
        return [shape_for(target, self._options[name], metadata) for name, target in targets.items()]

    async def _by_import_set(self, flights: Sequence[InFlight]) -> dict[str, Outcome]:
        """Rows of an import set are deleted after some days; then the key has to do."""
        found: dict[str, Outcome] = {}
        shapes = [shape for shape in self._shapes(await self._known()) if shape.options.rows == "insert_multiple"]
        for job_id in dict.fromkeys(flight.job_id for flight in flights if flight.job_id):
            for shape in shapes:
                rows = {str(row["key"]): row for row in await self._records.staged(job_id, shape)}
                for flight in flights:
                    if flight.job_id == job_id and flight.engagement_id in rows:
                        found[flight.engagement_id] = _resolved(flight, shape, rows[flight.engagement_id])
        return found

    async def _by_key(self, flights: Sequence[InFlight]) -> dict[str, Outcome]:
        metadata = await self._known()
        places: dict[str, list[tuple[str, str]]] = {}
        for flight in flights:
            if flight.outgoing is not None:
                places[flight.engagement_id] = [(flight.outgoing.object, flight.outgoing.key_field)]
            else:
                places[flight.engagement_id] = [(shape.object, shape.key) for shape in self._shapes(metadata)]
        found = await self._records.find(
            [(object_, column, key) for key, where in places.items() for object_, column in where]
        )
        tables = {target.object for name, target in self._mapping.section.targets.items() if not self._imports(name)}
        return {
            key: _by_place(
                key,
                [found.get((object_, key)) for object_, _ in where],
                is_repeatable=not any(object_ in tables for object_, _ in where),
            )
            for key, where in places.items()
        }

    def _prepared(self, item: Item) -> PreparedRequest:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        return PreparedRequest.of_json(item.method, self.session.address(item.path), item.body, headers)

    def _observe(self, response: httpx.Response) -> None:
        limit = response.headers.get("x-ratelimit-limit", "")
        if limit.isascii() and limit.isdigit():
            self._quota = int(limit)


def _resolved(flight: InFlight, shape: Shape, row: Mapping[str, object]) -> Outcome:
    outcome = staged_outcome(flight.engagement_id, shape.object, row)
    if outcome.status in _DONE and outcome.remote is not None:
        return Outcome(flight.engagement_id, Status.CREATED, outcome.remote)
    if outcome.status is Status.UNKNOWN:
        return outcome
    return Outcome(flight.engagement_id, Status.FAILED_RETRYABLE, code="import_refused")


def _by_place(key: str, refs: Sequence[RemoteRef | None], *, is_repeatable: bool) -> Outcome:
    """An id that may not stand in a query can be sent again through an import set, which compares it itself."""
    ref = next((ref for ref in refs if ref is not None), None)
    if ref is not None:
        return Outcome(key, Status.CREATED, ref)
    if not is_repeatable and not is_searchable(key):
        return Outcome(key, Status.FAILED_PERMANENT, code="id_not_searchable")
    return Outcome(key, Status.FAILED_RETRYABLE, code="never_arrived")
