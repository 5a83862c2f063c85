"""One small account, served: shared where a test only reads, its own where a test changes something."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date
from typing import Any

import pytest

from zcc_pipeline.simulator.zoom.account.spec import AccountSpec
from zcc_pipeline.simulator.zoom.server import running_simulator
from zcc_pipeline_tests.simulator.http.reader import Reader

SPEC = AccountSpec(last_day=date(2026, 11, 20), days=3, engagements_per_day=120, seed=11)
Serve = Callable[..., Reader]


@pytest.fixture(scope="session")
def reader() -> Iterator[Reader]:
    """A stand-in without limits or faults; do not change it."""
    with running_simulator(SPEC, plan="unlimited") as sim:
        reader = Reader(sim)
        yield reader
        reader.http.close()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a stand-in of this test's own: ``serve(faults="harsh")``."""
    with ExitStack() as stack:

        def start(spec: AccountSpec = SPEC, **options: Any) -> Reader:
            sim = stack.enter_context(running_simulator(spec, **{"plan": "unlimited"} | options))
            reader = Reader(sim)
            stack.callback(reader.http.close)
            return reader

        yield start
