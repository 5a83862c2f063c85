"""Answers one page of a list: finds where it begins, joins rendered rows, hands out the next token.

Rows are kept per listing and rendered rows per record for as long as the account does not change, because a client that
reads a busy day asks for hundreds of pages of it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from zcc_pipeline.simulator.zoom.answers import Answer
from zcc_pipeline.simulator.zoom.faults import FaultKind
from zcc_pipeline.simulator.zoom.gateway import Call
from zcc_pipeline.simulator.zoom.paging import PagePosition, bind, token_expired

_encode = msgspec.json.Encoder().encode
_LISTINGS_KEPT = 256
_RECORDS_KEPT = 60_000  # about 75 MB of engagements


@dataclass(frozen=True, slots=True)
class ListShape:
    """What one list operation answers with, besides its rows."""

    items: str
    page_default: int
    page_largest: int
    announces_total: bool = True
    says_has_more: bool = False
    head: dict[str, object] = field(default_factory=dict)


class RowCache:
    """Listings and rendered records of one state of the account."""

    def __init__(self) -> None:
        self._state: object = None
        self._listings: OrderedDict[tuple[bytes, datetime], Sequence[Any]] = OrderedDict()
        self._records: dict[tuple[object, ...], bytes] = {}

    def enter(self, state: object) -> None:
        """Forget everything when the account changed."""
        if state != self._state:
            self._state = state
            self._listings.clear()
            self._records.clear()

    def rows(self, binding: bytes, at: datetime, load: Callable[[], Sequence[Any]]) -> Sequence[Any]:
        """All rows of a listing as of one moment."""
        key = (binding, at)
        found = self._listings.get(key)
        if found is None:
            found = self._listings[key] = load()
            if len(self._listings) > _LISTINGS_KEPT:
                self._listings.popitem(last=False)
        return found

    def record(self, key: tuple[object, ...], view: Callable[[], object]) -> bytes:
        """A record's JSON."""
        found = self._records.get(key)
        if found is None:
            if len(self._records) >= _RECORDS_KEPT:
                self._records.clear()
            found = self._records[key] = _encode(view())
        return found


def answer_list(
    call: Call,
    shape: ListShape,
    *,
    load: Callable[[datetime], Sequence[Any]],
    render: Callable[[Any, datetime], bytes],
) -> Answer:
    """One page. ``load`` gives all rows as of a moment, ``render`` one row's JSON."""
    standin = call.standin
    size = call.query.page_size(shape.page_default, shape.page_largest)
    binding = bind(call.path, call.query.filters())
    token = call.query.text("next_page_token")
    position = PagePosition(0, standin.account_now()) if token is None else standin.page_tokens.read(token, binding)
    standin.rows.enter(standin.account_state())
    rows = standin.rows.rows(binding, position.at, lambda: load(position.at))
    offset, end = position.offset, position.offset + size
    if standin.faults.is_active and token is not None:
        listing = binding.hex()
        if standin.faults.once(FaultKind.EXPIRED_PAGE_TOKEN, listing, unit=f"{listing}#{offset}"):
            raise token_expired()
        if standin.faults.once(FaultKind.DUPLICATE_ROWS, f"{listing}#{offset}"):
            offset, end = offset - 1, end - 1
    page = rows[offset:end]
    next_token = ""
    if end < len(rows):
        next_token = standin.page_tokens.issue(PagePosition(end, position.at), binding)
        if token is not None and standin.repeats_page_token(binding.hex(), offset):
            next_token = token
    return _join(shape, size, len(rows), next_token, [render(row, position.at) for row in page])


def answer_all(call: Call, shape: ListShape, rows: Sequence[object]) -> Answer:
    """One page of a short list of ready views."""
    return answer_list(call, shape, load=lambda _at: rows, render=lambda row, _at: _encode(row))


def _join(shape: ListShape, size: int, total: int, next_token: str, rendered: list[bytes]) -> Answer:
    head: dict[str, object] = {"next_page_token": next_token, "page_size": size}
    if shape.says_has_more:
        head = {"next_page_token": next_token, "has_more": bool(next_token)}
    if shape.announces_total:
        head["total_records"] = total
    opening = _encode(head | shape.head)[:-1]
    return Answer(b"".join((opening, b',"', shape.items.encode(), b'":[', b",".join(rendered), b"]}")))
