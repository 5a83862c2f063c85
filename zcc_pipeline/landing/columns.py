"""Between Python lists, NumPy and Arrow without a copy where possible.

Arrow's own conversions (``pa.array``, ``to_numpy``) import pandas when first called, which costs a pull half a second
and 40 MB.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

Array = np.ndarray[Any, np.dtype[Any]]

_OFFSET_LIMIT = 2**31 - 1


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


def repeated(values: Sequence[str], codes: Array) -> pa.DictionaryArray:
    """A text column in which row ``i`` is ``values[codes[i]]``, each distinct text held once."""
    distinct = list(dict.fromkeys(values))
    places = {value: place for place, value in enumerate(distinct)}
    indices = np.array([places[value] for value in values], np.int32)[codes]
    return pa.DictionaryArray.from_arrays(from_numpy(indices, pa.int32()), texts(distinct), safe=False)


def texts(values: Sequence[str]) -> pa.StringArray:
    """A text column."""
    builder = TextBuilder()
    builder.extend(values)
    return builder.take().to_arrow()


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


@dataclass(slots=True)
class TextBuilder:
    """Collects texts by copying them, so that nothing keeps the pages alive that they were cut from."""

    _data: bytearray = field(default_factory=bytearray)
    _lengths: array[int] = field(default_factory=lambda: array("i"))
    _nulls: array[int] = field(default_factory=lambda: array("q"))

    @property
    def size_bytes(self) -> int:
        """Bytes collected so far."""
        return len(self._data)

    def extend(self, texts: Sequence[str | None]) -> None:
        """Append texts; half characters are kept as they are and found later as bad rows."""
        if None in texts:
            first = len(self._lengths)
            self._nulls.extend(first + row for row, text in enumerate(texts) if text is None)
            texts = [text or "" for text in texts]
        joined = "".join(texts)  # type: ignore[arg-type] # nulls are gone
        if joined.isascii():
            self.extend_raw(joined.encode("ascii"), texts)  # type: ignore[arg-type]
        else:
            encoded = [text.encode("utf-8", "surrogatepass") for text in texts]  # type: ignore[union-attr]
            self.extend_raw(b"".join(encoded), encoded)

    def extend_raw(self, joined: bytes, parts: Sequence[bytes | str]) -> None:
        """Append bytes that are already together, with the parts they consist of."""
        if len(self._data) + len(joined) > _OFFSET_LIMIT:
            raise OverflowError("more text at once than a column can hold")
        self._data += joined
        self._lengths.extend(map(len, parts))

    def take(self) -> TextColumn:
        """Everything collected; the builder is empty afterwards."""
        offsets = np.zeros(len(self._lengths) + 1, np.int32)
        np.cumsum(np.frombuffer(self._lengths, np.int32), out=offsets[1:])
        is_null = None
        if self._nulls:
            is_null = np.zeros(len(self._lengths), np.bool_)
            is_null[np.frombuffer(self._nulls, np.int64)] = True
        column = TextColumn(self._data, offsets, is_null)
        self._data, self._lengths, self._nulls = bytearray(), array("i"), array("q")
        return column
