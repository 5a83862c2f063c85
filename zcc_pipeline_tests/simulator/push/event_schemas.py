"""The published schemas of Zoom's events, asked about single bodies."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

Json = dict[str, Any]

DOCUMENT = Path(__file__).parents[2] / "payloads" / "contact-center-webhooks.json"


@cache
def validators() -> dict[str, tuple[Draft202012Validator, Json]]:
    """By event name: the validator of its body, and the fields of ``payload.object``."""
    document = json.loads(DOCUMENT.read_bytes())
    found = {}
    for name, item in document["webhooks"].items():
        if not name.startswith("contact_center."):
            continue
        schema = item["post"]["requestBody"]["content"]["application/json"]["schema"]
        whole = schema | {"components": document["components"]}
        about = schema.get("properties", {}).get("payload", {}).get("properties", {}).get("object", {})
        found[name] = Draft202012Validator(whole, format_checker=FormatChecker()), about
    return found


def problems_of(body: Json) -> list[str]:
    """Everything wrong with one body: against its schema, and fields that Zoom shows nowhere."""
    if body["event"] not in validators():
        return [f"{body['event']} is no event of Zoom's"]
    validator, about = validators()[body["event"]]
    problems = [error.message for error in validator.iter_errors(body)]
    return problems + list(_unlisted(about, body["payload"].get("object", {}), "object"))


def _unlisted(schema: Json, content: object, where: str) -> list[str]:
    if isinstance(content, list):
        return [problem for each in content for problem in _unlisted(schema["items"], each, where)]
    if not isinstance(content, dict):
        return []
    listed = schema.get("properties", {})
    found = [f"{where}.{name} is no field of this event" for name in content if name not in listed]
    return found + [
        problem
        for name, value in content.items()
        if name in listed
        for problem in _unlisted(listed[name], value, f"{where}.{name}")
    ]
