"""What Dataverse says of its tables: columns, alternate keys, look-ups.

https://learn.microsoft.com/en-us/power-apps/developer/data-platform/webapi/query-metadata-web-api: lengths belong to
the subtypes of columns and are asked for by a cast.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zcc_pipeline.exports.calls import Safety
from zcc_pipeline.exports.dynamics import queries
from zcc_pipeline.exports.dynamics.client import DynamicsClient, Json, refusal
from zcc_pipeline.exports.dynamics.multipart import Operation
from zcc_pipeline.exports.dynamics.people import part_rows

ACTIVE = "Active"

_CAST = "Attributes/Microsoft.Dynamics.CRM."
_PARTS = (
    "?$select=LogicalName,SchemaName,EntitySetName,PrimaryIdAttribute,HasNotes,IsActivity",
    "/Attributes?$select=LogicalName,AttributeType,IsValidForCreate,IsValidForUpdate",
    f"/{_CAST}StringAttributeMetadata?$select=LogicalName,MaxLength",
    f"/{_CAST}MemoAttributeMetadata?$select=LogicalName,MaxLength",
    "/Keys?$select=LogicalName,KeyAttributes,EntityKeyIndexStatus",
    "/ManyToOneRelationships?$select=ReferencingAttribute,ReferencedEntity,ReferencingEntityNavigationPropertyName",
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column; ``kind`` is Dataverse's AttributeType."""

    kind: str
    is_writable: bool
    max_length: int | None


@dataclass(frozen=True, slots=True)
class Table:
    """One table."""

    logical: str
    entity_set: str
    primary_id: str
    has_notes: bool
    is_activity: bool
    columns: Mapping[str, Column]
    keys: Mapping[tuple[str, ...], str]
    """Status of the index by the key's columns."""
    links: Mapping[str, tuple[str, str]]
    """Column and table pointed to, by navigation name."""


class Definitions:
    """Reads definitions, each table's once."""

    def __init__(self, client: DynamicsClient) -> None:
        self._client = client
        self._known: dict[str, Table] = {}

    def forget(self) -> None:
        """What was read may have changed."""
        self._known.clear()

    async def load(self, logical: str) -> Table | None:
        """One table; None where there is none of that name."""
        if logical not in self._known:
            where = queries.address("EntityDefinitions", queries.by_key("LogicalName", logical))
            operations = [Operation("GET", f"{where}{part}") for part in _PARTS]
            answers = await self._client.batch(operations, "read definitions", Safety.READ)
            if answers[0].status == 404:
                return None
            for part in answers:
                if not part.is_success:
                    raise refusal("read definitions", part)
            head, *lists = (part.body for part in answers)
            self._known[logical] = _table(head, [part_rows(body) for body in lists])
        return self._known[logical]


def _table(head: Json, lists: Sequence[list[Json]]) -> Table:
    columns, texts, memos, keys, links = lists
    lengths = {row["LogicalName"]: row.get("MaxLength") for row in (*texts, *memos)}
    return Table(
        logical=str(head["LogicalName"]),
        entity_set=str(head["EntitySetName"]),
        primary_id=str(head["PrimaryIdAttribute"]),
        has_notes=bool(head.get("HasNotes")),
        is_activity=bool(head.get("IsActivity")),
        columns={
            str(row["LogicalName"]): Column(
                str(row.get("AttributeType")),
                bool(row.get("IsValidForCreate")) and bool(row.get("IsValidForUpdate")),
                lengths.get(row["LogicalName"]),
            )
            for row in columns
        },
        keys={tuple(row.get("KeyAttributes") or ()): str(row.get("EntityKeyIndexStatus")) for row in keys},
        links={
            str(row["ReferencingEntityNavigationPropertyName"]): (
                str(row["ReferencingAttribute"]),
                str(row["ReferencedEntity"]),
            )
            for row in links
        },
    )
