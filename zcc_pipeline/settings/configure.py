"""From settings to what the verbs work with.

The rooms are imported where they are configured: reading settings alone (a wrong one, ``zcc simulate``) stays quick.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from zcc_pipeline.domain.clock import Clock, SystemClock
from zcc_pipeline.domain.ports import Progress
from zcc_pipeline.domain.window import day_of
from zcc_pipeline.settings.archive import archive_access
from zcc_pipeline.settings.crm import crm_access
from zcc_pipeline.settings.model import Settings, load_settings

if TYPE_CHECKING:
    from zcc_pipeline.archive.storage.s3 import S3Access
    from zcc_pipeline.landing import S3Options
    from zcc_pipeline.pipeline.runtime import PipelineConfig, Runtime
    from zcc_pipeline.sources.receiver import ReceiverConfig
    from zcc_pipeline.sources.zoom_api import ZoomCredentials
    from zcc_pipeline.warehouse import WarehouseConfig, WarehouseS3


def default_start_date(settings: Settings, clock: Clock) -> date:
    """The first day of interest: as set, or 30 days before yesterday in the account's time zone."""
    return settings.start_date or day_of(clock.now(), ZoneInfo(settings.timezone)) - timedelta(days=31)


def pipeline_config(settings: Settings, clock: Clock) -> PipelineConfig:
    """What the verbs need, as plain values."""
    from zcc_pipeline.pipeline.runtime import Alerts, PipelineConfig
    from zcc_pipeline.reconciliation import BusinessHours
    from zcc_pipeline.sources.zoom_api import ZoomApiConfig

    home = settings.home
    return PipelineConfig(
        home=home,
        timezone=ZoneInfo(settings.timezone),
        start_date=default_start_date(settings, clock),
        look_back_limit=settings.start_date,
        lookback_days=settings.lookback_days,
        deep_lookback_days=settings.deep_lookback_days,
        zoom=ZoomApiConfig(
            api_url=settings.zoom_api_url.rstrip("/"),
            oauth_url=settings.zoom_oauth_url,
            plan=settings.zoom_plan,
            rate_share=settings.zoom_rate_share,
            download_hosts=settings.zoom_download_hosts,
        ),
        credentials=_credentials(settings),
        state_url=_reveal(settings.state_url) or str(home / "state.sqlite"),
        lake_url=_lake_url(settings),
        files_url=settings.files_url or str(home / "files"),
        s3=_s3(settings),
        warehouse=warehouse_config(settings),
        inbox_url=_reveal(settings.inbox_url) or str(home / "inbox.sqlite"),
        inbox_retention_days=settings.inbox_retention_days,
        receiver=_receiver(settings),
        websocket_url=_reveal(settings.websocket_url),
        websocket_grant=settings.websocket_grant,
        alerts=Alerts(
            coverage_share=settings.coverage_warn_below,
            latency=timedelta(seconds=settings.latency_warn_seconds),
            business_hours=BusinessHours.parse(settings.business_hours),
            silence=timedelta(hours=settings.silence_warn_hours),
        ),
        exports=crm_access(settings),
        crm_mapping=settings.crm_mapping,
        card_data=None if settings.card_data_policy == "off" else settings.card_data_policy,
        archive=archive_access(settings, home=home, account=settings.zoom_account_id, s3=_archive_s3(settings)),
    )


def warehouse_config(settings: Settings) -> WarehouseConfig:
    """The part that the warehouse needs, which asks for nothing else."""
    from zcc_pipeline.warehouse import WarehouseConfig

    home = settings.home
    return WarehouseConfig(
        warehouse_path=settings.warehouse_path or home / "warehouse.duckdb",
        analytics_path=settings.analytics_path or home / "analytics.duckdb",
        lake_url=_lake_url(settings),
        scratch_dir=home / "dbt",
        timezone=settings.timezone,
        phone_region=settings.phone_region,
        s3=_warehouse_s3(settings),
    )


def _lake_url(settings: Settings) -> str:
    return settings.lake_url or str(settings.home / "lake")


def _reveal(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


def _credentials(settings: Settings) -> ZoomCredentials | None:
    from zcc_pipeline.sources.zoom_api import ZoomCredentials

    secret = _reveal(settings.zoom_client_secret)
    if not (settings.zoom_account_id and settings.zoom_client_id and secret):
        return None
    return ZoomCredentials(settings.zoom_account_id, settings.zoom_client_id, secret)


def _receiver(settings: Settings) -> ReceiverConfig:
    from zcc_pipeline.sources.receiver import ReceiverConfig

    return ReceiverConfig(
        host=settings.receiver_host,
        port=settings.receiver_port,
        metrics_host=settings.metrics_host,
        metrics_port=settings.metrics_port,
        secret_tokens=tuple(each.get_secret_value() for each in settings.webhook_secret_tokens),
        tolerance_seconds=settings.webhook_tolerance_seconds,
        flow_tokens=tuple(each.get_secret_value() for each in settings.flow_tokens),
        trusted_proxies=settings.receiver_trusted_proxies,
        root_path=settings.receiver_root_path,
    )


def _s3(settings: Settings) -> S3Options | None:
    if not any(url and url.startswith("s3://") for url in (settings.lake_url, settings.files_url)):
        return None
    from zcc_pipeline.landing import S3Options

    return S3Options(
        endpoint_url=settings.s3_endpoint_url,
        region=settings.s3_region,
        access_key_id=settings.s3_access_key_id,
        secret_access_key=_reveal(settings.s3_secret_access_key),
    )


def _archive_s3(settings: Settings) -> S3Access:
    from zcc_pipeline.archive.storage.s3 import S3Access

    return S3Access(
        endpoint_url=settings.s3_endpoint_url,
        region=settings.s3_region,
        access_key_id=settings.s3_access_key_id,
        secret_access_key=_reveal(settings.s3_secret_access_key),
    )


def _warehouse_s3(settings: Settings) -> WarehouseS3 | None:
    s3 = _s3(settings)
    if s3 is None:
        return None
    from zcc_pipeline.warehouse import WarehouseS3

    return WarehouseS3(
        endpoint_url=s3.endpoint_url,
        region=s3.region,
        access_key_id=s3.access_key_id,
        secret_access_key=s3.secret_access_key,
    )


def open_runtime(
    settings: Settings | None = None, *, clock: Clock | None = None, progress: Progress | None = None
) -> Runtime:
    """Everything a verb works with, from the environment or from settings handed in."""
    from zcc_pipeline.pipeline.runtime import Runtime

    clock = clock or SystemClock()
    return Runtime(pipeline_config(settings or load_settings(), clock), clock=clock, progress=progress)
