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


@pytest.fixture(params=CRMS)
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
