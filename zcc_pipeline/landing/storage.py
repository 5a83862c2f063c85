"""Where bytes come to rest: a local folder, or a bucket (see ``object_storage``).

A file appears whole or not at all: it is written to a staging path first and published by one rename (local) or one
completed upload (bucket). Published files are never changed. Paths are relative, with forward slashes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote, urlsplit

import pyarrow as pa

from zcc_pipeline.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

STAGING_FOLDER = ".staging"
PART_SUFFIX = ".part"


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One published file."""

    path: str
    size_bytes: int
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class S3Options:
    """How to reach a bucket. Without keys the surroundings decide (instance role, web identity)."""

    endpoint_url: str | None = None
    region: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)


class Storage(Protocol):
    """What the lake and the file store need of a place."""

    @property
    def url(self) -> str:
        """The root, without a slash at the end."""
        ...

    def staging_path(self, name: str) -> Path:
        """A local path, outside of every glob, to write a file to before it is published."""
        ...

    def publish(self, staged: Path, path: str) -> None:
        """Make the staged file appear under ``path``, whole and durable; the staged file is gone afterwards.

        The caller has synced the staged file. Publishing over an existing path replaces it in one step.
        """
        ...

    def open_input(self, path: str, *, is_sparse: bool = False) -> pa.NativeFile:
        """Open for random reading; ``FileNotFoundError`` where there is none.

        ``is_sparse`` says that little of it will be read, such as a footer.
        """
        ...

    def list_files(self, folder: str) -> list[StoredObject]:
        """Files directly in the folder, sorted by path; empty where there is no such folder."""
        ...

    def list_folders(self, folder: str) -> list[str]:
        """Names of the folders directly in it, sorted, hidden ones left out."""
        ...

    def exists(self, path: str) -> bool:
        """Whether a published file is there."""
        ...

    def delete(self, path: str) -> None:
        """Remove a published file; nothing happens where there is none."""
        ...

    def url_for(self, path: str) -> str:
        """What DuckDB's ``read_parquet`` is given; may contain glob characters that ``path`` contains."""
        ...

    def fsspec(self) -> AbstractFileSystem | None:
        """The file system to register with DuckDB for ``url_for``; None where DuckDB reads the paths by itself."""
        ...

    def sweep_staging(self, *, before: datetime) -> int:
        """Remove what a killed process left in staging and nobody touched since; returns how many."""
        ...


class LocalStorage:
    """A folder on a local disk."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def url(self) -> str:
        """The folder's absolute path."""
        return str(self._root)

    def staging_path(self, name: str) -> Path:
        """``<root>/.staging/<name>.part``: on the same disk, so that publishing is a rename."""
        folder = self._root / STAGING_FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        return folder / (name + PART_SUFFIX)

    def publish(self, staged: Path, path: str) -> None:
        """Rename, then sync the folder so that the name survives a power cut."""
        target = self._root / path
        self._make_folder(target.parent)
        staged.rename(target)
        _sync_folder(target.parent)

    def open_input(self, path: str, *, is_sparse: bool = False) -> pa.NativeFile:  # noqa: ARG002
        """The file; the operating system reads only what is asked for anyway."""
        return pa.OSFile(str(self._root / path), "r")

    def list_files(self, folder: str) -> list[StoredObject]:
        """Files directly in the folder, sorted by path."""
        found = []
        for entry in self._entries(folder):
            if entry.name.startswith(".") or not entry.is_file():
                continue
            try:
                status = entry.stat()
            except FileNotFoundError:  # removed between listing and asking
                continue
            modified_at = datetime.fromtimestamp(status.st_mtime, UTC)
            found.append(StoredObject(f"{folder}/{entry.name}", status.st_size, modified_at))
        return sorted(found, key=lambda stored: stored.path)

    def list_folders(self, folder: str) -> list[str]:
        """Names of the folders directly in it."""
        return sorted(e.name for e in self._entries(folder) if not e.name.startswith(".") and e.is_dir())

    def exists(self, path: str) -> bool:
        """Whether the file is there."""
        return (self._root / path).is_file()

    def delete(self, path: str) -> None:
        """Remove the file."""
        (self._root / path).unlink(missing_ok=True)

    def url_for(self, path: str) -> str:
        """The absolute path."""
        return str(self._root / path)

    def fsspec(self) -> AbstractFileSystem | None:
        """DuckDB reads local paths by itself."""
        return None

    def sweep_staging(self, *, before: datetime) -> int:
        """Remove ``.part`` files not written to since ``before``."""
        return sweep_folder(self._root / STAGING_FOLDER, before=before)

    def _entries(self, folder: str) -> Iterator[os.DirEntry[str]]:
        try:
            with os.scandir(self._root / folder) as entries:
                yield from entries
        except FileNotFoundError:
            return

    def _make_folder(self, folder: Path) -> None:
        missing = []
        while not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        for new in reversed(missing):
            new.mkdir(exist_ok=True)
            _sync_folder(new.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep_folder(folder: Path, *, before: datetime) -> int:
    """Remove ``.part`` files in a folder that nobody wrote to since ``before``."""
    removed = 0
    for path in folder.glob("*" + PART_SUFFIX):
        try:
            is_stale = path.stat().st_mtime < before.timestamp()
        except FileNotFoundError:  # its writer has just published it
            continue
        if is_stale:
            path.unlink(missing_ok=True)
            removed += 1
    return removed


STAGING_KEPT = timedelta(days=1)
"""How long an untouched staged file may belong to a living process."""


def open_storage(url: str, *, s3: S3Options | None = None, scratch: Path | None = None) -> Storage:
    """The storage behind a URL: a path, ``file://…`` or ``s3://bucket/prefix``.

    ``scratch`` is the local folder where files for a bucket are written before their upload; a private temporary one
    if not given. Raises ``ConfigurationError`` for any other scheme.
    """
    parts = urlsplit(url)
    if parts.scheme == "s3":
        from zcc_pipeline.landing.object_storage import ObjectStorage

        return ObjectStorage(parts.netloc, parts.path.strip("/"), s3 or S3Options(), scratch=scratch)
    if parts.scheme == "file":
        return LocalStorage(Path(unquote(parts.path)).absolute())
    if "://" not in url:
        return LocalStorage(Path(url).absolute())
    raise ConfigurationError(
        "ZCC_LAKE_URL",
        f"the scheme {parts.scheme!r} is not supported",
        purpose="where the lake lies; ZCC_FILES_URL takes the same forms",
        example="s3://bucket/lake",
    )
