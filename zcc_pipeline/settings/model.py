"""Every setting, and how it is read: from the process environment, then from ``.env`` in the working directory.

Every secret may also be given as ``<NAME>_FILE``, the path of a file that holds it, as container platforms mount
secrets.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import date
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dotenv import dotenv_values
from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.settings.archive import ArchiveSettings
from zcc_pipeline.settings.crm import CrmSettings

PREFIX = "ZCC_"


def _split_commas(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


CommaSeparated = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_commas)]
SecretList = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split_commas)]


class PipelineSettings(BaseSettings):
    """What is needed from Zoom to ``analytics.duckdb``."""

    home: Path = Field(
        Path("zcc_data"), description="Folder for everything the pipeline keeps", examples=["/var/lib/zcc"]
    )
    timezone: str = Field(
        "UTC",
        description="Time zone that decides which day a record belongs to; frozen once data has landed",
        examples=["Europe/Berlin"],
    )
    start_date: date | None = Field(
        None, description="First day of interest; default is 30 days before yesterday", examples=["2026-01-01"]
    )
    lookback_days: int = Field(7, ge=1, le=366, description="Days read again every night", examples=["7"])
    deep_lookback_days: int = Field(35, ge=1, le=366, description="Days read again every week", examples=["35"])

    card_data_policy: Literal["off", "flag", "block", "redact"] = Field(
        "flag",
        description="What becomes of texts with card data: not looked for, flagged, kept from leaving, or landed "
        "without the digits",
        examples=["redact"],
    )

    zoom_account_id: str | None = Field(
        None, description="Account id of the server-to-server app", examples=["AbCdEfGhIj"]
    )
    zoom_client_id: str | None = Field(
        None, description="Client id of the server-to-server app", examples=["KlMnOpQrSt"]
    )
    zoom_client_secret: SecretStr | None = Field(
        None, description="Client secret of the server-to-server app", examples=["(from the app's credentials page)"]
    )
    zoom_api_url: str = Field(
        "https://api.zoom.us/v2",
        pattern=r"^https?://",
        description="Base address of the API",
        examples=["https://api.zoom.us/v2"],
    )
    zoom_oauth_url: str = Field(
        "https://zoom.us/oauth/token",
        pattern=r"^https?://",
        description="Address that hands out tokens",
        examples=["https://zoom.us/oauth/token"],
    )
    zoom_plan: Literal["pro", "business", "unlimited"] = Field(
        "pro",
        description="Zoom plan, which decides the rate limits; unlimited is for stand-ins only",
        examples=["business"],
    )
    zoom_rate_share: float = Field(
        0.8, gt=0, le=1, description="Share of the account's rate limits that the pipeline may use", examples=["0.8"]
    )
    zoom_download_hosts: CommaSeparated = Field(
        ("zoom.us",),
        description="Hosts (and those below them) that may receive the token with a download",
        examples=["zoom.us"],
    )

    receiver_host: str = Field(
        "127.0.0.1",
        description="Address that the receiver listens on; TLS is the proxy's in front",
        examples=["0.0.0.0"],  # noqa: S104
    )
    receiver_port: int = Field(
        8080, ge=0, le=65_535, description="Port that the receiver listens on", examples=["8080"]
    )
    receiver_root_path: str = Field(
        "",
        pattern=r"^(/[\w.~-]+)*$",
        description="Path under which a proxy in front serves the receiver, where it hands the whole path on",
        examples=["/zcc"],
    )
    receiver_trusted_proxies: CommaSeparated = Field(
        (),
        description="Addresses or networks of proxies whose X-Forwarded-For is believed; from others it is ignored",
        examples=["10.0.0.0/8"],
    )
    metrics_host: str = Field(
        "127.0.0.1",
        description="Address of the receiver's Prometheus metrics; not one that the world reaches",
        examples=["127.0.0.1"],
    )
    metrics_port: int = Field(
        9464, ge=0, le=65_535, description="Port of the receiver's Prometheus metrics", examples=["9464"]
    )
    webhook_secret_tokens: SecretList = Field(
        (),
        description="Secret tokens of the Marketplace app's webhooks, the current one first; two while it is changed",
        examples=["(from the app's Access page)"],
    )
    webhook_tolerance_seconds: int = Field(
        300,
        ge=1,
        le=30 * 24 * 3600,  # for as long the inbox knows an event again, so that a replay changes nothing
        description="Oldest webhook that is accepted, by its signed time",
        examples=["300"],
    )
    flow_tokens: SecretList = Field(
        (),
        description="Bearer tokens of flow event scripts; two while they are changed",
        examples=["(a long random text)"],
    )
    websocket_url: SecretStr | None = Field(
        None,
        description="Endpoint address of the app's WebSocket subscription",
        examples=["wss://ws.zoom.us/ws?subscriptionId=AbCdEfGhIj"],
    )
    websocket_grant: Literal["account_credentials", "client_credentials"] = Field(
        "account_credentials",
        description="How the WebSocket's token is asked for; a general app's subscription wants client_credentials",
        examples=["client_credentials"],
    )
    inbox_url: SecretStr | None = Field(
        None,
        description="Database of received events; default is SQLite under ZCC_HOME",
        examples=["postgresql://zcc:password@db.example.com/zcc"],
    )
    inbox_retention_days: int = Field(
        14, ge=1, description="Days for which a received event is kept after it was applied", examples=["14"]
    )

    coverage_warn_below: float = Field(
        0.95, ge=0, le=1, description="Share of due events that must arrive before a check warns", examples=["0.98"]
    )
    latency_warn_seconds: int = Field(
        300, ge=1, description="Seconds from event to lake within which 95 % must be", examples=["120"]
    )
    business_hours: str = Field(
        "mon-fri 08:00-18:00",
        description="When somebody is at work, in ZCC_TIMEZONE: only then is silence suspicious",
        examples=["mon-sat 07:00-22:00"],
    )
    silence_warn_hours: float = Field(
        4, gt=0, description="Business hours without any event or challenge before a check warns", examples=["2"]
    )

    state_url: SecretStr | None = Field(
        None,
        description="Database of the ledgers; default is SQLite under ZCC_HOME",
        examples=["postgresql://zcc:password@db.example.com/zcc"],
    )
    lake_url: str | None = Field(
        None, description="Where Parquet lands; default is a folder under ZCC_HOME", examples=["s3://bucket/lake"]
    )
    files_url: str | None = Field(None, description="Where media and transcripts land", examples=["s3://bucket/files"])
    s3_endpoint_url: str | None = Field(
        None, description="S3 endpoint, where it is not AWS", examples=["https://s3.example.com"]
    )
    s3_region: str = Field("us-east-1", description="S3 region", examples=["eu-central-1"])
    s3_access_key_id: str | None = Field(None, description="S3 access key", examples=["AKIAEXAMPLE"])
    s3_secret_access_key: SecretStr | None = Field(
        None, description="S3 secret key", examples=["(from your S3 provider)"]
    )
    phone_region: str = Field(
        "US",
        pattern=r"^[A-Z]{2}$",
        description="Country whose phone numbers may come without a country code (ISO 3166, two letters)",
        examples=["DE"],
    )
    warehouse_path: Path | None = Field(
        None, description="DuckDB file that only dbt writes", examples=["/var/lib/zcc/warehouse.duckdb"]
    )
    analytics_path: Path | None = Field(
        None, description="DuckDB file that analysts read", examples=["/srv/zcc/analytics.duckdb"]
    )
    dagster_executor: str = Field(
        "in_process",
        pattern=r"^(in_process|multiprocess|[A-Za-z_][\w.]*:[A-Za-z_]\w*)$",
        description="What executes the steps of the runs that Dagster starts: in_process, multiprocess, or module:name "
        "of another executor",
        examples=["dagster_celery:celery_executor"],
    )

    @field_validator("home", "warehouse_path", "analytics_path")
    @classmethod
    def _expand(cls, path: Path | None) -> Path | None:
        return path.expanduser().absolute() if path else path

    @field_validator("receiver_trusted_proxies")
    @classmethod
    def _networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        for each in networks:
            ip_network(each, strict=False)
        return networks

    @field_validator("business_hours")
    @classmethod
    def _readable_hours(cls, text: str) -> str:
        from zcc_pipeline.reconciliation import BusinessHours

        BusinessHours.parse(text)
        return text

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"{name!r} is not a known time zone") from error
        return name


class Settings(ArchiveSettings, CrmSettings, PipelineSettings):
    """Every setting, with what it is for and an example; ``zcc doctor`` prints them."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what ``load_settings`` hands in: it has already looked into the environment and ``.env``."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)


