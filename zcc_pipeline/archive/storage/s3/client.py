"""A bucket under a prefix, through boto3: every call explained, every listing to its end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from zcc_pipeline.archive.storage.s3.errors import explained
from zcc_pipeline.domain.errors import ConfigurationError

CONNECTIONS = 32
"""Kept open at most; more threads than that are never at one bucket."""
_ATTEMPTS = 5
_CONNECT_SECONDS = 10
_READ_SECONDS = 60


@dataclass(frozen=True, slots=True)
class S3Access:
    """How to reach object storage. Without keys the surroundings decide (instance role, web identity)."""

    endpoint_url: str | None = None
    region: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)


class Bucket:
    """Keys are below the prefix; ``setting`` is the one that names the bucket, for errors. Safe with threads."""

    def __init__(
        self, url: str, access: S3Access, *, setting: str = "ZCC_ARCHIVE_URL", attempts: int = _ATTEMPTS
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme != "s3" or not parts.netloc:
            raise ConfigurationError(setting, "names no bucket", example="s3://bucket/zcc-archive")
        self.name = parts.netloc
        self.prefix = parts.path.strip("/")
        self.setting = setting
        self._access = access
        self._attempts = attempts
        self._making = threading.Lock()
        self._client: Any = None

    @property
    def url(self) -> str:
        """``s3://bucket/prefix``."""
        return f"s3://{self.name}/{self.prefix}".rstrip("/")

    def full(self, key: str) -> str:
        """The key in the bucket."""
        return f"{self.prefix}/{key}" if self.prefix else key

    def short(self, key: str) -> str:
        """The key below the prefix."""
        return key.removeprefix(f"{self.prefix}/") if self.prefix else key

    def call(self, operation: str, key: str | None = None, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401
        """One request; errors as ``explained`` tells."""
        named = {} if key is None else {"Key": self.full(key)}
        client = self._connected()
        with explained(operation, self.setting):
            answer: dict[str, Any] = getattr(client, operation)(Bucket=self.name, **named, **parameters)
        return answer

    def pages(self, operation: str, prefix: str, **parameters: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401
        """All pages of a listing."""
        paginator = self._connected().get_paginator(operation)
        pages = iter(paginator.paginate(Bucket=self.name, Prefix=self.full(prefix), **parameters))
        while True:
            with explained(operation, self.setting):
                page = next(pages, None)
            if page is None:
                return
            yield page

    def _connected(self) -> Any:  # noqa: ANN401 - boto3 makes its classes at run time
        with self._making:
            if self._client is None:
                self._client = _client(self._access, self._attempts)
            return self._client


def _client(access: S3Access, attempts: int) -> Any:  # noqa: ANN401
    """TLS certificates are always checked, with a company's own authority through ``AWS_CA_BUNDLE``."""
    from boto3.session import Session
    from botocore.config import Config

    config = Config(
        max_pool_connections=CONNECTIONS,
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": attempts},
        s3={"addressing_style": "path" if access.endpoint_url else "auto"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return Session().client(
        "s3",
        endpoint_url=access.endpoint_url,
        region_name=access.region,
        aws_access_key_id=access.access_key_id,
        aws_secret_access_key=access.secret_access_key,
        config=config,
    )
