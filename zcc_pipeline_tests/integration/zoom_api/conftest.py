"""The real client, with the real state store as its budget, against servers on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline.sources.zoom_api import ZoomApi, ZoomApiConfig, ZoomCredentials
from zcc_pipeline.state import StateStore
from zcc_pipeline.transport import RetryPolicy


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateStore]:
    store = StateStore.open(f"sqlite:///{tmp_path / 'state.sqlite'}")
    try:
        yield store
    finally:
        store.close()


@pytest.fixture
def open_api(state: StateStore) -> Callable[..., ZoomApi]:
    def make(base_url: str, *, live: bool = False, **config: Any) -> ZoomApi:
        settings: dict[str, Any] = {
            "api_url": f"{base_url}/v2",
            "oauth_url": f"{base_url}/oauth/token",
            "plan": "business",
            "rate_share": 1.0,
            "retries": RetryPolicy(first_wait_seconds=0.05, longest_wait_seconds=0.5),
            **config,
        }
        return ZoomApi(
            ZoomApiConfig(**settings),
            ZoomCredentials("account", "client", "secret"),
            budget=state.budget,
            clock=SystemClock(),
            live=live,
        )

    return make
