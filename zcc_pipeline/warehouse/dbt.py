"""dbt as the warehouse runs it: a process for one command, which can be started before the command is known."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from zcc_pipeline.domain.errors import PermanentError
from zcc_pipeline.warehouse.config import WarehouseConfig
from zcc_pipeline.warehouse.project import plain, project_version, write_profile


class DbtProcess:
    """One process of dbt's, to be told one command; ``close`` ends it, as does the end of this one, however it comes.

    ``reads_ahead`` lets it read the project until it is told: it costs as much as it saves, so it is for a build that
    will come. Everything it writes goes to the scratch folder.
    """

    def __init__(self, config: WarehouseConfig, directory: Path, *, reads_ahead: bool = False) -> None:
        self._config = config
        self._places = [
            f"--project-dir={directory}",
            f"--profiles-dir={write_profile(config)}",
            f"--target-path={config.scratch_dir / 'target'}",
        ]
        self.version = project_version(directory) if reads_ahead else None
        """The version of the project that it reads ahead."""
        ahead = self._complete(["parse", "--no-write-json"]) if reads_ahead else []
        self._channel, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own module, our own interpreter
                [sys.executable, "-m", "zcc_pipeline.warehouse.dbt_process", *ahead],
                stdin=theirs.fileno(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=config.scratch_dir,
            )

    def close(self) -> None:
        """End it; a command that is under way is broken off, which DuckDB's transactions make safe."""
        self._channel.close()
        self._process.terminate()
        self._process.wait()
        assert self._process.stdout is not None  # noqa: S101 - asked for
        self._process.stdout.close()

    def is_ready_for(self, version: str) -> bool:
        """Whether it lives, and what it has read ahead is that version of the project."""
        return self.version == version and self._process.poll() is None

    def run(self, arguments: Sequence[str], *, inherit: Sequence[int] = ()) -> dict[str, Any]:
        """Run a command; the process holds the descriptors ``inherit`` from now on until its end."""
        outcome_path = self._config.scratch_dir / f"outcome.{self._process.pid}.json"
        request = {
            "arguments": self._complete(arguments),
            "outcome": str(outcome_path),
            "s3": asdict(self._config.s3) if self._config.s3 is not None else None,
        }
        outcome_path.unlink(missing_ok=True)
        assert self._process.stdout is not None  # noqa: S101 - asked for
        with suppress(ConnectionError):  # it has died; what it said is read below
            socket.send_fds(self._channel, [json.dumps(request).encode() + b"\n"], list(inherit))
        output = self._process.stdout.read().decode(errors="replace")
        code = self._process.wait()
        try:
            outcome: dict[str, Any] = json.loads(outcome_path.read_text())
        except FileNotFoundError:
            raise PermanentError(f"dbt ended with code {code} and no result: {plain(output[-2000:])}") from None
        outcome_path.unlink()
        return outcome

    def _complete(self, arguments: Sequence[str]) -> list[str]:
        return [
            "--no-use-colors",
            "--quiet",
            "--no-send-anonymous-usage-stats",
            "--log-level-file=warn",
            f"--log-path={self._config.scratch_dir / 'logs'}",
            *arguments,
            *self._places,
        ]
