"""Definitions as requests see them: tables, columns, alternate keys and look-ups, shown and made.

Shapes: https://learn.microsoft.com/en-us/power-apps/developer/data-platform/webapi/create-update-entity-definitions-using-web-api
and …/define-alternate-keys-entity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from xml.sax.saxutils import quoteattr

from zcc_pipeline.simulator.crm.dynamics.filters import parse_filter
from zcc_pipeline.simulator.crm.dynamics.refusals import EXISTS, UNKNOWN_SEGMENT, bad_payload, not_there, refuse
from zcc_pipeline.simulator.crm.dynamics.schema import Column, Key, Kind, Link, Table, add_link, metadata_id, table

Json = dict[str, Any]

_TYPES: dict[str, Kind] = {
    "StringAttributeMetadata": "String",
    "MemoAttributeMetadata": "Memo",
    "IntegerAttributeMetadata": "Integer",
    "DecimalAttributeMetadata": "Decimal",
    "BooleanAttributeMetadata": "Boolean",
    "DateTimeAttributeMetadata": "DateTime",
}
_CASTS = {kind: name for name, kind in _TYPES.items()} | {
    "Picklist": "PicklistAttributeMetadata",
    "Uniqueidentifier": "AttributeMetadata",
    "Lookup": "LookupAttributeMetadata",
}
_LONGEST = {"String": 4_000, "Memo": 1_048_576}
_OF_SUBTYPES = frozenset({"MaxLength", "MinValue", "MaxValue", "Targets"})
"""Properties that only a cast to the subtype may select."""


class Metadata:
    """All definitions. An alternate key's index takes ``index_seconds`` to be built."""

    def __init__(self, tables: dict[str, Table], *, monotonic: Callable[[], float], index_seconds: float) -> None:
        self.tables = tables
        self._monotonic = monotonic
        self._index_seconds = index_seconds
        self.prefixes: Callable[[], set[str]] = lambda: {"new"}
        """Prefixes of the publishers there are: a custom name must begin with one."""
        self.language = 1033
        """Every label has to be there in this language."""

    def find(self, identifier: str) -> Table:
        """By ``LogicalName='x'`` or metadata id."""
        if identifier.startswith("LogicalName='") and identifier.endswith("'"):
            found = self.tables.get(identifier[13:-1])
        else:
            found = next((each for each in self.tables.values() if metadata_id(each.logical) == identifier), None)
        if found is None:
            raise not_there("EntityMetadata", identifier)
        return found

    def of_set(self, entity_set: str) -> Table:
        """By the name that stands in addresses."""
        for each in self.tables.values():
            if each.entity_set == entity_set:
                return each
        raise refuse(404, UNKNOWN_SEGMENT, f"Resource not found for the segment '{entity_set}'.")

    # shown

    def show_tables(self, query: Mapping[str, str]) -> Json:
        """The list."""
        rows = [self._table(each) for each in self.tables.values()]
        return {"value": _selected(rows, query)}

    def show_table(self, found: Table, query: Mapping[str, str]) -> Json:
        """One."""
        (row,) = _selected([self._table(found)], query)
        return row

    def show_columns(self, found: Table, query: Mapping[str, str], *, cast: str = "") -> Json:
        """Columns, of one type where the path casts to it."""
        columns = [column for column in found.columns.values() if not cast or _CASTS[column.kind] == cast]
        if not cast and (wrong := _OF_SUBTYPES & set(query.get("$select", "").split(","))):
            raise refuse(400, UNKNOWN_SEGMENT, f"Could not find a property named '{min(wrong)}' on AttributeMetadata.")
        return {"value": _selected([_column(found, column) for column in columns], query)}

    def show_keys(self, found: Table, query: Mapping[str, str]) -> Json:
        """Alternate keys and how far their indexes are."""
        return {"value": _selected([self._key(found, key) for key in found.keys.values()], query)}

    def show_links(self, found: Table, query: Mapping[str, str]) -> Json:
        """Many-to-one relationships."""
        rows = [
            {
                "SchemaName": f"{link.navigation}_relationship",
                "ReferencedEntity": link.target,
                "ReferencingEntity": found.logical,
                "ReferencingAttribute": link.column,
                "ReferencingEntityNavigationPropertyName": link.navigation,
            }
            for link in found.links.values()
        ]
        return {"value": _selected(rows, query)}

    def document(self) -> str:
        """``$metadata``: entity types and sets."""
        types = "".join(map(_entity_type, self.tables.values()))
        sets = "".join(
            f'<EntitySet Name={quoteattr(each.entity_set)} EntityType="Microsoft.Dynamics.CRM.{each.logical}"/>'
            for each in self.tables.values()
        )
        return (
            '<?xml version="1.0" encoding="utf-8"?><edmx:Edmx Version="4.0" '
            'xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices><Schema '
            'Namespace="Microsoft.Dynamics.CRM" Alias="mscrm" xmlns="http://docs.oasis-open.org/odata/ns/edm">'
            f'{types}<EntityContainer Name="System">{sets}</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>'
        )

    # made

    def add_table(self, body: Json) -> Table:
        """A custom table, with its columns; one of them is the primary name."""
        schema = self._custom_name(body)
        if schema.lower() in self.tables:
            raise refuse(400, EXISTS, f"An entity with the specified name {schema} already exists.")
        columns = [self._read_column(each) for each in body.get("Attributes", [])]
        if sum(column.is_primary_name for column in columns) != 1:
            raise refuse(400, UNKNOWN_SEGMENT, "An entity needs exactly one attribute with IsPrimaryName.")
        owner = Link("ownerid", "ownerid", "systemuser", "ownerid")
        made = table(schema.lower(), _plural(schema.lower()), columns, [owner], has_notes=bool(body.get("HasNotes")))
        made.schema, made.is_custom, made.display_name = schema, True, _label(body, "DisplayName") or schema
        self.tables[made.logical] = made
        if made.has_notes:
            notes = self.tables["annotation"]
            add_link(notes, Link(f"objectid_{made.logical}", "objectid", made.logical, "ObjectId"))
        return made

    def add_column(self, found: Table, body: Json) -> Column:
        """One more column."""
        column = self._read_column(body)
        if column.logical in found.columns:
            raise refuse(400, "0x80044363", f"A column with the name {column.schema} already exists.")
        found.columns[column.logical] = column
        return column

    def add_key(self, found: Table, body: Json) -> Key:
        """An alternate key, pending until its index is built."""
        schema = str(body.get("SchemaName", ""))
        columns = tuple(body.get("KeyAttributes", []))
        if not schema or not columns or any(name not in found.columns for name in columns):
            raise bad_payload("KeyAttributes must name columns of the table.")
        if schema.lower() in found.keys:
            raise refuse(400, "0x80044363", f"An entity key with the name {schema} already exists.")
        key = Key(schema.lower(), columns, self._monotonic() + self._index_seconds, schema)
        found.keys[key.logical] = key
        return key

    def add_relationship(self, body: Json) -> Link:
        """A look-up column that points to another table."""
        from_, to = self.tables.get(str(body.get("ReferencingEntity"))), str(body.get("ReferencedEntity"))
        lookup = body.get("Lookup") or {}
        if from_ is None or to not in self.tables or not lookup.get("SchemaName"):
            raise bad_payload("A relationship needs both entities and a Lookup.")
        schema = self._custom_name(lookup)
        if schema.lower() in from_.columns:
            raise refuse(400, "0x80044363", f"A column with the name {schema} already exists.")
        link = Link(schema, schema.lower(), to, schema)
        add_link(from_, link)
        return link

    def _custom_name(self, body: Json) -> str:
        schema = str(body.get("SchemaName", ""))
        prefix, _, rest = schema.partition("_")
        if not rest or prefix.lower() not in self.prefixes():
            raise refuse(
                400, "0x80044363", f"The name {schema!r} is not valid: it needs the prefix of an existing publisher."
            )
        labels = (body.get("DisplayName") or {}).get("LocalizedLabels") or []
        if labels and self.language not in {label.get("LanguageCode") for label in labels}:
            raise refuse(400, "0x80044364", f"A label for the base language {self.language} is missing.")
        return schema

    def _read_column(self, body: Json) -> Column:
        # CreateEntities, which Microsoft's own client uses, calls them ComplexStringAttributeMetadata and so on.
        kind = _TYPES.get(str(body.get("@odata.type", "")).rpartition(".")[2].removeprefix("Complex"))
        if kind is None:
            raise bad_payload("Column of an unknown type.")
        schema = self._custom_name(body)
        longest = _LONGEST.get(kind)
        maximum = body.get("MaxLength", 100) if longest else body.get("MaxValue")
        if longest and not 1 <= int(maximum or 0) <= longest:
            raise refuse(400, "0x80044331", f"MaxLength of {schema} is outside the valid range 1 to {longest}.")
        return Column(
            schema.lower(),
            kind,
            schema,
            maximum=maximum,
            minimum=body.get("MinValue"),
            is_primary_name=bool(body.get("IsPrimaryName")),
        )

    def _table(self, each: Table) -> Json:
        return {
            "MetadataId": metadata_id(each.logical),
            "LogicalName": each.logical,
            "SchemaName": each.schema,
            "EntitySetName": each.entity_set,
            "LogicalCollectionName": each.entity_set,
            "PrimaryIdAttribute": each.primary_id,
            "PrimaryNameAttribute": each.primary_name,
            "HasNotes": each.has_notes,
            "IsActivity": each.is_activity,
            "IsCustomEntity": each.is_custom,
            "TableType": "Standard",
        }

    def _key(self, found: Table, key: Key) -> Json:
        return {
            "MetadataId": metadata_id(found.logical, "key", key.logical),
            "LogicalName": key.logical,
            "SchemaName": key.schema,
            "KeyAttributes": list(key.columns),
            "EntityKeyIndexStatus": "Active" if self._monotonic() >= key.active_at else "Pending",
        }


