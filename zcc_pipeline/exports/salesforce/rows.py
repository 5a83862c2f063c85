"""A record as Salesforce takes it: as a JSON row of a collection, or as a line of a CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from zcc_pipeline.domain.parts import in_weighed_parts
from zcc_pipeline.exports.cutting import cut, length
from zcc_pipeline.exports.destination import Addressed
from zcc_pipeline.exports.salesforce.metadata import BULK_TEXT, ObjectInfo
from zcc_pipeline.exports.salesforce.options import SalesforceOptions, TaskOptions

LONGEST_RECORD = 400_000
"""Characters that Bulk takes in a record."""

LARGEST_FILE = 90_000_000
"""Bytes of one CSV file; Salesforce advises 100 MB, since it grows by half on its way to the 150 MB it takes."""

LARGEST_CALL = 8_000_000
"""Characters of text in one collection. Salesforce states no limit of its own; this keeps a call within its time."""

ROWS_PER_CALL = 200
NULL_CELL = "#N/A"

Row = dict[str, Any]


def record_row(one: Addressed, options: SalesforceOptions, info: ObjectInfo | None) -> Row:
    """All fields of a record, its key, its customer and its owner.

    A customer who is not found empties no link: somebody may have set it by hand. A checkbox knows no emptiness, so
    "not known" is off.
    """
    row = {name: _value(name, value, info) for name, value in one.fields.items()}
    customer = one.customer
    link = {"Contact": options.contact_field, "Lead": options.lead_field}.get(customer.object) if customer else None
    if customer is not None and link is not None:
        row[link] = customer.id
    if one.owner_id is not None:
        row["OwnerId"] = one.owner_id
    row[one.outgoing.key_field] = one.outgoing.engagement_id
    return row


def enriching_row(one: Addressed, record_id: str, info: ObjectInfo | None) -> Row:
    """What is added to the record of another program."""
    return {name: _value(name, value, info) for name, value in one.fields.items()} | {"id": record_id}


def task_row(one: Addressed, task: TaskOptions, record_id: str, info: ObjectInfo) -> Row:
    """The task beside a record. A lead's task cannot be about a record (``FIELD_INTEGRITY_EXCEPTION``), so it is only
    about the lead."""
    row: Row = {name: one.fields.get(source) for name, source in task.copy_from.items()}
    row |= task.values
    row["ActivityDate"] = one.outgoing.started_at.date().isoformat()
    if one.customer is not None:
        row["WhoId"] = one.customer.id
    if one.customer is None or one.customer.object != "Lead":
        row["WhatId"] = record_id
    if one.owner_id is not None:
        row["OwnerId"] = one.owner_id
    row = {name: _fit(value, info.fields[name].length) for name, value in row.items() if name in info.fields}
    row[task.key] = one.outgoing.engagement_id
    return row


def fits_bulk(row: Mapping[str, Any], info: ObjectInfo) -> bool:
    """Whether Bulk carries it: no value in a field that was made for more than it takes (transcripts), none that reads
    as the sign for emptiness, and not too much in all."""
    total = 0
    for name, value in row.items():
        if isinstance(value, str):
            found = info.fields.get(name)
            if (found is not None and found.is_long) or length(value) > BULK_TEXT or value == NULL_CELL:
                return False
            total += length(value)
    return total <= LONGEST_RECORD


def calls_of(rows: Sequence[tuple[str, Row]]) -> Iterator[Sequence[tuple[str, Row]]]:
    """Rows for one collection each: 200, or fewer where their texts are long."""
    return in_weighed_parts(rows, ROWS_PER_CALL, heaviest=LARGEST_CALL, weight=_texts)


def _texts(row: tuple[str, Row]) -> int:
    return sum(len(value) for value in row[1].values() if isinstance(value, str))


def csv_files(rows: Sequence[tuple[str, Row]], key: str) -> Iterator[tuple[list[str], bytes]]:
    """Files of at most ``LARGEST_FILE`` bytes, each with the engagement ids of its lines.

    A field that a row does not have is an empty cell, which changes nothing; one that is to be emptied is ``#N/A``.
    """
    columns = [key, *sorted({name for _, row in rows for name in row} - {key})]
    head = _line(columns)
    ids: list[str] = []
    pieces, size = [head], len(head)
    for engagement_id, row in rows:
        line = _line([_cell(row, column) for column in columns])
        if ids and size + len(line) > LARGEST_FILE:
            yield ids, b"".join(pieces)
            ids, pieces, size = [], [head], len(head)
        ids.append(engagement_id)
        pieces.append(line)
        size += len(line)
    if ids:
        yield ids, b"".join(pieces)


def read_csv(file: bytes) -> Iterator[dict[str, str]]:
    """Lines of a result file, by column."""
    return csv.DictReader(io.StringIO(file.decode("utf-8-sig"), newline=""))


def _value(name: str, value: Any, info: ObjectInfo | None) -> Any:  # noqa: ANN401 JSON
    found = info.fields.get(name) if info is not None else None
    return False if value is None and found is not None and found.type == "boolean" else value


def _fit(value: Any, limit: int) -> Any:  # noqa: ANN401 JSON
    return cut(value, limit) if isinstance(value, str) and limit else value


def _cell(row: Mapping[str, Any], column: str) -> str:
    if column not in row:
        return ""
    value = row[column]
    if value is None or value == "":
        return NULL_CELL
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _line(cells: Sequence[str]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow(cells)
    return out.getvalue().encode()
