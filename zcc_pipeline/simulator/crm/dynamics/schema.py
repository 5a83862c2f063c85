"""Tables, columns, look-ups and alternate keys: what the metadata shows and what writes are held to."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["String", "Memo", "Integer", "Decimal", "Boolean", "DateTime", "Picklist", "Uniqueidentifier", "Lookup"]
_NAMESPACE = uuid.UUID("6d6b5e2f-58a6-4a55-9a57-9d1f3d2c7a10")


def metadata_id(*names: str) -> str:
    """An id that is the same in every run."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(names)))


@dataclass(slots=True)
class Column:
    """One column. ``maximum`` is characters of a text, the largest value of a number."""

    logical: str
    kind: Kind = "String"
    schema: str = ""
    maximum: int | None = None
    minimum: int | None = None
    is_valid_for_create: bool = True
    is_valid_for_update: bool = True
    is_primary_name: bool = False
    targets: tuple[str, ...] = ()
    """Tables that a look-up may point to."""

    def __post_init__(self) -> None:
        self.schema = self.schema or self.logical


@dataclass(slots=True)
class Link:
    """A look-up as OData sees it: one navigation name for each table it may point to."""

    navigation: str
    column: str
    target: str
    schema: str


@dataclass(slots=True)
class Key:
    """An alternate key. Its index is built some time after it was defined; until then it cannot be used."""

    logical: str
    columns: tuple[str, ...]
    active_at: float
    schema: str = ""


@dataclass(slots=True)
class Table:
    """One table."""

    logical: str
    entity_set: str
    columns: dict[str, Column]
    links: dict[str, Link] = field(default_factory=dict)
    """By navigation name."""
    keys: dict[str, Key] = field(default_factory=dict)
    schema: str = ""
    display_name: str = ""
    has_notes: bool = False
    is_activity: bool = False
    is_custom: bool = False
    takes_bulk: bool = True
    """Whether UpsertMultiple is supported."""

    @property
    def primary_id(self) -> str:
        """Name of the primary key column."""
        return "activityid" if self.is_activity else f"{self.logical}id"

    @property
    def primary_name(self) -> str:
        """Name of the column that people see."""
        return next((column.logical for column in self.columns.values() if column.is_primary_name), "")


def texts(**lengths: int) -> list[Column]:
    """Text columns by length."""
    return [Column(name, "String", maximum=length) for name, length in lengths.items()]


def table(
    logical: str,
    entity_set: str,
    columns: list[Column],
    links: list[Link] | None = None,
    *,
    has_notes: bool = False,
    is_activity: bool = False,
    takes_bulk: bool = True,
) -> Table:
    """A table with the columns that every one has, and the look-up columns of its links."""
    made = Table(logical, entity_set, {}, schema=logical, display_name=logical)
    made.has_notes, made.is_activity, made.takes_bulk = has_notes, is_activity, takes_bulk
    own = Column(made.primary_id, "Uniqueidentifier", is_valid_for_update=False)
    dates = [Column(name, "DateTime", is_valid_for_create=False, is_valid_for_update=False) for name in _DATES]
    states = [Column("statecode", "Picklist", minimum=0, maximum=2), Column("statuscode", "Picklist", minimum=-1)]
    made.columns = {column.logical: column for column in [own, *columns, *dates, *states]}
    for link in links or []:
        add_link(made, link)
    return made


_DATES = ("createdon", "modifiedon")


def add_link(made: Table, link: Link) -> None:
    """Give a table a look-up, or one more table that a look-up may point to."""
    made.links[link.navigation] = link
    column = made.columns.setdefault(link.column, Column(link.column, "Lookup", link.schema))
    column.targets = (*column.targets, link.target)


def find_key(made: Table, columns: set[str]) -> Key | None:
    """The alternate key of exactly these columns."""
    return next((key for key in made.keys.values() if set(key.columns) == columns), None)