def _column(found: Table, column: Column) -> Json:
    shown: Json = {
        "@odata.type": f"#Microsoft.Dynamics.CRM.{_CASTS[column.kind]}",
        "MetadataId": metadata_id(found.logical, column.logical),
        "LogicalName": column.logical,
        "SchemaName": column.schema,
        "AttributeType": column.kind,
        "IsValidForCreate": column.is_valid_for_create,
        "IsValidForUpdate": column.is_valid_for_update,
        "IsPrimaryName": column.is_primary_name,
    }
    if column.kind in _LONGEST:
        shown["MaxLength"] = column.maximum
    elif column.kind in ("Integer", "Decimal"):
        shown["MinValue"], shown["MaxValue"] = column.minimum, column.maximum
    elif column.kind == "Lookup":
        shown["Targets"] = list(column.targets)
    elif column.kind == "Picklist":
        shown["OptionSet"] = {"Options": []}
    return shown


def _selected(rows: list[Json], query: Mapping[str, str]) -> list[Json]:
    names = set().union(*rows) if rows else set()
    if query.get("$filter"):
        test = parse_filter(query["$filter"], names or {"LogicalName"})
        rows = [row for row in rows if test(row)]
    wanted = [name.strip() for name in query.get("$select", "").split(",") if name.strip()]
    if not wanted:
        return rows
    if rows and (unknown := set(wanted) - names):
        raise refuse(400, UNKNOWN_SEGMENT, f"Could not find a property named '{min(unknown)}' on type.")
    return [{name: row.get(name) for name in (*_annotations(row), *wanted)} for row in rows]


