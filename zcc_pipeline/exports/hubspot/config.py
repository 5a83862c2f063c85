"""How one HubSpot account is reached."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.exports.session import BUDGET_SECONDS, PATIENT
from zcc_pipeline.transport import RetryPolicy

KEY_SETTING = "ZCC_HUBSPOT_ACCESS_TOKEN"
URL_SETTING = "ZCC_HUBSPOT_URL"
VERSION_SETTING = "ZCC_HUBSPOT_API_VERSION"

_DATED = re.compile(r"\d{4}-\d{2}(-beta)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class HubSpotConfig:
    """One account. ``access_token`` is a service key, or an access token of an app: both travel the same way.

    Limits (usage guidelines, November 2026): 190 calls in ten seconds for Professional and Enterprise, 100 below, and
    five searches a second on top; the paces stay a little under both, and a 429 tells where the account's are lower.
    """

    access_token: str = field(repr=False)
    url: str = "https://api.hubapi.com"
    api_version: str = "2026-09"
    calls_per_ten_seconds: int = 185
    searches_per_second: int = 5
    concurrency: int = 6
    retry: RetryPolicy = PATIENT
    budget_seconds: float = BUDGET_SECONDS
    folder: str = "/zoom-contact-center"
    """Where files are uploaded to, in HubSpot's file manager; made by the first upload."""

    def __post_init__(self) -> None:
        """Paths with ``/v3/`` and ``/v4/`` end in 2027 (changelog): there is no way to ask for them."""
        if not _DATED.fullmatch(self.api_version):
            raise ConfigurationError(
                VERSION_SETTING,
                f"{self.api_version!r} is not a dated version",
                purpose="the version in every path of HubSpot's API; numbered ones end in 2027",
                example="2026-09",
            )
