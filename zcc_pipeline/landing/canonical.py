"""When two payloads of one shape say the same, and when two of different shapes contradict each other."""

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


def content_of(payload: bytes, volatile_fields: frozenset[str]) -> object:
    """The payload's value without its volatile fields; the bytes themselves where they are not JSON."""
    try:
        content = _decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        try:
            content = json.loads(payload)
        except (ValueError, RecursionError):
            return payload
    if isinstance(content, dict):
        return {name: value for name, value in content.items() if name not in volatile_fields}
    return content


def contradicts(one: object, other: object) -> bool:
    """Whether two values cannot both hold; what one of them lacks or has as null contradicts nothing, at any depth.

    Equal as Python sees it, so 1 and true are the same flag.
    """
    if one is None or other is None or one == other:
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return any(contradicts(value, other[name]) for name, value in one.items() if name in other)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) != len(other) or any(map(contradicts, one, other))
    return True


def overlaid(older: object, newer: object) -> object:
    """What both say together: the fields of the newer value, and those of the older one that it lacks."""
    if isinstance(older, dict) and isinstance(newer, dict):
        return older | {name: value for name, value in newer.items() if value is not None}
    return older if newer is None else newer
