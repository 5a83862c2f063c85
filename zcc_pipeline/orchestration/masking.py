"""Previews that show which fields are filled and with what kind of thing, and nothing of what customers or agents said.

Values are never shortened or scrambled, they are replaced by a word for what they are. Only words of a closed list
(channels, directions and the like, as Zoom publishes them) are shown as they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime

from zcc_pipeline.domain.completeness import ArtefactKind, Reason, Status
from zcc_pipeline.domain.event_catalogue import CATALOGUE

_ZOOM_WORDS = """
    voice video messaging email work_item web_chat in_app_chat sms whatsapp facebook instagram
    inbound outbound consumer agent queue flow team inbox automatic manual active inactive read unread deleted
    completed abandoned answered transferred missed live_waiting callback
""".split()  # noqa: SIM905 - forty quoted words are harder to read

SHOWN_WORDS = frozenset((*_ZOOM_WORDS, *CATALOGUE, *ArtefactKind, *Status, *Reason))

_FIELD = re.compile(r"[a-z][a-z_]{0,40}")
_LONG = 40


def mask_fields(payload: Mapping[str, object]) -> dict[str, str]:
    """Each field of a record with a word for its value."""
    return {_mask_name(name): mask(value, field=name) for name, value in payload.items()}


def mask(value: object, *, field: str = "") -> str:
    """A word for a value."""
    if isinstance(value, str):
        return _mask_text(value, field)
    if isinstance(value, list):
        return _mask_list(value)
    if isinstance(value, Mapping):
        return "‹record›" if value else "‹empty record›"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return "‹number›"


def mask_deep(value: object, *, field: str = "") -> object:
    """The same shape with a word for each value: for looking at one record from the inside."""
    if isinstance(value, Mapping):
        return {_mask_name(str(name)): mask_deep(inner, field=str(name)) for name, inner in value.items()}
    if isinstance(value, list):
        return [mask_deep(inner, field=field) for inner in value]
    return mask(value, field=field)


def _mask_list(items: list[object]) -> str:
    if not items:
        return "‹empty list›"
    inside = mask(items[0]).strip("‹›")
    return f"‹one {inside}›" if len(items) == 1 else f"‹several: {inside}›"


def _mask_text(text: str, field: str) -> str:
    if not text:
        return "‹empty›"
    if text in SHOWN_WORDS:
        return text
    if field.endswith("_id"):
        return "‹id›"
    if text.startswith(("http://", "https://", "/")):
        return "‹address›"
    if _is_time(text):
        return "‹time›"
    return "‹long text›" if len(text) > _LONG else "‹text›"


def _mask_name(name: str) -> str:
    """Names of fields are Zoom's own words in snake case; anything else may be somebody's data used as a key."""
    return name if _FIELD.fullmatch(name) else "‹field›"


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
