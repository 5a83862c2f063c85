"""Zoom's published Contact Center events: names, schemas and samples."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

DOCUMENT = Path(__file__).parent / "payloads" / "contact-center-webhooks.json"


@cache
def published_events() -> dict[str, dict[str, Any]]:
    """The body of each event's sample by name; an empty one where Zoom shows none."""
    webhooks = json.loads(DOCUMENT.read_text(encoding="utf-8"))["webhooks"]
    return {
        name: item["post"]["requestBody"]["content"]["application/json"]
        .get("examples", {})
        .get("sample", {})
        .get("value", {})
        for name, item in webhooks.items()
        if name.startswith("contact_center.")
    }


def sample_of(name: str) -> dict[str, Any]:
    """A copy of one event's sample body."""
    body: dict[str, Any] = json.loads(json.dumps(published_events()[f"contact_center.{name}"]))
    return body