def load_settings(environment: Mapping[str, str] | None = None, *, dotenv: Path | None = None) -> Settings:
    """Read the settings now; ``ConfigurationError`` names each wrong variable, what it is for, and an example."""
    sources = os.environ if environment is None else environment, _read_dotenv(dotenv or Path(".env"))
    values: dict[str, Any] = {}
    for name, field in Settings.model_fields.items():
        value = _lookup(name, field, sources)
        if value:
            values[name] = value
    try:
        return Settings(**values)
    except ValidationError as error:
        raise _explain(error) from None


def _read_dotenv(path: Path) -> dict[str, str]:
    return {key: value for key, value in dotenv_values(path).items() if value is not None} if path.is_file() else {}


def _is_secret(field: FieldInfo) -> bool:
    return "SecretStr" in str(field.annotation)


def _lookup(name: str, field: FieldInfo, sources: Iterable[Mapping[str, str]]) -> str | None:
    """What the first source says that names the setting: the value, else what is in the file that it names.

    An empty value is none; the sources behind it are not asked, so that the environment can take back what ``.env``
    sets.
    """
    variable = PREFIX + name.upper()
    for source in sources:
        path = source.get(f"{variable}_FILE") if _is_secret(field) else None
        if path and not source.get(variable):
            return _read_secret(name, field, path)
        if variable in source:
            return source[variable]
    return None


def _read_secret(name: str, field: FieldInfo, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{PREFIX}{name.upper()}_FILE",
            f"cannot read the file it names ({type(error).__name__})",
            purpose=f"file that holds: {field.description}",
            example=f"/run/secrets/{name}",
        ) from None


def _explain(error: ValidationError) -> ConfigurationError:
    """Speak of variables, not of models; the value itself is never repeated, it may be a secret."""
    problems = []
    for item in error.errors(include_input=False, include_url=False, include_context=False):
        name = str(item["loc"][0])
        field = Settings.model_fields[name]
        problems.append(
            ConfigurationError(
                PREFIX + name.upper(),
                item["msg"].removeprefix("Value error, "),
                purpose=field.description or "",
                example=str((field.examples or [""])[0]),
            )
        )
    first, *others = problems
    first.args = ("\n".join(str(problem) for problem in [first, *others]),)
    return first
