"""Dagster's own tables in the PostgreSQL of the ledgers, wherever its address comes from.

``dagster.yaml`` can name an environment variable and nothing else; the address may also be in ``.env``, or in the file
that ``ZCC_STATE_URL_FILE`` names, and is read as every command reads it. The password is never written down.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage

from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.settings import load_settings


class LedgerStorage(DagsterPostgresStorage):
    """What ``dagster.yaml`` names as its storage."""

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """Nothing: it is all in the settings."""
        return {}

    @classmethod
    def from_config_value(
        cls,
        inst_data: ConfigurableClassData | None,
        config_value: Mapping[str, Any],  # noqa: ARG003 - Dagster's signature
    ) -> LedgerStorage:
        """As the settings say; ``ConfigurationError`` where they name no PostgreSQL any more."""
        secret = load_settings().state_url
        url = secret.get_secret_value() if secret is not None else ""
        if not url.startswith("postgres"):
            raise ConfigurationError(
                "ZCC_STATE_URL",
                "names no PostgreSQL, where Dagster's tables are",
                purpose="database of the ledgers and of Dagster's runs; also as ZCC_STATE_URL_FILE",
                example="postgresql://zcc@db.example.com/zcc",
            )
        return cls(url, inst_data=inst_data)
