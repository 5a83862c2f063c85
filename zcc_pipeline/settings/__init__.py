"""The only reader of the environment. Rooms get plain values; nothing is read before ``load_settings`` is called."""

from zcc_pipeline.settings.configure import default_start_date, open_runtime, pipeline_config, warehouse_config
from zcc_pipeline.settings.crm import configured_crms
from zcc_pipeline.settings.model import PREFIX, Settings, load_settings

__all__ = [
    "PREFIX",
    "Settings",
    "configured_crms",
    "default_start_date",
    "load_settings",
    "open_runtime",
    "pipeline_config",
    "warehouse_config",
]
