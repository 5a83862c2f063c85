"""Names of stored files under hostile source ids."""

from __future__ import annotations

from datetime import date
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.landing.file_names import file_path, is_inside, safe_id

DIGEST = "0123456789abcdef" * 4


def test_a_usual_id_stays_readable() -> None:
    path = file_path(
        kind="recording", source_id="4Q0ILNMfTA2n-J_0Rw", day=date(2026, 11, 22), digest=DIGEST, extension="wav"
    )
    assert path == "recording/date=2026-11-22/4Q0ILNMfTA2n-J_0Rw.0123456789ab.wav"


@pytest.mark.parametrize(
    "source_id", ["../../etc/passwd", "/etc/passwd", "a/b", "..", ".", "", "a\x00b", "C:\\x", "=h", "%2e"]
)
def test_a_hostile_id_stays_in_its_folder(source_id: str) -> None:
    path = file_path(kind="recording", source_id=source_id, day=date(2026, 11, 22), digest=DIGEST, extension="wav")
    assert PurePosixPath(path).parent == PurePosixPath("recording/date=2026-11-22")
    assert is_inside(path)
    assert not PurePosixPath(path).name.startswith(".")


@given(first=st.text(max_size=300), second=st.text(max_size=300))
def test_different_ids_have_different_short_names(first: str, second: str) -> None:
    assert len(safe_id(first)) <= 120
    assert safe_id(first).isascii()
    assert (safe_id(first) == safe_id(second)) == (first == second)


def test_a_long_id_keeps_its_beginning_and_cannot_be_forged_by_a_short_one() -> None:
    long_name = safe_id("a" * 500)
    assert long_name.startswith("a" * 80)
    assert safe_id("a" * 501) != long_name
    assert safe_id(long_name) != long_name


@pytest.mark.parametrize("kind", ["", "..", "a/b", "Recording", "-x"])
def test_a_kind_is_a_plain_word(kind: str) -> None:
    with pytest.raises(ValueError, match="not a kind"):
        file_path(kind=kind, source_id="x", day=date(2026, 1, 1), digest=DIGEST, extension="wav")


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/./b"])
def test_paths_that_lead_out_are_seen(path: str) -> None:
    assert not is_inside(path)
