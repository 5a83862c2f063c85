"""A dbt-duckdb plugin that lets DuckDB read ``s3://`` through fsspec.

DuckDB's own S3 support is an extension that would have to be downloaded. Credentials come through memory, never through a file.
"""

from __future__ import annotations

from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection

_options: dict[str, Any] = {}


def configure(options: dict[str, Any]) -> None:
    """Keep the connection options (the fields of ``WarehouseS3``) for the connections of this process."""
    _options.clear()
    _options.update(options)


def register_object_storage(connection: DuckDBPyConnection, options: dict[str, Any]) -> None:
    """Make ``s3://`` readable on this database."""
    from obstore.fsspec import FsspecStore

    config = {
        "endpoint": options.get("endpoint_url"),
        "region": options.get("region"),
        "access_key_id": options.get("access_key_id"),
        "secret_access_key": options.get("secret_access_key"),
    }
    store = FsspecStore(
        "s3",
        config={name: value for name, value in config.items() if value},
        client_options={"allow_http": bool(options.get("allow_http"))},
    )
    connection.register_filesystem(store)


class Plugin(BasePlugin):  # type: ignore[misc]
    """Found by dbt-duckdb through the profile."""

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Register the file system once for the database."""
        register_object_storage(conn, _options)
