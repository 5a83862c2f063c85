"""A month of a small account."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from zcc_pipeline.simulator.zoom.account import Account, AccountSpec


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
