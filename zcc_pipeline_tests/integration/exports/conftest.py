"""Every CRM in turn, and a centre that exports to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from zcc_pipeline_tests.integration.exports.adapters import CRMS, CrmAdapter, adapter_of
from zcc_pipeline_tests.integration.exports.centre import Centre
from zcc_pipeline_tests.integration.exports.office import Office, Open, office

BOTH_KINDS = frozenset({"salesforce", "zendesk"})
"""One takes records in bulk under its own keys, one makes tickets: every run has them, the slow one has all."""


def _in_turn(crm: str) -> object:
    return crm if crm in BOTH_KINDS else pytest.param(crm, marks=pytest.mark.slow)


@pytest.fixture(params=map(_in_turn, CRMS))
def adapter(request: pytest.FixtureRequest) -> CrmAdapter:
    found = adapter_of(request.param)
    assert found is not None, f"{request.param} has no adapter"
    return found


@pytest.fixture
def start(adapter: CrmAdapter, tmp_path: Path) -> Iterator[Open]:
    with ExitStack() as stack:

        def begin(**options: Any) -> Office:
            return stack.enter_context(office(adapter, tmp_path, **options))

        yield begin


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    story = Centre(tmp_path)
    with story.state:
        yield story
