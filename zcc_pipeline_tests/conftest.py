"""Every test starts without the pipeline's settings in its environment."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Generator, Iterator
from functools import cache

import httpx
import pytest
from hypothesis import settings

import zcc_pipeline_tests.examples  # noqa: F401 - its profiles are named here and by ``--hypothesis-profile``
from zcc_pipeline.inbox import Inbox
from zcc_pipeline_tests.parts import of_part
from zcc_pipeline_tests.postgres import postgres, postgres_url

__all__ = ["postgres", "postgres_url"]

settings.load_profile("some")

# Many tests start ``zcc`` as a process. Where images forbid to keep bytecode, each would compile the package anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("ZCC_") or name == "DAGSTER_HOME":
            monkeypatch.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def authorities_read_once() -> Iterator[None]:
    """For each client httpx reads all certificate authorities anew, which costs more than most tests do otherwise."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("httpx._transports.default.create_ssl_context", cache(httpx.create_ssl_context))
        yield


@pytest.fixture(scope="session", autouse=True)
def patient_inboxes() -> Iterator[None]:
    """A receiver in the tests' own process waits for a disk that is busy with other tests; in production it asks its
    sender after two seconds to come again. Tests of waiting say how long."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(vars(Inbox)["open"].__func__.__kwdefaults__, "max_wait_seconds", 30.0)
        yield


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported and collected stays to the end. Each worker would spend a quarter of its collection on looking
    through it for garbage, and go on looking while tests run."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The part of the tests that ``--part`` asks for, and those that every part has."""
    wanted = config.getoption("--part")
    if wanted is None:
        return
    chosen = of_part(items, *map(int, wanted.split("/")))
    left = set(chosen)
    config.hook.pytest_deselected(items=[item for item in items if item not in left])
    items[:] = chosen
