"""What executes the steps of a run, and which process a run stands or falls with."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass

import dagster as dg

from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.orchestration.run_cleanup import TAGS_OF_ELSEWHERE, worker_tags

IN_PROCESS = "in_process"


@dataclass(frozen=True, slots=True)
class Execution:
    """An executor, and what a run of it remembers of where it works (asked in the process of a step)."""

    executor: dg.ExecutorDefinition
    tags: Callable[[], dict[str, str]]
    tells_at_once: bool = False
    """Whether a run remembers it as soon as it starts; a step that has a process of its own may first have to wait for
    one."""


def find_execution(name: str) -> Execution:
    """``in_process``, ``multiprocess``, or ``module:name`` of another executor, which must be installed.

    In one process steps share what takes about three seconds to start, more than most of them take.
    """
    if name == IN_PROCESS:
        return Execution(dg.in_process_executor, worker_tags, tells_at_once=True)
    if name == "multiprocess":
        return Execution(dg.multiprocess_executor, lambda: worker_tags(os.getppid()))
    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise _wrong(f"there is no {name} ({type(error).__name__})") from error
    if not isinstance(found, dg.ExecutorDefinition):
        raise _wrong(f"{name} is no executor")
    return Execution(found, lambda: dict(TAGS_OF_ELSEWHERE))


def _wrong(problem: str) -> ConfigurationError:
    purpose = "what executes the steps of the runs that Dagster starts"
    return ConfigurationError("ZCC_DAGSTER_EXECUTOR", problem, purpose=purpose, example="multiprocess")
