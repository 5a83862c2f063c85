"""Holds requests and answers of the CRMs' stand-ins to descriptions of the real APIs.

Four lie in ``payloads/crm``. Zendesk's own file states no licence: its subset is read where a copy lies beside the
checkout, and tests that need it skip loudly elsewhere.

    options = CrmOptions(definition=definition_of("salesforce"))
    ... calls ...
    assert standin.violations == []

Operations that a description does not have, and query names that it does not list, are let through: these are subsets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from zcc_pipeline.simulator.crm.base import Answer, Request, parse_multipart
from zcc_pipeline.simulator.crm.base.answers import MalformedBodyError
from zcc_pipeline.simulator.crm.base.routing import compile_template

Json = dict[str, Any]

_HERE = Path(__file__).parent / "payloads" / "crm"
_BESIDE = Path(__file__).parents[2] / "shared" / "crm" / "specs"

FILES = {
    "salesforce": _HERE / "salesforce-subset.openapi.json",
    "servicenow": _HERE / "servicenow-subset.openapi.json",
    "dynamics": _HERE / "dataverse-subset.openapi.json",
    "hubspot": _HERE / "hubspot-subset.openapi.json",
    "zendesk": _BESIDE / "zendesk-support-subset.openapi.json",
}

_METHODS = ("get", "post", "put", "patch", "delete")


def definition_of(crm: str) -> ApiDefinition:
    """The description of one CRM; the test that asks is skipped where it may not be part of this repository."""
    path = FILES[crm]
    if not path.exists():
        pytest.skip(f"{crm}'s API description is not here: {path} (its licence does not allow a copy in the project)")
    return _read(path)


def definition_if_here(crm: str) -> ApiDefinition | None:
    """The same, or None."""
    return _read(FILES[crm]) if FILES[crm].exists() else None


@cache
def _read(path: Path) -> ApiDefinition:
    return ApiDefinition(json.loads(path.read_bytes()), name=path.name.partition("-")[0])


class ApiDefinition:
    """One OpenAPI document, asked about single requests and answers."""

    def __init__(self, document: Json, *, name: str) -> None:
        self._name = name
        self._document = _with_nulls(document) if document["openapi"].startswith("3.0") else document
        self._components = self._document.get("components", {})
        found = [
            (template, method.upper(), compile_template(template), item[method], item.get("parameters", []))
            for template, item in self._document["paths"].items()
            for method in _METHODS
            if method in item
        ]
        self._operations = sorted(found, key=lambda each: -len(re.sub(r"\{[^}]*\}", "", each[0])))
        self._validators: dict[int, Draft202012Validator] = {}

    def check_request(self, request: Request) -> list[str]:
        """What is wrong with it."""
        found = self._find(request)
        if found is None:
            return []
        where, operation, parameters = found
        problems = [*self._wrong_parameters(request, parameters), *self._wrong_body(request, operation)]
        return [f"{where}: {problem}" for problem in problems]

    def check_answer(self, request: Request, answer: Answer) -> list[str]:
        """What is wrong with it."""
        found = self._find(request)
        if found is None:
            return []
        where, operation, _ = found
        declared = operation["responses"].get(str(answer.status)) or operation["responses"].get("default")
        if declared is None:
            return [] if answer.status >= 400 else [f"{where} never answers {answer.status}"]
        schema = _schema(self._resolve(declared).get("content", {}), "application/json")
        if schema is None:
            return []
        try:
            content = json.loads(answer.body)
        except ValueError:
            return [f"{where} {answer.status}: the answer is not JSON"]
        return [f"{where} {answer.status}: {problem}" for problem in self._problems(schema, content)]

    def _find(self, request: Request) -> tuple[str, Json, list[Json]] | None:
        for template, method, pattern, operation, shared in self._operations:
            if method == request.method and pattern.fullmatch(request.path):
                parameters = [self._resolve(each) for each in [*shared, *operation.get("parameters", [])]]
                return f"{self._name} {method} {template}", operation, parameters
        return None

    def _wrong_parameters(self, request: Request, parameters: list[Json]) -> Iterator[str]:
        query = {name.removesuffix("[]"): value for name, value in request.query_pairs}
        for parameter in parameters:
            name = parameter["name"]
            given = {"query": query, "header": request.headers, "path": None}.get(parameter["in"])
            if given is None:
                continue
            value = given.get(name.lower() if parameter["in"] == "header" else name)
            if value is None and parameter.get("required"):
                yield f"the {parameter['in']} parameter {name} is missing"
            elif value is not None:
                yield from (f"{name}: {each}" for each in self._text_problems(parameter.get("schema", {}), value))

    def _wrong_body(self, request: Request, operation: Json) -> Iterator[str]:
        wanted = self._resolve(operation.get("requestBody", {}))
        if not wanted:
            return
        if not request.body:
            if wanted.get("required"):
                yield "the body is missing"
            return
        contents = wanted["content"]
        schema = _schema(contents, request.media_type)
        if schema is None:
            if request.media_type not in contents and "*/*" not in contents:
                yield f"a body of {request.media_type or 'no media type'} is not taken"
            return
        try:
            content = _body_of(request, schema)
        except MalformedBodyError as malformed:
            yield str(malformed)
            return
        if content is not None:
            yield from self._problems(schema, content)

    def _problems(self, schema: Json, content: Any) -> Iterator[str]:
        if id(schema) not in self._validators:
            self._validators[id(schema)] = Draft202012Validator({**schema, "components": self._components})
        for error in self._validators[id(schema)].iter_errors(content):
            path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
            yield f"{path or '.'}: {error.message[:200]}"

    def _text_problems(self, schema: Json, value: str) -> list[str]:
        schema = self._resolve(schema)
        kind = schema.get("type")
        if kind in {"integer", "number"} and not re.fullmatch(r"-?\d+(\.\d+)?", value):
            return [f"{value!r} is not a number"]
        if kind == "boolean" and value not in {"true", "false"}:
            return [f"{value!r} is not true or false"]
        if kind == "string" or (kind is None and "enum" in schema):
            return list(self._problems(schema, value))
        return []

    def _resolve(self, thing: Json) -> Json:
        reference = thing.get("$ref")
        if reference is None:
            return thing
        found: Any = self._document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part.replace("~1", "/").replace("~0", "~")]
        return self._resolve(found)


def _schema(contents: Mapping[str, Any], media_type: str) -> Json | None:
    for name, content in contents.items():
        if name.partition(";")[0].strip().lower() == media_type:
            schema: Json | None = content.get("schema")
            return schema
    return None


def _body_of(request: Request, schema: Json) -> Any:
    """As a schema sees it; None where it is neither JSON nor a form. A part that holds JSON is read as such, unless it
    is described as text."""
    if request.media_type == "application/x-www-form-urlencoded":
        return request.form()
    if request.media_type == "multipart/form-data":
        parts = parse_multipart(request.header("content-type"), request.body)
        texts = {name for name, each in schema.get("properties", {}).items() if each.get("type") == "string"}
        return {
            part.name: _part_content("text/plain" if part.name in texts else part.media_type, part.content)
            for part in parts
        }
    return request.content if request.media_type.endswith("json") else None


def _part_content(media_type: str, content: bytes) -> Any:
    return json.loads(content) if media_type == "application/json" else content.decode("latin-1")


def _with_nulls(node: Any) -> Any:
    """OpenAPI 3.0 says ``nullable`` where JSON Schema has a type more."""
    if isinstance(node, list):
        return [_with_nulls(each) for each in node]
    if not isinstance(node, dict):
        return node
    changed = {name: _with_nulls(value) for name, value in node.items()}
    if changed.pop("nullable", False) is True and "type" in changed:
        changed["type"] = [changed["type"], "null"]
        if "enum" in changed:
            changed["enum"] = [*changed["enum"], None]
    return changed
