"""When two payloads say the same: sorted keys, and volatile fields reduced to whether they are filled."""

from __future__ import annotations

import json

import msgspec

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder(order="sorted").encode


def canonical(payload: bytes, volatile_fields: frozenset[str]) -> bytes:
    """The payload's meaning as bytes: equal for payloads that differ only in spacing, order of keys or volatile fields.

    A volatile field (a download URL generated anew with each answer) counts only by presence: filled or not. Volatile
    fields are looked for at the top of the record. What is not JSON stands for itself.
    """
    try:
        return _encode(_without_volatile(_decode(payload), volatile_fields))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        # A lone surrogate (an emoji cut in half) is legal JSON that msgspec refuses; the standard library takes it.
        return _canonical_by_json(payload, volatile_fields)


def _canonical_by_json(payload: bytes, volatile_fields: frozenset[str]) -> bytes:
    try:
        meaning = _without_volatile(json.loads(payload), volatile_fields)
        return json.dumps(meaning, sort_keys=True, separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        return payload


def _without_volatile(meaning: object, volatile_fields: frozenset[str]) -> object:
    if isinstance(meaning, dict):
        for name in volatile_fields & meaning.keys():
            meaning[name] = bool(meaning[name])
    return meaning
