"""Moments in SQLite are whole microseconds."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.inbox.sqlite_storage import from_microseconds, to_microseconds


@given(st.datetimes(timezones=st.just(UTC)))
def test_every_moment_comes_back_as_it_was(moment: datetime) -> None:
    assert from_microseconds(to_microseconds(moment)) == moment
