"""Can Zoom be reached at all? Asked for people who wait, before work that would patiently try again step by step."""

from __future__ import annotations

from dataclasses import replace

from zcc_pipeline.domain.errors import TransientError
from zcc_pipeline.pipeline.loop import run
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.sources.zoom_api import ZoomApi, ZoomApiConfig
from zcc_pipeline.transport import RetryPolicy, Timeouts


def impatient(config: ZoomApiConfig) -> ZoomApiConfig:
    """The same, with at most 20 seconds for a call and its repetitions."""
    retries, timeouts = RetryPolicy(attempts=3, total_seconds=20), Timeouts(connect=5, read=15, request=20)
    return replace(config, retries=retries, timeouts=timeouts)


def reach_zoom(runtime: Runtime) -> None:
    """``ask_for_token`` for commands."""
    run(ask_for_token(runtime))


async def ask_for_token(runtime: Runtime) -> None:
    """Ask Zoom for a token.

    Raises ``TransientError`` where it cannot be reached, and ``ConfigurationError`` where credentials are missing or
    refused.
    """
    config, credentials = impatient(runtime.config.zoom), runtime.require_credentials()
    async with ZoomApi(config, credentials, budget=runtime.state.budget, clock=runtime.clock, live=True) as api:
        try:
            await api.granted_scopes()
        except TransientError as error:
            text = f"Zoom cannot be reached at {config.oauth_url} ({error}). `zcc doctor` tells more."
            raise TransientError(text) from error
