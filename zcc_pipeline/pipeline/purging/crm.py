"""Records in CRMs: nothing here can erase them, so they are listed for whoever can."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from zcc_pipeline.pipeline.crms import TITLES
from zcc_pipeline.pipeline.purging.report import CrmRecord
from zcc_pipeline.pipeline.runtime import Runtime

_NEVER_SENT = frozenset({"skipped", "failed_permanent"})
_COLUMNS = ("crm", "remote_object", "remote_id", "engagement_id", "url", "pieces", "status")


def list_records(runtime: Runtime, engagement_ids: Sequence[str]) -> tuple[CrmRecord, ...]:
    """What the ledger of exports knows of them. Read before its rows are erased."""
    return tuple(record for crm in TITLES for record in _of_crm(runtime, crm, engagement_ids))


def _of_crm(runtime: Runtime, crm: str, engagement_ids: Sequence[str]) -> Iterator[CrmRecord]:
    exports = runtime.state.exports
    rows = exports.get(crm, engagement_ids)
    pieces = exports.pieces(crm, rows)
    access = runtime.config.exports.get(crm)
    base = "" if access is None else access.values.get("url", "").rstrip("/")
    for row in rows.values():
        if row.remote_id is None and row.status in _NEVER_SENT:
            continue
        name, remote_id = row.remote_object or "", row.remote_id or ""
        url = _URLS[crm](base, quote(name, safe=""), quote(remote_id, safe="")) if base and remote_id else ""
        yield CrmRecord(
            crm, name, remote_id, row.engagement_id, url, len(pieces.get(row.engagement_id, ())), row.status
        )


_URLS: Mapping[str, Callable[[str, str, str], str]] = {
    "salesforce": lambda base, _name, its_id: f"{base}/{its_id}",
    "zendesk": lambda base, name, its_id: (
        f"{base}/agent/tickets/{its_id}" if name == "ticket" else f"{base}/agent/custom-objects/{name}/records/{its_id}"
    ),
    "servicenow": lambda base, name, its_id: f"{base}/nav_to.do?uri={name}.do%3Fsys_id%3D{its_id}",
    "dynamics": lambda base, name, its_id: f"{base}/main.aspx?pagetype=entityrecord&etn={name}&id={its_id}",
    "hubspot": lambda base, name, its_id: f"{base}/crm/v3/objects/{name}/{its_id}",
}
"""Where a person looks at a record; of HubSpot the address of its API, since pages there are named by the portal."""


def write_list(path: Path, records: Sequence[CrmRecord]) -> None:
    """A CSV, whole and on disk when this returns: the ledger's rows go only after it."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    writer.writerows([getattr(record, name) for name in _COLUMNS] for record in records)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    with part.open("w", encoding="utf-8", newline="") as stream:
        stream.write(text.getvalue())
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)
