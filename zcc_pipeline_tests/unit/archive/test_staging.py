"""A stored file goes into an object without its bytes being written again, where the file system can."""

from __future__ import annotations

import errno
import os
from hashlib import sha256, sha512
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import pytest

from zcc_pipeline.archive.contents import StoredPiece
from zcc_pipeline.archive.ocfl import staging
from zcc_pipeline.archive.ocfl.staging import stage_piece

AUDIO = b"ID3" + bytes(range(256)) * 5_000


@pytest.fixture
def stored(tmp_path: Path) -> StoredPiece:
    path = tmp_path / "rec-1.mp3"
    path.write_bytes(AUDIO)
    return StoredPiece(lambda: path.open("rb"), len(AUDIO), sha512(AUDIO).hexdigest(), local_path=path)


def test_blocks_are_shared_and_the_file_is_one_of_its_own(
    stored: StoredPiece, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reflink(target: int, request: int, source: int) -> int:
        assert request == 0x40049409
        os.write(target, os.read(source, len(AUDIO)))
        return 0

    def opened() -> BinaryIO:
        pytest.fail("its bytes were copied as well")

    monkeypatch.setattr(staging.fcntl, "ioctl", reflink)
    shared = StoredPiece(opened, stored.size_bytes, stored.sha512, local_path=stored.local_path)
    digests = stage_piece(tmp_path / "staged", shared)
    assert (digests.sha512, digests.sha256) == (sha512(AUDIO).hexdigest(), sha256(AUDIO).hexdigest())
    assert (tmp_path / "staged").stat().st_nlink == 1
    assert stored.local_path is not None
    assert not (tmp_path / "staged").samefile(stored.local_path)


@pytest.mark.parametrize("code", [errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.ENOTTY, errno.EPERM])
def test_where_they_cannot_be_shared_they_are_copied(
    stored: StoredPiece, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(*_: int) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(staging.fcntl, "ioctl", refuse)
    assert stage_piece(tmp_path / "staged", stored).size_bytes == len(AUDIO)
    assert (tmp_path / "staged").read_bytes() == AUDIO


def test_a_full_disk_is_not_taken_for_one_that_cannot_share(
    stored: StoredPiece, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: int) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(staging.fcntl, "ioctl", full)
    with pytest.raises(OSError, match="No space left"):
        stage_piece(tmp_path / "staged", stored)


def test_what_lies_in_a_bucket_is_copied(tmp_path: Path) -> None:
    piece = StoredPiece(lambda: BytesIO(AUDIO), len(AUDIO), sha512(AUDIO).hexdigest())
    assert stage_piece(tmp_path / "staged", piece).sha512 == piece.sha512
