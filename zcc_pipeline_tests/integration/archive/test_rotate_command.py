"""``zcc archive rotate-key``: what it says, and that it waits for nobody's export."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from zcc_pipeline.archive.ledger.keys import new_key
from zcc_pipeline.settings import load_settings, open_runtime
from zcc_pipeline_tests.integration.archive.conftest import Command
from zcc_pipeline_tests.integration.archive.verified_archive import WholeArchive

pytestmark = pytest.mark.integration


def test_after_a_rotation_the_whole_archive_verifies_and_the_new_key_signs(filled: WholeArchive, zcc: Command) -> None:
    told = json.loads(zcc("archive", "rotate-key", "--json").stdout)
    assert told["old_key"] == str(filled.signer.verifier)
    assert Path(told["old_private_key"]).is_file()
    assert zcc("archive", "verify").exit_code == 0
    again = zcc("archive", "rotate-key", "--destroy-old")
    assert "introduces the new key" in again.stdout
    assert zcc("archive", "verify", "--trust", told["old_key"]).exit_code == 0


def test_it_is_refused_while_an_export_runs(filled: WholeArchive, zcc: Command) -> None:
    before = filled.ledger.latest()
    with open_runtime(load_settings()) as runtime, runtime.state.exports.exclusive("archive"):
        told = zcc("archive", "rotate-key")
    assert told.exit_code == 1
    assert "another process exports to archive now" in told.output
    assert filled.ledger.latest() == before


def test_a_key_in_a_secret_store_is_exchanged_by_the_operator(
    opened: object, zcc: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = new_key().decode(), new_key().decode()
    (tmp_path / "new.pem").write_text(new)
    monkeypatch.setenv("ZCC_ARCHIVE_SIGNING_KEY", old)
    asked = zcc("archive", "rotate-key")
    assert asked.exit_code == 2
    assert "--new-key" in asked.output
    told = zcc("archive", "rotate-key", "--new-key", str(tmp_path / "new.pem"))
    assert "Put the new key into ZCC_ARCHIVE_SIGNING_KEY now" in told.stdout.replace("\n", " ")
    monkeypatch.setenv("ZCC_ARCHIVE_SIGNING_KEY", new)
    (tmp_path / "home" / "archive" / "objects").mkdir()
    with open_runtime(load_settings()) as runtime:
        runtime.archive.objects.prepare()
    assert zcc("archive", "verify").exit_code == 0
