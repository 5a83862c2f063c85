"""Zoom Contact Center's REST API: token, rate governor, listings, single reads, downloads.

```
poll_window ─► iter_pages ─► ZoomApi._call ─► Governor (RateBudget) ─► Zoom
     └─► split_items ─► sink                └─► TokenSource
DownloadSource ─► Downloader ─► Zoom, and wherever it redirects to (without the token)
```

What lives here: everything that knows how Zoom answers. What does not: where records go (a sink), when to ask again
(pipeline).
"""

from zcc_pipeline.sources.zoom_api.client import Reply, ZoomApi
from zcc_pipeline.sources.zoom_api.config import HEAVY_PER_DAY, RATES_PER_SECOND, ZoomApiConfig, ZoomCredentials
from zcc_pipeline.sources.zoom_api.downloads import DownloadBody, DownloadSource
from zcc_pipeline.sources.zoom_api.paging import Page
from zcc_pipeline.sources.zoom_api.plan import FurtherListing, PlanCost, plan_cost
from zcc_pipeline.sources.zoom_api.poll import Listing, poll_catalogue, poll_window
from zcc_pipeline.sources.zoom_api.seen_ids import SeenIds
from zcc_pipeline.sources.zoom_api.split import RejectedRecord, split_page, split_record

__all__ = [
    "HEAVY_PER_DAY",
    "RATES_PER_SECOND",
    "DownloadBody",
    "DownloadSource",
    "FurtherListing",
    "Listing",
    "Page",
    "PlanCost",
    "RejectedRecord",
    "Reply",
    "SeenIds",
    "ZoomApi",
    "ZoomApiConfig",
    "ZoomCredentials",
    "plan_cost",
    "poll_catalogue",
    "poll_window",
    "split_page",
    "split_record",
]
