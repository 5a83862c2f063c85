"""What the ledger says: one leaf for each action, as canonical JSON (RFC 8785). No leaf holds personal data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

import rfc8785

from zcc_pipeline.domain.errors import PermanentError


class Action(StrEnum):
    """Everything that can happen to an archive."""

    CREATE = "create"
    ADD_VERSION = "add-version"
    HOLD_ON = "hold-on"
    HOLD_OFF = "hold-off"
    EXTEND = "extend"
    PURGE = "purge"
    REFUSED = "refused"
    REDACT = "redact"
    WINDOW_CLOSED = "window-closed"
    WINDOW_REOPENED = "window-reopened"
    VERIFY = "verify"
    PACKAGE = "package"
    RESTORE = "restore"
    KEY_ROTATED = "key-rotated"


HEADS = frozenset({Action.CREATE, Action.ADD_VERSION, Action.REDACT})
"""Actions after which an object's newest inventory is the one that the entry names."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One action. What does not apply is None and left out of the leaf."""

    action: Action
    actor: str
    """Who or what acted: a role or an account name of the operator's, never a customer."""
    run_id: str
    object_id: str | None = None
    version: int | None = None
    inventory_sha512: str | None = None
    retain_until: date | None = None
    matter: str | None = None
    """Number of the matter that a hold belongs to."""
    reason: str | None = None
    """Words from a closed list or a rule's name; no free text that could name a person."""
    day: date | None = None
    dataset: str | None = None
    manifest_sha512: str | None = None
    key: str | None = None
    """A verifier key that signs from here on."""
    counts: Mapping[str, int] | None = field(default=None, hash=False)
    """How much was looked at or handed over."""
    retention_class: str | None = None
    """Name of the class that ``retain_until`` comes from."""
    storage_version: str | None = None
    """The storage's own name for the object's inventory as that version wrote it, where the storage keeps versions: it
    is found again under it whatever was put over it since."""


@dataclass(frozen=True, slots=True)
class Logged:
    """An entry in its place. ``time`` never runs backwards; where the clock did, ``clock`` is what it showed."""

    seq: int
    time: datetime
    entry: Entry
    clock: datetime | None = None


def encode(logged: Logged) -> bytes:
    """The leaf."""
    leaf: dict[str, Any] = {"seq": logged.seq, "time": _text(logged.time)}
    if logged.clock is not None:
        leaf["clock"] = _text(logged.clock)
    for name in Entry.__dataclass_fields__:
        value = getattr(logged.entry, name)
        if value is not None:
            leaf[name] = value.isoformat() if isinstance(value, date) else str(value) if name == "action" else value
    return rfc8785.dumps(leaf)


def decode(leaf: bytes) -> Logged:
    """What a leaf says; ``PermanentError`` where it is not one of ours."""
    try:
        found = json.loads(leaf)
        values = {name: found[name] for name in Entry.__dataclass_fields__ if name in found}
        for name in ("retain_until", "day"):
            if name in values:
                values[name] = date.fromisoformat(values[name])
        entry = Entry(**(values | {"action": Action(values["action"])}))
        clock = _moment(found["clock"]) if "clock" in found else None
        return Logged(int(found["seq"]), _moment(found["time"]), entry, clock)
    except (ValueError, KeyError, TypeError) as error:
        raise PermanentError(f"a leaf of the ledger cannot be read ({type(error).__name__})") from None


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
