"""Who a record belongs to in the CRM: customers, owners, records of other programs. Each is asked for once a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zcc_pipeline.domain.errors import QuotaExhausted, RecordRejected, TransientError
from zcc_pipeline.exports.destination import Addressed, Customer, CustomerKeys, Destination, Fields
from zcc_pipeline.exports.mapping import CrmMapping, queue_rule
from zcc_pipeline.exports.outcomes import Outcome, RemoteRef, Status
from zcc_pipeline.exports.planning import Send

NO_CUSTOMER, SEVERAL_CUSTOMERS = "no_customer", "several_customers"
UNLINKED = (NO_CUSTOMER, SEVERAL_CUSTOMERS)
"""Why a record has no customer, as a code."""

_WORDS = {
    NO_CUSTOMER: "no customer has that e-mail address or phone",
    SEVERAL_CUSTOMERS: "several customers have that e-mail address or phone",
}
_MOST_REMEMBERED = 50_000


@dataclass(frozen=True, slots=True)
class Pieces:
    """Keys of a record's entries and attachments: there for certain, and perhaps there."""

    written: frozenset[str] = frozenset()
    unsure: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Home:
    """Where a record is or will be."""

    remote: RemoteRef | None
    fields: Fields
    is_enriching: bool


class Addressing:
    """Answers of one run, remembered. With ``creates`` off, customers that are not there are not created."""

    def __init__(self, destination: Destination, mapping: CrmMapping, *, creates: bool = True) -> None:
        self._destination = destination
        self._section = mapping.section
        self._creates = creates
        self._customers: dict[CustomerKeys, Sequence[Customer]] = {}
        self._owners: dict[str, str | None] = {}

    @property
    def decides(self) -> bool:
        """Whether what the CRM knows can keep a record from being written."""
        customer = self._section.customer
        return "quarantine" in (customer.on_none, customer.on_several) or bool(self._section.coexistence.queues)

    async def address(
        self, batch: Sequence[Send], pieces: Mapping[str, Pieces]
    ) -> tuple[list[Addressed], list[tuple[Send, Outcome]]]:
        """Those to be written, and those of which that is already decided. ``TransientError`` where the CRM does not
        answer at all."""
        homes, decided = await self._at_home(batch)
        left = [send for send in batch if send.plan.engagement_id in homes]
        await self.find_customers(
            [send.outgoing.keys for send in left if not homes[send.plan.engagement_id].is_enriching]
        )
        await self._find_owners([send.outgoing.owner_email for send in left])
        ready = []
        for send in left:
            home = homes[send.plan.engagement_id]
            customer = None if home.is_enriching else await self._customer(send)
            if isinstance(customer, Outcome):
                decided.append((send, customer))
                continue
            has = pieces.get(send.plan.engagement_id, Pieces())
            ready.append(
                Addressed(
                    outgoing=send.outgoing,
                    remote=home.remote,
                    customer=customer,
                    owner_id=self._owner(send.outgoing.owner_email),
                    fields=home.fields,
                    written=has.written,
                    unsure=has.unsure,
                    is_enriching=home.is_enriching,
                )
            )
        return ready, decided

    async def _at_home(self, batch: Sequence[Send]) -> tuple[dict[str, _Home], list[tuple[Send, Outcome]]]:
        """Records of ours, records of another program that are to be enriched, and those to be left to it."""
        homes: dict[str, _Home] = {}
        decided: list[tuple[Send, Outcome]] = []
        wanted: list[tuple[Send, str]] = []
        for send in batch:
            row, rule = send.row, queue_rule(send.activity, self._section.coexistence.queues)
            if row is not None and row.remote_id is not None and not row.is_foreign:
                homes[row.engagement_id] = _Home(
                    RemoteRef(row.remote_object or "", row.remote_id), send.outgoing.fields, False
                )
            elif rule is None:
                homes[send.plan.engagement_id] = _Home(None, send.outgoing.fields, False)
            elif self._section.coexistence.lookup is None:
                decided.append((send, _skipped(send, None)))
            else:
                wanted.append((send, rule))
        logged = await self._destination.find_logged([send.outgoing for send, _ in wanted]) if wanted else {}
        for send, rule in wanted:
            remote = logged.get(send.plan.engagement_id)
            if remote is None:
                homes[send.plan.engagement_id] = _Home(None, send.outgoing.fields, False)
            elif rule == "skip":
                decided.append((send, _skipped(send, remote)))
            else:
                homes[send.plan.engagement_id] = _Home(remote, send.outgoing.enrich, True)
        return homes, decided

    async def find_customers(self, keys: Sequence[CustomerKeys | None]) -> None:
        """Look up those that this run has not looked up yet."""
        wanted = list(dict.fromkeys(each for each in keys if each is not None and each not in self._customers))
        if not wanted:
            return
        if len(self._customers) + len(wanted) > _MOST_REMEMBERED:
            self._customers.clear()
            wanted = list(dict.fromkeys(each for each in keys if each is not None))
        self._customers.update(await self._destination.find_customers(wanted))

    def lack(self, keys: CustomerKeys | None) -> str:
        """Why there is nobody to link among those looked up: one of ``UNLINKED``, or nothing."""
        found = self._customers.get(keys, ()) if keys is not None else ()
        if keys is None or len(found) == 1:  # nobody could ever be found for a withheld number
            return ""
        return SEVERAL_CUSTOMERS if found else NO_CUSTOMER

    async def _customer(self, send: Send) -> Customer | Outcome | None:
        """Whom to link; an outcome where the record is not to be written because of it."""
        keys, rule = send.outgoing.keys, self._section.customer
        if keys is None:  # nobody could ever be found for a withheld number
            return None
        found, lack = self._customers.get(keys, ()), self.lack(keys)
        if not lack:
            return found[0]
        if (rule.on_several if found else rule.on_none) == "quarantine":
            return _refused(send, lack, _WORDS[lack])
        if not found and rule.on_none == "create" and self._creates:
            return await self._created(send, keys)
        return None

    async def _created(self, send: Send, keys: CustomerKeys) -> Customer | Outcome:
        try:
            customer = await self._destination.create_customer(keys, send.outgoing.customer_name)
        except RecordRejected as error:
            return _refused(send, "customer_refused", str(error))
        except QuotaExhausted:
            raise
        except TransientError:  # the record itself was not sent; the next run looks for the customer again
            return Outcome(send.plan.engagement_id, Status.FAILED_RETRYABLE, code="customer_not_created")
        self._customers[keys] = (customer,)
        return customer

    async def _find_owners(self, emails: Sequence[str | None]) -> None:
        fallback = self._section.owner.fallback
        asked = [email for email in (*emails, fallback.lower() if fallback else None) if email]
        wanted = [email for email in dict.fromkeys(asked) if email not in self._owners]
        if wanted:
            found = await self._destination.find_owners(wanted)
            self._owners.update((email, found.get(email)) for email in wanted)

    def _owner(self, email: str | None) -> str | None:
        fallback = self._section.owner.fallback
        by_agent = self._owners.get(email) if email else None
        return by_agent or (self._owners.get(fallback.lower()) if fallback else None)


def _skipped(send: Send, remote: RemoteRef | None) -> Outcome:
    return Outcome(send.plan.engagement_id, Status.SKIPPED, remote, code="connector")


def _refused(send: Send, code: str, words: str) -> Outcome:
    return Outcome(send.plan.engagement_id, Status.FAILED_PERMANENT, code=code, message=words)
