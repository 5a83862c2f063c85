"""What the models' database connection has besides DuckDB's own: the number library, and ``s3://`` where the lake is
there.

dbt-duckdb finds ``Plugin`` through the profile. DuckDB's own S3 support is an extension that would have to be
downloaded, so object storage comes through fsspec; its credentials come through memory, never through a file.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import phonenumbers
from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection

_s3_options: dict[str, Any] = {}


def configure_s3(options: dict[str, Any]) -> None:
    """Keep the connection options (the fields of ``WarehouseS3``) for the connections of this process."""
    _s3_options.clear()
    _s3_options.update(options)


@lru_cache(maxsize=100_000)
def to_e164(number: str, region: str) -> str | None:
    """The number in E.164; None where it cannot be one. Numbers without a country code belong to ``region``."""
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


class Plugin(BasePlugin):
    """Called by dbt-duckdb when it opens the warehouse."""

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Register the function, and the file system where there is one."""
        conn.create_function("to_e164", to_e164, ["VARCHAR", "VARCHAR"], "VARCHAR")
        if _s3_options:
            conn.register_filesystem(_object_storage(_s3_options))


def _object_storage(options: dict[str, Any]) -> Any:  # noqa: ANN401 - fsspec has no types
    from obstore.fsspec import FsspecStore

    class FileSystem(FsspecStore):
        """obstore 0.12 finds nothing for a pattern that begins with ``s3://``, which is how DuckDB asks."""

        async def _glob(self, path: str, maxdepth: int | None = None, **more: Any) -> Any:  # noqa: ANN401
            return await super()._glob(path.removeprefix("s3://"), maxdepth=maxdepth, **more)

    endpoint = options.get("endpoint_url")
    settings: dict[str, Any] = {"virtual_hosted_style_request": endpoint is None}
    if endpoint:
        settings |= {"endpoint": endpoint, "client_options": {"allow_http": endpoint.startswith("http://")}}
    for name in ("region", "access_key_id", "secret_access_key"):
        if options.get(name):
            settings[name] = options[name]
    return FileSystem("s3", **settings)
