"""Values as the platform takes them: text, of a length that is not cut behind our back, under the right names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from zcc_pipeline.exports.cutting import clean, cut, cut_at_sentence
from zcc_pipeline.exports.destination import Addressed, Attachment, Entry
from zcc_pipeline.exports.servicenow.config import Options
from zcc_pipeline.exports.servicenow.metadata import TEXTS, Metadata, TableFacts, Transform

_CODE_TAG = re.compile(r"\[(/?)(code)\]", re.IGNORECASE)
_LONGEST_NOTE = 60_000
_LONGEST_FILE_NAME = 100
_LONGEST_AT_A_WORD = 300
"""Texts with more room than this are cut at a sentence."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How records of one target are written."""

    object: str
    key: str
    options: Options
    table: TableFacts
    staging: TableFacts
    transform: Transform | None

    def values(self, one: Addressed) -> dict[str, str]:
        """By columns of the target: what the mapping made, the key, and whom the record belongs to."""
        values = {name: self._text(name, value) for name, value in one.fields.items()}
        if one.is_enriching:
            return values
        values[self.key] = one.outgoing.engagement_id
        options = self.options
        if one.customer is not None and (column := options.customer_columns.get(one.customer.object)):
            values[column] = one.customer.id
        if one.owner_id is not None and options.owner_column:
            values[options.owner_column] = one.owner_id
        return values

    def staged(self, one: Addressed) -> dict[str, str]:
        """The same by columns of the staging table."""
        return {self.staging_column(name): value for name, value in self.values(one).items()}

    def staging_column(self, target: str) -> str:
        """By the transform map; where that cannot be read, as the platform would have named it."""
        found = self.transform.sources.get(target) if self.transform is not None else None
        return found or (target if target.startswith("u_") else f"u_{target}")

    def _text(self, name: str, value: Any) -> str:  # noqa: ANN401 - whatever the mapping made
        text = as_text(value)
        limit = self._limit(name)
        if limit is None:
            return text
        return cut_at_sentence(text, limit) if limit > _LONGEST_AT_A_WORD else cut(text, limit)

    def _limit(self, name: str) -> int | None:
        columns = [self.table.columns.get(name)]
        if self.options.write == "import_set":
            columns.append(self.staging.columns.get(self.staging_column(name)))
        lengths = [
            column.max_length for column in columns if column is not None and column.type in TEXTS and column.max_length
        ]
        return min(lengths, default=None)


def shape_of(one: Addressed, metadata: Metadata) -> Shape:
    """How that record is written; what is not known of the instance is left to conventions."""
    outgoing = one.outgoing
    options = Options.model_validate(dict(outgoing.options))
    if one.is_enriching and one.remote is not None:
        there = metadata.table(one.remote.object)
        return Shape(one.remote.object, outgoing.key_field, options, there, TableFacts(""), None)
    return Shape(
        outgoing.object,
        outgoing.key_field,
        options,
        metadata.table(outgoing.object),
        metadata.table(options.staging),
        metadata.transforms.get((options.staging, outgoing.object)),
    )


def as_text(value: Any) -> str:  # noqa: ANN401 - whatever the mapping made
    """Import sets take text only; None empties the column."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case float() if value.is_integer():
            return str(int(value))
        case Mapping() | list() | tuple():
            raise TypeError("a field's value has to be plain")
    return str(value)


def marker(key: str) -> str:
    """What a journal entry of ours ends with: by it an entry is recognised whose arrival nobody saw."""
    return f"[zcc {blake2b(key.encode(), digest_size=6).hexdigest()}]"


def file_name(file: Attachment) -> str:
    """The name under which it is attached: ``sys_attachment.file_name`` would cut a longer one, and its extension with
    it, by which files are let in."""
    if len(file.file_name) <= _LONGEST_FILE_NAME:
        return file.file_name
    stem, dot, extension = file.file_name.rpartition(".")
    end = f"-{blake2b(file.file_name.encode(), digest_size=4).hexdigest()}{dot}{extension}"
    return stem[: _LONGEST_FILE_NAME - len(end)] + end


def note_text(entry: Entry) -> str:
    """A journal entry. ``[code]`` would be shown as markup by the platform, so that no note may say it."""
    text = _CODE_TAG.sub(r"(\1\2)", clean(entry.text))
    return f"{cut_at_sentence(text, _LONGEST_NOTE)}\n\n{marker(entry.key)}"
