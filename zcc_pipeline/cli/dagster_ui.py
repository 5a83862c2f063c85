"""Dagster's own web server and daemon, as a child of this process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from shlex import quote

from zcc_pipeline.cli.ports import first_free
from zcc_pipeline.cli.screen import say
from zcc_pipeline.cli.stopping import until_stopped
from zcc_pipeline.domain.errors import PermanentError

PORTS = range(3000, 3020)


def ui_commands(home: Path, **settings: str) -> tuple[str, str]:
    """What to type to see runs and lineage of a home."""
    values = {"ZCC_HOME": str(home), "DAGSTER_HOME": str(home / "dagster"), **settings}
    export = "export " + " ".join(f"{name}={quote(value)}" for name, value in values.items())
    return export, "dagster dev -m zcc_pipeline.definitions"


def serve_ui(home: Path, environment: Mapping[str, str]) -> None:
    """Run ``dagster dev`` on a home until Ctrl-C or SIGTERM; says where it is once it answers."""
    port = first_free(PORTS)
    command = [sys.executable, "-m", "dagster", "dev", "-m", "zcc_pipeline.definitions", "--port", str(port)]
    surroundings = {**os.environ, **environment, "DAGSTER_HOME": str(home / "dagster")}
    log = home / "dagster" / "dagster-dev.log"
    say("\nStarting Dagster ...")
    with (
        log.open("wb") as stream,
        subprocess.Popen(  # noqa: S603 - our own interpreter
            command, env=surroundings, cwd=home, stdout=stream, stderr=stream, start_new_session=True
        ) as process,
    ):
        try:
            with until_stopped():
                _wait_until_open(process, port, log)
                say(f"Dagster is open at http://127.0.0.1:{port}  (log: {log}). Ctrl-C stops it and the stand-in.")
                process.wait()
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)  # lets it end its own children
                process.wait()
    say("\nStopped.")


def _wait_until_open(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    while process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            try:
                process.wait(timeout=0.5)
            except subprocess.TimeoutExpired:
                continue
    raise PermanentError(f"Dagster did not start (exit code {process.returncode}); see {log}")
