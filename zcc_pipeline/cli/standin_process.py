"""The stand-in as a process of its own, which ends when this one does, however it does."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from zcc_pipeline.domain.errors import PermanentError


@dataclass(frozen=True, slots=True)
class StandIn:
    """A stand-in that is served."""

    environment: dict[str, str]
    """The settings that point the pipeline at it."""
    control_url: str
    """Of Zoom's stand-in."""
    control_urls: dict[str, str] = field(default_factory=dict)
    """Of CRMs, by name."""


class StandInProcess:
    """A stand-in that was started, and may not be ready yet."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._served: StandIn | None = None

    def served(self) -> StandIn:
        """Where it is served; waits until it is. Raises ``PermanentError`` where it did not start."""
        if self._served is None:
            self._served = _announced(self._process)
        return self._served

    def stop(self) -> None:
        """Ask it to end, without waiting until it has."""
        self._process.terminate()


@contextmanager
def standin_starting(arguments: Sequence[str]) -> Iterator[StandInProcess]:
    """Start a stand-in, without waiting until it is ready; it ends with the block.

    Its standard input is a pipe from here: the kernel closes it when this process dies, and the stand-in then stops.
    """
    command = [sys.executable, "-m", "zcc_pipeline.cli", "simulate", "--json", "--until-stdin-closes"]
    with subprocess.Popen(  # noqa: S603 - our own module, our own interpreter
        [*command, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for this process, which then lets the stand-in finish
    ) as process:
        try:
            yield StandInProcess(process)
        finally:
            process.terminate()
            process.wait()


@contextmanager
def standin_process(arguments: Sequence[str]) -> Iterator[StandIn]:
    """Serve a stand-in for the length of the block."""
    with standin_starting(arguments) as started:
        yield started.served()


def _announced(process: subprocess.Popen[bytes]) -> StandIn:
    """Read its announcement: one JSON document over several lines."""
    assert process.stdout is not None  # noqa: S101 - asked for above
    text = b""
    for line in process.stdout:
        text += line
        if line == b"}\n":
            said = json.loads(text)
            return StandIn(said["environment"], said.get("control_url", ""), said.get("control_urls", {}))
    raise PermanentError(f"the stand-in did not start (exit code {process.wait()}); its own words are above")
