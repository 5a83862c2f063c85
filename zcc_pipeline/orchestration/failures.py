"""Errors by consequence, as Dagster understands them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from zcc_pipeline.domain.errors import ConfigurationError, PermanentError, TransientError

_RETRIES = 2
_SECONDS_BETWEEN = 30.0


@contextmanager
def explained() -> Iterator[None]:
    """Say in the run what the error says; a permanent one or a wrong setting is not tried again."""
    try:
        with stops_kept():
            yield
    except (PermanentError, ConfigurationError) as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    except TransientError as error:
        raise dg.Failure(str(error)) from error


@contextmanager
def stops_kept() -> Iterator[None]:
    """Where a library has made an error of its own of a request to stop, it is that request again.

    DuckDB says ``RuntimeError: Query interrupted`` where one comes during a query; the run would take it for a failed
    step and go on with all that does not need it.
    """
    try:
        yield
    except Exception as error:
        behind = error.__cause__
        while behind is not None and not isinstance(behind, KeyboardInterrupt | dg.DagsterExecutionInterruptedError):
            behind = behind.__cause__
        if behind is None:
            raise
        raise dg.DagsterExecutionInterruptedError from None


@contextmanager
def tried_again() -> Iterator[None]:
    """``explained``, for steps that others may keep from their work (a lock, a bucket, a CRM): again after a while.

    Reading from Zoom does not use it: the client tries each call again by itself and the schedules read each day again,
    so a third loop around both would only multiply the waiting. It is no ``RetryPolicy``, because Dagster follows a
    policy also where somebody has stopped the run, and goes on half a minute later.
    """
    try:
        with explained():
            yield
    except dg.Failure as failure:
        if not failure.allow_retries:
            raise
        raise dg.RetryRequested(max_retries=_RETRIES, seconds_to_wait=_SECONDS_BETWEEN) from failure
