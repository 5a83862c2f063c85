"""The process in which the demo exports: it waits for its word, and what goes wrong in it is one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from zcc_pipeline.cli.demo_exports import exporting
from zcc_pipeline.cli.standin_process import StandIn
from zcc_pipeline.domain.errors import PermanentError

pytestmark = pytest.mark.integration

CRMS = StandIn({}, "", {"zendesk": "http://127.0.0.1:9"})


def test_what_goes_wrong_there_is_said_as_one_sentence(tmp_path: Path) -> None:
    environment = {"ZCC_HOME": str(tmp_path), "ZCC_TIMEZONE": "Nowhere/Never"}
    with exporting() as export:
        export.begin(environment, CRMS)
        export.begin({}, CRMS)  # the first word counts
        with pytest.raises(PermanentError, match=r"the CRMs could not be filled: .*ZCC_TIMEZONE") as raised:
            export.arrived()
    assert "\n" not in str(raised.value)


def test_an_error_that_nobody_expected_is_said_without_where_it_happened(tmp_path: Path) -> None:
    with exporting() as export:
        export.begin({"ZCC_HOME": str(tmp_path)}, CRMS)  # nothing was published there
        with pytest.raises(PermanentError, match="the CRMs could not be filled: ") as raised:
            export.arrived()
    assert "Traceback" not in str(raised.value)
