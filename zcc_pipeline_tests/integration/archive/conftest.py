"""The commands on an archive in a home of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from zcc_pipeline.archive.opening import Archive
from zcc_pipeline.cli.main import app
from zcc_pipeline.settings import load_settings, open_runtime
from zcc_pipeline_tests.integration.archive.verified_archive import WholeArchive

Command = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZCC_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ZCC_ZOOM_ACCOUNT_ID", "acct-1")
    monkeypatch.setenv("ZCC_ARCHIVE_WITNESS_URL", str(tmp_path / "witness"))
    return tmp_path / "home"


@pytest.fixture
def opened(home: Path) -> Archive:
    """The archive of the settings."""
    with open_runtime(load_settings()) as runtime:
        return runtime.archive


@pytest.fixture
def filled(opened: Archive) -> WholeArchive:
    """The same, with objects in it."""
    whole = WholeArchive(opened.top)
    whole.signer, whole.ledger = opened.signer, opened.ledger
    whole.fill()
    return whole


@pytest.fixture
def zcc(home: Path) -> Command:
    """Runs a command; what it raises beyond sentences fails the test."""

    def command(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["--traceback", *arguments], catch_exceptions=False)

    return command
