"""What the warehouse needs to be told, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class WarehouseS3:
    """How DuckDB reaches a lake on ``s3://``: through fsspec, because its own extension would be a download."""

    endpoint_url: str | None = None
    region: str | None = None
    access_key_id: str | None = field(default=None, repr=False)
    secret_access_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class WarehouseConfig:
    """Where things lie and what DuckDB may use.

    ``lake_url`` is a folder or an ``s3://`` URL; ``scratch_dir`` takes everything dbt writes; ``timezone`` decides on
    which day a moment falls; ``phone_region`` is the country whose numbers may lack a country code; ``memory_limit``
    is DuckDB's own notation. Texts are gathered for so many ``engagements_at_once``, which has to fit into it.
    """

    warehouse_path: Path
    analytics_path: Path
    lake_url: str
    scratch_dir: Path
    timezone: str = "UTC"
    phone_region: str = "US"
    s3: WarehouseS3 | None = None
    memory_limit: str = "4GB"
    engagements_at_once: int = 50_000
    threads: int = 2

    @property
    def lake_root(self) -> str:
        """The lake as DuckDB wants it: no ``file://``, no slash at the end."""
        return self.lake_url.removeprefix("file://").rstrip("/")
