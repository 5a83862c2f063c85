"""What the instance says of itself: columns, unique indexes, the transform map of a staging table.

Tables and columns read here: ``sys_db_object``, ``sys_dictionary``, ``sys_index`` (``logical_table_name``,
``col_name_string``, ``unique_index``: the names that the platform's own script include IndexCreator writes),
``sys_transform_map`` and ``sys_transform_entry``. A user who may not read one of them is shown no rows, or gets a 403.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from zcc_pipeline.domain.errors import TransientError
from zcc_pipeline.exports.servicenow.client import Client, Reply, Row, listing
from zcc_pipeline.exports.servicenow.queries import names

JOURNALS = frozenset({"journal", "journal_input", "journal_list"})
TEXTS = frozenset({"string", "email", "ph_number", "phone_number_e164", "url", "string_full_utf8", "choice", "html"})
CUT_IN_SILENCE = 255
"""Text columns up to this length cut what is longer without a word; longer ones keep it all (KB0685779)."""
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Column:
    """One column, by ``sys_dictionary``."""

    name: str
    type: str
    max_length: int
    reference: str = ""
    is_unique: bool = False
    is_read_only: bool = False


@dataclass(frozen=True, slots=True)
class TableFacts:
    """One table. Without columns it is not there, or not to be seen."""

    name: str
    columns: Mapping[str, Column] = field(default_factory=dict)
    ancestors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Transform:
    """The active transform map from a staging table into a target."""

    sources: Mapping[str, str]
    """Staging column by target column."""
    keys: frozenset[str]
    """Target columns that are coalesced on."""
    copies_empty: bool
    makes_references: frozenset[str] = frozenset()
    """Target references for which an unknown value would make a new record."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """Everything that was read."""

    tables: Mapping[str, TableFacts]
    transforms: Mapping[tuple[str, str], Transform]
    """By staging table and target."""
    is_readable: bool
    """Whether the dictionary could be read at all."""

    def table(self, name: str) -> TableFacts:
        """What is known of a table, nothing where it was not found."""
        return self.tables.get(name, TableFacts(name))


async def read_metadata(client: Client, tables: Iterable[str], stagings: Iterable[tuple[str, str]]) -> Metadata:
    """Of those tables, and of those pairs of staging table and target. Few requests, whatever is asked."""
    pairs = list(dict.fromkeys(stagings))
    wanted = list(dict.fromkeys([*tables, *(staging for staging, _ in pairs)]))
    parents = await _parents(client, wanted)
    known = list(dict.fromkeys([*wanted, *parents.values()]))
    dictionary, indexes, maps = await client.read_all(
        [
            listing(
                "sys_dictionary",
                names("name", known) + "^elementISNOTEMPTY^ORDERBYelement",
                ("name", "element", "internal_type", "max_length", "reference", "unique", "read_only", "active"),
                limit=10_000,
            ),
            listing("sys_index", names("logical_table_name", known), ("logical_table_name", *_INDEX_FIELDS)),
            listing(
                "sys_transform_map",
                names("source_table", [staging for staging, _ in pairs]) + "^active=true^ORDERBYsys_created_on",
                ("sys_id", "source_table", "target_table", "copy_empty_fields", "active"),
            ),
        ],
        "read metadata",
    )
    for reply in (dictionary, indexes, maps):
        _raise_if_not_now(reply)
    unique = _unique(indexes)
    facts = {name: _table(name, _line_of(name, parents), dictionary.rows, unique) for name in wanted}
    return Metadata(facts, await _transforms(client, maps, pairs), bool(dictionary.rows))


_INDEX_FIELDS = ("col_name_string", "unique_index")


async def _parents(client: Client, tables: Sequence[str]) -> dict[str, str]:
    """Each table's parent, up to the roots; columns are described at the table that declares them."""
    parents: dict[str, str] = {}
    asked: set[str] = set()
    level = list(tables)
    for _ in range(_DEEPEST):
        level = [name for name in level if name not in asked]
        if not level:
            break
        asked.update(level)
        fields = ("name", "super_class.name")
        (found,) = await client.read_all([listing("sys_db_object", names("name", level), fields)], "read metadata")
        _raise_if_not_now(found)
        extended = {_text(row, "name"): _text(row, "super_class.name") for row in found.rows}
        parents |= {name: parent for name, parent in extended.items() if name in asked and parent}
        level = list(dict.fromkeys(parents[name] for name in level if name in parents))
    return {name: parent for name, parent in parents.items() if parent}


