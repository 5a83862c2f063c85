"""Property values as HubSpot takes them: texts, all of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

LONGEST_TEXT = 65_536
"""Characters in one property (activities guide); the mapping cuts below that."""


def as_texts(fields: Mapping[str, Any], *, is_new: bool) -> dict[str, str]:
    """The properties of an input. None empties a property; of a record that is not there yet it is left out."""
    texts = {name: as_text(value) for name, value in fields.items()}
    return {name: text for name, text in texts.items() if text or not is_new}


def as_text(value: object) -> str:
    """One value. Several are joined by semicolons, HubSpot's own way for properties that hold many."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if math.isfinite(value) and value == int(value) else repr(value)
    if isinstance(value, (list, tuple)):
        return ";".join(as_text(each) for each in value)
    return str(value)