def _annotations(row: Json) -> Iterable[str]:
    return (name for name in row if name.startswith("@"))


def _entity_type(each: Table) -> str:
    properties = "".join(f'<Property Name={quoteattr(name)} Type="{_edm(column)}"/>' for name, column in _plain(each))
    links = "".join(
        f'<NavigationProperty Name={quoteattr(link.navigation)} Type="mscrm.{link.target}">'
        f'<ReferentialConstraint Property="_{link.column}_value" ReferencedProperty="{link.target}id"/>'
        "</NavigationProperty>"
        for link in each.links.values()
    )
    key = f'<Key><PropertyRef Name="{each.primary_id}"/></Key>'
    return f'<EntityType Name="{each.logical}">{key}{properties}{links}</EntityType>'


def _plain(each: Table) -> Iterable[tuple[str, Column]]:
    for column in each.columns.values():
        yield (f"_{column.logical}_value" if column.kind == "Lookup" else column.logical), column


def _edm(column: Column) -> str:
    return {
        "String": "Edm.String",
        "Memo": "Edm.String",
        "Integer": "Edm.Int32",
        "Picklist": "Edm.Int32",
        "Decimal": "Edm.Decimal",
        "Boolean": "Edm.Boolean",
        "DateTime": "Edm.DateTimeOffset",
    }.get(column.kind, "Edm.Guid")


def _plural(logical: str) -> str:
    if logical.endswith("y"):
        return f"{logical[:-1]}ies"
    return f"{logical}es" if logical.endswith(("s", "x", "ch", "sh")) else f"{logical}s"


def _label(body: Json, name: str) -> str:
    labels = (body.get(name) or {}).get("LocalizedLabels") or [{}]
    return str(labels[0].get("Label", ""))
