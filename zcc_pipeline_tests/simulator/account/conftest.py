"""A month of a small account, and the published definitions to hold its views against."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from zcc_pipeline.simulator.zoom.account import Account, AccountSpec

_HERE = Path(__file__).resolve()
OUR_DEFINITION = _HERE.parents[2] / "payloads" / "contact-center-2026-reads.openapi.json"
ZOOMS_DEFINITION = _HERE.parents[4] / "shared" / "zoom" / "contact-center.openapi.json"

Checker = Callable[[str, Iterable[Any]], None]


class Hands:
    """A clock that a test turns."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def spec() -> AccountSpec:
    return AccountSpec(last_day=date(2026, 11, 20), days=2, engagements_per_day=120)


@pytest.fixture
def opened() -> datetime:
    return datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture
def account(spec: AccountSpec, opened: datetime) -> Account:
    """Fresh, so that a test may change it."""
    return Account.generate(spec, clock=Hands(opened))


@pytest.fixture(scope="session")
def month() -> Account:
    """Thirty days, opened at the noon after; tests must not change it."""
    month_spec = AccountSpec(last_day=date(2026, 11, 20), days=30, engagements_per_day=160)
    return Account.generate(month_spec, clock=Hands(datetime(2026, 11, 21, 12, 0, tzinfo=UTC)))


@pytest.fixture(scope="session")
def moments(month: Account) -> list[datetime]:
    """In the middle of the month, when it is opened, and five weeks later."""
    return [month.opened_at - timedelta(days=14), month.opened_at, month.opened_at + timedelta(days=35)]


@pytest.fixture(scope="session")
def check_2026() -> Checker:
    """Every field of an answer must be one of the definition of 2026, with the right type and one of its values."""
    definition = json.loads(OUR_DEFINITION.read_text(encoding="utf-8"))
    return _checker(definition, strict=True)


@pytest.fixture(scope="session")
def check_2025() -> Checker:
    """Fields that Zoom's own definition of September 2025 knows must have its types; newer fields and values pass."""
    if not ZOOMS_DEFINITION.exists():
        pytest.skip("NOT CHECKED against Zoom's own definition: ../shared/zoom/contact-center.openapi.json is not here")
    definition = json.loads(ZOOMS_DEFINITION.read_text(encoding="utf-8"))
    return _checker(definition, strict=False)


def _checker(definition: dict[str, Any], *, strict: bool) -> Checker:
    validators: dict[str, Draft202012Validator] = {}

    def check(where: str, bodies: Iterable[Any]) -> None:
        if where not in validators:
            path, _, key = where.partition("#")
            schema = definition["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
            if key:
                schema = schema["properties"][key]["items"]
            schema = _closed(schema) if strict else _opened(schema)
            validators[where] = Draft202012Validator({**schema, "components": definition.get("components", {})})
        count = 0
        for body in bodies:
            count += 1
            error = next(validators[where].iter_errors(body), None)
            assert error is None, f"{where}: {error.json_path}: {error.message[:300]}" if error else ""
        assert count, f"nothing was shown for {where}"

    return check


def _closed(node: Any) -> Any:
    """The schema in which no object may have fields that are not listed."""
    if isinstance(node, list):
        return [_closed(each) for each in node]
    if not isinstance(node, dict):
        return node
    closed = {key: _closed(value) for key, value in node.items()}
    if isinstance(node.get("properties"), dict) and "additionalProperties" not in node:
        closed["additionalProperties"] = False
    return closed


# one of its patterns is "YYYY-MM-DDTHH:MM:SSZ", taken literally
_DESCRIBING = frozenset({"enum", "example", "examples", "format", "pattern"})


def _opened(node: Any) -> Any:
    """The schema without lists of values, which have grown since, and without words that only describe."""
    if isinstance(node, list):
        return [_opened(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {key: _opened(value) for key, value in node.items() if key not in _DESCRIBING}
