"""Errors by consequence, as Dagster understands them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from zcc_pipeline.domain.errors import ConfigurationError, PermanentError, TransientError

AGAIN_IF_BUSY = dg.RetryPolicy(max_retries=2, delay=20, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
"""For steps that wait for the warehouse lock. Reading from Zoom has no such policy: the client tries each call again by
itself and the schedules read each day again, so a third loop around both would only multiply the waiting."""


@contextmanager
def explained() -> Iterator[None]:
    """Say in the run what the error says; a permanent one or a wrong setting is not tried again."""
    try:
        yield
    except (PermanentError, ConfigurationError) as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    except TransientError as error:
        raise dg.Failure(str(error)) from error