def _line_of(table: str, parents: Mapping[str, str]) -> tuple[str, ...]:
    line: list[str] = []
    name = parents.get(table)
    while name and name not in line:
        line.append(name)
        name = parents.get(name)
    return tuple(line)


def _unique(reply: Reply) -> set[tuple[str, str]]:
    return {
        (_text(row, "logical_table_name"), _text(row, "col_name_string"))
        for row in reply.rows
        if _text(row, "unique_index") == "true"
    }


def _table(
    name: str, ancestors: tuple[str, ...], dictionary: Sequence[Row], unique: set[tuple[str, str]]
) -> TableFacts:
    columns: dict[str, Column] = {}
    for table in (*reversed(ancestors), name):
        for row in dictionary:
            if _text(row, "name") == table and _text(row, "element") and _text(row, "active") != "false":
                element = _text(row, "element")
                columns[element] = Column(
                    element,
                    _text(row, "internal_type"),
                    _number(_text(row, "max_length")),
                    _text(row, "reference"),
                    _text(row, "unique") == "true" or (table, element) in unique or (name, element) in unique,
                    _text(row, "read_only") == "true",
                )
    return TableFacts(name, columns, ancestors)


async def _transforms(
    client: Client, maps: Reply, pairs: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], Transform]:
    """The first active map of each pair, as the platform runs them in order."""
    chosen: dict[tuple[str, str], Row] = {}
    for row in maps.rows:
        pair = (_text(row, "source_table"), _text(row, "target_table"))
        if pair in pairs and _text(row, "active") == "true":
            chosen.setdefault(pair, row)
    if not chosen:
        return {}
    query = f"mapIN{','.join(_text(row, 'sys_id') for row in chosen.values())}"
    fields = ("map", "source_field", "target_field", "coalesce", "choice_action", "reference_value_field")
    (found,) = await client.read_all([listing("sys_transform_entry", query, fields)], "read metadata")
    _raise_if_not_now(found)
    return {
        pair: _transform(row, [entry for entry in found.rows if _text(entry, "map") == _text(row, "sys_id")])
        for pair, row in chosen.items()
    }


def _transform(row: Row, entries: Sequence[Row]) -> Transform:
    sources = {
        _text(entry, "target_field"): _text(entry, "source_field")
        for entry in entries
        if not _text(entry, "source_field").startswith("[")  # "[Script]": nothing of ours is read
    }
    return Transform(
        sources,
        frozenset(_text(entry, "target_field") for entry in entries if _text(entry, "coalesce") == "true"),
        _text(row, "copy_empty_fields") == "true",
        frozenset(
            _text(entry, "target_field")
            for entry in entries
            if _text(entry, "choice_action") == "create" or _text(entry, "reference_value_field") not in ("", "sys_id")
        ),
    )


def _raise_if_not_now(reply: Reply) -> None:
    """What may not be read is not known; what could not be read now is a reason to stop."""
    if reply.may_come_later or reply.is_unknown:
        raise TransientError(f"read metadata: {reply.status}")


def _text(row: Row, name: str) -> str:
    """A value; references come as text, or as an object where links could not be left out."""
    value = row.get(name)
    if isinstance(value, Mapping):
        value = value.get("value")
    return value if isinstance(value, str) else ""


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
