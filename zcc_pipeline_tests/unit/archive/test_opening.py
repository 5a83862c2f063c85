"""Names of objects, keys that are remembered, and copies of checkpoints elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.archive.ledger import Action, BadNote, Entry
from zcc_pipeline.archive.ledger.keys import new_key
from zcc_pipeline.archive.naming import engagement_id_of, object_id_of
from zcc_pipeline.archive.opening import Archive, ArchiveAccess
from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline.domain.errors import ConfigurationError

ENTRY = Entry(Action.VERIFY, "svc", "run-1")


def opened(top: Path, **changes: str) -> Archive:
    return Archive(ArchiveAccess(str(top / "archive"), "acct", top / "keys", **changes), clock=SystemClock())


@given(st.text(min_size=1), st.text(min_size=1))
def test_an_objects_name_gives_the_engagement_back(account: str, engagement_id: str) -> None:
    name = object_id_of(account, engagement_id)
    assert name.isascii()
    assert engagement_id_of(name) == engagement_id


def test_nothing_is_made_before_it_is_needed(tmp_path: Path) -> None:
    opened(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_each_checkpoint_is_copied_to_the_witness_and_one_out_of_reach_is_told(tmp_path: Path) -> None:
    appended = opened(tmp_path, witness=str(tmp_path / "elsewhere")).ledger.append([ENTRY])
    (note,) = [path for path in (tmp_path / "elsewhere").rglob("*") if path.is_file()]
    assert note.read_bytes() == appended.checkpoint.note
    (tmp_path / "file").write_text("")
    assert opened(tmp_path, witness=str(tmp_path / "file")).ledger.append([ENTRY]).unwitnessed


def test_another_key_is_refused_until_the_first_has_introduced_it(tmp_path: Path) -> None:
    opened(tmp_path).ledger.append([ENTRY])
    with pytest.raises(BadNote, match="introduce"):
        opened(tmp_path, signing_key=new_key().decode()).ledger.append([ENTRY])


def test_an_address_that_is_no_folder_is_refused_with_the_settings_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="ZCC_ARCHIVE_URL"):
        Archive(ArchiveAccess("ftp://host/archive", "acct", tmp_path), clock=SystemClock())
