"""One S3 server for all tests of a session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from zcc_pipeline_tests.seaweed import Seaweed, running_seaweed


@pytest.fixture(scope="session")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seaweed]:
    with running_seaweed(tmp_path_factory.mktemp("seaweed")) as server:
        yield server
