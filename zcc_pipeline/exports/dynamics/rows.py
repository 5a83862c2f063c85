"""One engagement as a row of Dataverse: where it stands, and what its body says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zcc_pipeline.exports.destination import Addressed
from zcc_pipeline.exports.dynamics import queries
from zcc_pipeline.exports.dynamics.multipart import Operation
from zcc_pipeline.exports.dynamics.options import TargetOptions
from zcc_pipeline.exports.outcomes import RemoteRef

Json = dict[str, Any]

CONTACTS, USERS = "contacts", "systemusers"
_BIND = "@odata.bind"
_FROM, _TO = 1, 2
"""``participationtypemask`` of an activity party."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A target of the mapping with its options read."""

    name: str
    logical: str
    """The table's logical name."""
    key_field: str
    options: TargetOptions

    @property
    def entity_set(self) -> str:
        """The table's name in addresses."""
        return self.options.entity_set

    @property
    def is_phone_call(self) -> bool:
        """Whether rows are activities, closed when they are done."""
        return self.options.kind == "phonecall"

    @property
    def primary_id(self) -> str:
        """The primary key's column: an activity's is named alike in all of them."""
        return "activityid" if self.is_phone_call else f"{self.logical}id"

    @property
    def notes_link(self) -> str:
        """Navigation name from a note to a row of this table."""
        return self.options.notes_link or f"objectid_{self.logical}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands. ``predicate`` is its id, or ``column='value'`` of an alternate key."""

    entity_set: str
    predicate: str

    @property
    def address(self) -> str:
        """Below the API's root, encoded."""
        return queries.address(self.entity_set, self.predicate)

    @property
    def ref(self) -> RemoteRef:
        """What the ledger keeps: the entity set and what stands between the brackets."""
        return RemoteRef(self.entity_set, self.predicate)


def place_of(plan: Plan, engagement_id: str, remote: RemoteRef | None = None) -> Place:
    """Where it is by what is known, else where it goes.

    An id that an alternate key cannot hold goes by a primary key made of it: nothing else addresses the row.
    """
    if remote is not None and remote.object == plan.entity_set:
        return Place(plan.entity_set, remote.id)
    if plan.options.identify_by == "key" and queries.fits_key(engagement_id):
        return Place(plan.entity_set, queries.by_key(plan.key_field, engagement_id))
    return Place(plan.entity_set, queries.row_id(engagement_id))


def body_of(plan: Plan, one: Addressed, place: Place) -> Json:
    """The row's body. Values of the key in the address are not repeated (use-upsert-insert-update-record)."""
    body: Json = dict(one.fields)
    if queries.is_guid(place.predicate):
        body[plan.key_field] = one.outgoing.engagement_id
    else:
        body.pop(plan.key_field, None)
    if one.customer is not None and plan.options.customer_link is not None:
        body[f"{plan.options.customer_link}{_BIND}"] = _link(CONTACTS, one.customer.id)
    if one.owner_id is not None:
        body[f"ownerid{_BIND}"] = _link(USERS, one.owner_id)
    if plan.is_phone_call and (parties := _parties(one)):
        body[f"{plan.logical}_activity_parties"] = parties
    return body


def target_of(plan: Plan, one: Addressed, place: Place) -> Json:
    """The row as an item of UpsertMultiple."""
    return {
        "@odata.type": f"Microsoft.Dynamics.CRM.{plan.logical}",
        "@odata.id": place.address,
        **body_of(plan, one, place),
    }


def upsert(plan: Plan, one: Addressed, place: Place) -> Operation:
    """The row as an operation of a batch."""
    return Operation("PATCH", place.address, body_of(plan, one, place))


def is_outgoing(fields: Json) -> bool:
    """Whether a phone call was made and not received; Dataverse's own default is made."""
    return bool(fields.get("directioncode", True))


def _parties(one: Addressed) -> list[Json]:
    """Who called whom. People who are not in the CRM stand there with their number."""
    customer: Json | None = None
    if one.customer is not None:
        customer = {f"partyid_contact{_BIND}": _link(CONTACTS, one.customer.id)}
    elif one.outgoing.keys is not None and one.outgoing.keys.phone:
        customer = {"addressused": one.outgoing.keys.phone}
    agent = {f"partyid_systemuser{_BIND}": _link(USERS, one.owner_id)} if one.owner_id is not None else None
    sender, receiver = (agent, customer) if is_outgoing(dict(one.fields)) else (customer, agent)
    parties = []
    if sender is not None:
        parties.append({"participationtypemask": _FROM, **sender})
    if receiver is not None:
        parties.append({"participationtypemask": _TO, **receiver})
    return parties


def _link(entity_set: str, row_id: str) -> str:
    return f"/{queries.address(entity_set, row_id)}"
