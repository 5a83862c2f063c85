"""What is tried again by itself, and what is not: above all not what somebody has stopped."""

from __future__ import annotations

import os
import signal

import dagster as dg
import pytest

from zcc_pipeline.domain.errors import PermanentError, TransientError
from zcc_pipeline.orchestration import failures
from zcc_pipeline.orchestration.assets import exports
from zcc_pipeline.orchestration.run import was_stopped
from zcc_pipeline_tests.definitions.fake_pipeline import FakePipeline

EXPORT = "exports__salesforce"


def exporting(pipeline: FakePipeline, monkeypatch: pytest.MonkeyPatch) -> dg.ExecuteInProcessResult:
    monkeypatch.setattr(failures, "_SECONDS_BETWEEN", 0)
    pipeline.crms = ("salesforce",)
    return pipeline.run(only=[EXPORT])


@pytest.mark.parametrize(("error", "attempts"), [(TransientError("busy"), 3), (PermanentError("refused"), 1)])
def test_what_may_pass_is_tried_again_twice_and_then_told(
    pipeline: FakePipeline, monkeypatch: pytest.MonkeyPatch, error: Exception, attempts: int
) -> None:
    pipeline.errors["salesforce"] = error
    result = exporting(pipeline, monkeypatch)
    (failed,) = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    assert failed.user_failure_data is not None
    assert failed.user_failure_data.description == str(error)
    assert len(pipeline.exported) == attempts
    assert not was_stopped(result)


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_ends_and_begins_nothing_again(
    pipeline: FakePipeline, monkeypatch: pytest.MonkeyPatch, by: signal.Signals
) -> None:
    attempts = []

    def stopped(*_: object, **__: object) -> None:
        attempts.append(1)
        os.kill(os.getpid(), by)

    monkeypatch.setattr(exports, "export", stopped)
    result = exporting(pipeline, monkeypatch)
    assert len(attempts) == 1
    assert not result.success
    assert was_stopped(result)


@pytest.mark.parametrize("step", [EXPORT, "zoom__queues"])
def test_a_stop_of_which_a_library_has_made_an_error_of_its_own_is_one_all_the_same(
    pipeline: FakePipeline, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def query(*_: object, **__: object) -> None:
        raise RuntimeError("Query interrupted") from dg.DagsterExecutionInterruptedError()

    pipeline.crms = ("salesforce",)
    monkeypatch.setattr(exports, "export", query)
    monkeypatch.setattr(pipeline, "land", query)
    assert was_stopped(pipeline.run(only=[step]))
