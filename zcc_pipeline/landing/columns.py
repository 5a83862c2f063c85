"""Between Python lists, NumPy and Arrow without a copy where possible.

Arrow's own conversions (``pa.array``, ``to_numpy``, ``to_pylist`` of times) import pandas when first called, which
costs a pull half a second and 40 MB.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import numpy as np
import pyarrow as pa

Array = np.ndarray[Any, np.dtype[Any]]

_OFFSET_LIMIT = 2**31 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def from_numpy(values: Array, kind: pa.DataType) -> pa.Array:
    """An Arrow array without nulls over the same memory; booleans are packed."""
    if kind == pa.bool_():
        data = pa.py_buffer(np.packbits(values, bitorder="little"))
    else:
        data = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(kind, len(values), [None, data])


def to_numpy(column: pa.Array | pa.ChunkedArray, dtype: str) -> Array:
    """The fixed-width values of a column without nulls."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.uint8())
    width = column.type.byte_width if pa.types.is_fixed_size_binary(column.type) else column.type.bit_width // 8
    data = np.frombuffer(column.buffers()[1], np.uint8)
    return data[column.offset * width : (column.offset + len(column)) * width].view(dtype)


def lists_of(table: pa.Table, names: Iterable[str]) -> list[list[Any]]:
    """Those columns as lists of Python's own values, times in UTC among them."""
    return [_list_of(table.column(name)) for name in names]


def _list_of(column: pa.ChunkedArray) -> list[Any]:
    if not pa.types.is_timestamp(column.type) or column.null_count or not len(column):
        return cast("list[Any]", column.to_pylist())
    microseconds = to_numpy(column.cast(pa.timestamp("us", tz="UTC")), "int64").tolist()
    return [_EPOCH + timedelta(microseconds=each) for each in microseconds]


def repeated(values: Sequence[str], codes: Array) -> pa.DictionaryArray:
    """A text column in which row ``i`` is ``values[codes[i]]``, each distinct text held once."""
    distinct = list(dict.fromkeys(values))
    places = {value: place for place, value in enumerate(distinct)}
    indices = np.array([places[value] for value in values], np.int32)[codes]
    return pa.DictionaryArray.from_arrays(from_numpy(indices, pa.int32()), text_column(distinct).to_arrow(), safe=False)


@dataclass(slots=True)
class TextColumn:
    """Texts end to end, with the offset of each; may hold bytes that are not UTF-8 until somebody has looked."""

    data: bytes | bytearray
    offsets: Array
    """32 bits each, one more than there are texts."""
    is_null: Array | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def raw(self, row: int) -> bytes:
        """The bytes of one text."""
        return bytes(self.data[self.offsets[row] : self.offsets[row + 1]])

    def to_arrow(self) -> pa.StringArray:
        """A string array over the same memory."""
        validity = None
        if self.is_null is not None:
            validity = pa.py_buffer(np.packbits(~self.is_null, bitorder="little"))
        offsets, data = pa.py_buffer(self.offsets), pa.py_buffer(self.data)
        return pa.StringArray.from_buffers(len(self), offsets, data, validity)

    def bad_rows(self) -> Array:
        """Rows that are not UTF-8; as a rule there are none, which costs a glance at the whole."""
        try:
            self.to_arrow().validate(full=True)
        except pa.ArrowInvalid:
            return np.array([row for row in range(len(self)) if not _is_utf8(self.raw(row))], np.int64)
        return np.empty(0, np.int64)


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def raw_column(data: bytes | bytearray, lengths: Array) -> TextColumn:
    """Texts that are already together, given the bytes that each has."""
    if len(data) > _OFFSET_LIMIT:
        raise OverflowError("more text at once than a column can hold")
    offsets = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    return TextColumn(data, offsets)


def text_column(values: Sequence[str | None]) -> TextColumn:
    """Texts as a column; half characters are kept as they are and found later as bad rows."""
    if None in values:
        column = text_column([value or "" for value in values])
        column.is_null = np.fromiter((value is None for value in values), np.bool_, len(values))
        return column
    texts = cast("Sequence[str]", values)
    joined = "".join(texts)
    if joined.isascii():
        return raw_column(joined.encode("ascii"), np.fromiter(map(len, texts), np.int32, len(texts)))
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    return raw_column(b"".join(encoded), np.fromiter(map(len, encoded), np.int32, len(texts)))
