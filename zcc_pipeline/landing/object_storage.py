"""A bucket behind ``s3://``: a commit is one completed upload, single or multipart; nothing partial is ever listed."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import obstore
import pyarrow as pa
from fsspec import AbstractFileSystem
from obstore.exceptions import BaseError, NotFoundError, PermissionDeniedError, UnauthenticatedError
from obstore.fsspec import FsspecStore
from obstore.store import S3Store
from pyarrow.fs import FSSpecHandler, PyFileSystem

from zcc_pipeline.domain.errors import ConfigurationError, TransientError
from zcc_pipeline.landing.storage import PART_SUFFIX, S3Options, StoredObject, sweep_folder

_WHOLE_BYTES = 16 << 20
"""Objects up to this size are read with one request instead of one for each column."""

_WHOLE_SPARSE_BYTES = 256 << 10
"""The same where little of the object is wanted."""

_UPLOAD_PART_BYTES = 16 << 20
_UPLOADS_AT_ONCE = 2


class _FileSystem(FsspecStore):
    """obstore's file system for fsspec, which finds nothing for a pattern that begins with ``s3://`` (obstore 0.12)."""

    async def _glob(self, path: str, maxdepth: int | None = None, **options: Any) -> Any:  # noqa: ANN401
        return await super()._glob(path.removeprefix("s3://"), maxdepth=maxdepth, **options)


class ObjectStorage:
    """A prefix in an S3 bucket, reached through the Rust ``object_store`` client."""

    def __init__(self, bucket: str, prefix: str, options: S3Options, *, scratch: Path | None) -> None:
        if not bucket:
            raise ConfigurationError("ZCC_LAKE_URL", "the URL names no bucket", example="s3://bucket/lake")
        self._bucket, self._prefix, self._scratch = bucket, prefix, scratch
        settings = _client_settings(options)
        self._store = S3Store(bucket, prefix=prefix or None, **settings)
        self._fsspec = _FileSystem("s3", **settings)

    @property
    def url(self) -> str:
        """``s3://bucket/prefix``."""
        return "/".join(part for part in (f"s3://{self._bucket}", self._prefix) if part)

    def staging_path(self, name: str) -> Path:
        """A path in the scratch folder, which is a temporary one of this process if none was given."""
        if self._scratch is None:
            self._scratch = Path(tempfile.mkdtemp(prefix="zcc-pipeline-"))
            weakref.finalize(self, shutil.rmtree, self._scratch, ignore_errors=True)
        self._scratch.mkdir(parents=True, exist_ok=True)
        return self._scratch / (name + PART_SUFFIX)

    def publish(self, staged: Path, path: str) -> None:
        """Upload, and only then remove the staged file; large files go in parts, and appear once all are there."""
        with _explained():
            obstore.put(self._store, path, staged, chunk_size=_UPLOAD_PART_BYTES, max_concurrency=_UPLOADS_AT_ONCE)
        staged.unlink()

    def open_input(self, path: str, *, is_sparse: bool = False) -> pa.NativeFile:
        """Small objects whole, larger ones by ranges."""
        with _explained():
            size = obstore.head(self._store, path)["size"]
            if size <= (_WHOLE_SPARSE_BYTES if is_sparse else _WHOLE_BYTES):
                return pa.BufferReader(pa.py_buffer(obstore.get(self._store, path).bytes()))
            whole_path = self.url_for(path).removeprefix("s3://")
            return PyFileSystem(FSSpecHandler(self._fsspec)).open_input_file(whole_path)

    def list_files(self, folder: str) -> list[StoredObject]:
        """Objects directly under the prefix, sorted by path."""
        with _explained():
            listed = obstore.list_with_delimiter(self._store, folder or None)["objects"]
        found = [StoredObject(meta["path"], meta["size"], meta["last_modified"]) for meta in listed]
        return sorted(found, key=lambda stored: stored.path)

    def list_folders(self, folder: str) -> list[str]:
        """Names of the prefixes directly under it."""
        with _explained():
            listed = obstore.list_with_delimiter(self._store, folder or None)["common_prefixes"]
        names = (path.rstrip("/").rpartition("/")[2] for path in listed)
        return sorted(name for name in names if not name.startswith("."))

    def exists(self, path: str) -> bool:
        """Whether the object is there."""
        try:
            with _explained():
                obstore.head(self._store, path)
        except FileNotFoundError:
            return False
        return True

    def delete(self, path: str) -> None:
        """Remove the object; nothing happens where there is none."""
        with suppress(FileNotFoundError), _explained():
            obstore.delete(self._store, path)

    def url_for(self, path: str) -> str:
        """``s3://bucket/prefix/path``."""
        return f"{self.url}/{path}"

    def fsspec(self) -> AbstractFileSystem | None:
        """A file system for the protocol ``s3`` with this storage's endpoint and keys, for DuckDB to register."""
        return self._fsspec

    def sweep_staging(self, *, before: datetime) -> int:
        """Remove what was left in the scratch folder; the bucket's own life-cycle rules remove uploads broken off."""
        return sweep_folder(self._scratch, before=before) if self._scratch else 0


def _client_settings(options: S3Options) -> dict[str, Any]:
    settings: dict[str, Any] = {"virtual_hosted_style_request": options.endpoint_url is None}
    if options.endpoint_url:
        settings["endpoint"] = options.endpoint_url
        settings["client_options"] = {"allow_http": options.endpoint_url.startswith("http://")}
    named = {
        "region": options.region,
        "access_key_id": options.access_key_id,
        "secret_access_key": options.secret_access_key,
    }
    return settings | {name: value for name, value in named.items() if value}


@contextmanager
def _explained() -> Iterator[None]:
    """Errors by consequence; the client has already retried what may pass by itself."""
    try:
        yield
    except (FileNotFoundError, NotFoundError) as error:
        _refuse_missing_bucket(error)
        raise FileNotFoundError("no such object") from error
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise ConfigurationError(
            "ZCC_S3_ACCESS_KEY_ID",
            "the object storage refuses these keys for this bucket",
            purpose="with ZCC_S3_SECRET_ACCESS_KEY, the right to list, read, write and delete under ZCC_LAKE_URL",
        ) from error
    except BaseError as error:
        _refuse_missing_bucket(error)
        raise TransientError(f"object storage: {type(error).__name__}") from error


def _refuse_missing_bucket(error: Exception) -> None:
    if "NoSuchBucket" in str(error):
        raise ConfigurationError(
            "ZCC_LAKE_URL",
            "there is no such bucket",
            purpose="buckets for ZCC_LAKE_URL and ZCC_FILES_URL are made by whoever runs the storage",
            example="s3://bucket/lake",
        ) from error
