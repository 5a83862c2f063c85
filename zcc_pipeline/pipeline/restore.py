"""Bring lost files and lake versions back from the archive. What is there and right is never touched.

Files return to where they were, byte for byte; records return as the versions that were archived, with the time that
each spoke for. What the archive does not hold (raw events, reference lists, records of engagements never archived) is
read from the source again.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import date, datetime, time
from hashlib import sha512
from itertools import groupby
from typing import Any

from zcc_pipeline.archive.ledger import Action, Entry
from zcc_pipeline.archive.naming import engagement_id_of
from zcc_pipeline.archive.ocfl import BadInventory, Inventory, ObjectStore
from zcc_pipeline.archive.opening import COPY_SETTING
from zcc_pipeline.domain.completeness import ArtefactKind
from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.domain.errors import ConfigurationError, NotFound, PermanentError
from zcc_pipeline.domain.records import RecordChunk, Route
from zcc_pipeline.domain.window import format_time
from zcc_pipeline.landing.writer import LakeWriter
from zcc_pipeline.pipeline.archive_snapshots import PROVENANCE
from zcc_pipeline.pipeline.archive_sources import FILES
from zcc_pipeline.pipeline.reports import DayReport
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.pipeline.stored_records import land_stored

_CHUNK = 1 << 20


@dataclass(slots=True)
class RestoreReport:
    """What was brought back, or would be."""

    is_dry_run: bool
    objects: int = 0
    files_there: int = 0
    files_restored: int = 0
    files_replaced: int = 0
    """Of those restored: they were there, and not what was archived."""
    bytes_restored: int = 0
    records_there: int = 0
    records_restored: int = 0
    suppressed: int = 0
    """Objects of engagements that were erased, which are not brought back."""
    days: set[date] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    """Objects whose archived bytes are not right, and what is wrong; nothing of those is restored."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A file of an object, and where it came from."""

    version: int
    path: str
    digest: str
    origin: Mapping[str, Any] = field(repr=False)


def restore(runtime: Runtime, *, dry_run: bool = False, from_second_copy: bool = False) -> RestoreReport:
    """Everything that the archive (or its second copy) has and the file store and the lake lack.

    ``ConfigurationError`` where the settings name no second copy, or there is none yet.
    """
    objects = _second_copy(runtime) if from_second_copy else runtime.archive.objects
    report = RestoreReport(is_dry_run=dry_run)
    by_day = sorted(_days(runtime, objects, report))
    runtime.progress.start("restore", len(by_day))
    for day, group in groupby(by_day, key=lambda pair: pair[0]):
        _restore_day(runtime, objects, [object_id for _, object_id in group], report)
        report.days.add(day)
        runtime.progress.advance("restore")
    if not dry_run:
        for day in report.days:
            for kind in ArtefactKind:
                land_stored(runtime, kind, day, DayReport(day))
        if report.files_restored or report.records_restored:
            _log(runtime, report)
    runtime.progress.finish("restore")
    return report


def _second_copy(runtime: Runtime) -> ObjectStore:
    place = runtime.archive.copy_place
    if place is None or not place.is_there():
        raise ConfigurationError(
            COPY_SETTING,
            "there is no second copy" if place else "is not set",
            purpose="where the archive's second copy lies",
            example="/mnt/elsewhere/archive",
        )
    return ObjectStore(place, clock=runtime.clock)


def _days(runtime: Runtime, objects: ObjectStore, report: RestoreReport) -> Iterator[tuple[date, str]]:
    """Objects by the first day of their records, so that each day of the lake is looked at once."""
    erased = runtime.suppressed()
    for object_id in objects.object_ids():
        if engagement_id_of(object_id) in erased:
            report.suppressed += 1
            continue
        try:
            pieces = _pieces(objects, object_id)
        except (BadInventory, NotFound, ValueError, KeyError, TypeError) as error:
            report.failed[object_id] = f"its provenance cannot be read ({type(error).__name__})"
            continue
        days = [date.fromisoformat(piece.origin["day"]) for piece in pieces]
        if days:
            yield min(days), object_id


def _pieces(objects: ObjectStore, object_id: str) -> list[_Piece]:
    """Every file that any version brought and whose origin is known, oldest first."""
    inventory = objects.inventory(object_id)
    if inventory is None:
        raise NotFound("the archive has no such object", http_status=404)
    found: dict[tuple[str, str], _Piece] = {}
    for version, state in sorted(inventory.states.items()):
        for origin in _provenance(objects, object_id, inventory, version):
            path = origin["path"]
            if "day" in origin and path in state:
                found.setdefault((path, state[path]), _Piece(version, path, state[path], origin))
    return list(found.values())


def _provenance(objects: ObjectStore, object_id: str, inventory: Inventory, version: int) -> list[dict[str, Any]]:
    if PROVENANCE not in inventory.states[version]:
        return []
    with closing(objects.open(object_id, PROVENANCE, version)) as stream:
        data = stream.read()
    if sha512(data).hexdigest() != inventory.states[version][PROVENANCE]:
        raise ValueError("not what was archived")
    found: list[dict[str, Any]] = json.loads(data)
    return found


def _restore_day(runtime: Runtime, objects: ObjectStore, object_ids: list[str], report: RestoreReport) -> None:
    records: dict[str, list[tuple[str, _Piece]]] = defaultdict(list)
    for object_id in object_ids:
        report.objects += 1
        for piece in _pieces(objects, object_id):
            try:
                if piece.origin.get("dataset") == FILES:
                    _restore_file(runtime, objects, object_id, piece, report)
                else:
                    records[piece.origin["dataset"]].append((object_id, piece))
            except PermanentError as error:
                report.failed[object_id] = str(error)
    for dataset, found in records.items():
        with ExitStack() as stack:
            writer = stack.enter_context(runtime.lake.writer(DATASETS[dataset]))
            for object_id, piece in sorted(found, key=lambda pair: str(pair[1].origin["as_of"])):
                _restore_record(runtime, objects, writer, object_id, piece, report)
            if report.is_dry_run:
                writer.flush()
            else:
                writer.commit()
            counts = writer.counts
        report.records_there += counts.unchanged
        report.records_restored += counts.received - counts.unchanged - counts.suppressed


def _restore_file(runtime: Runtime, objects: ObjectStore, object_id: str, piece: _Piece, report: RestoreReport) -> None:
    path, files = str(piece.origin["stored_path"]), runtime.files
    try:
        is_there = files.exists(path)
    except ValueError:
        raise PermanentError(f"{piece.path} has a path that leads out of the file store") from None
    if is_there and _digest_of(runtime, path) == piece.digest:
        report.files_there += 1
        return
    size = _copy(runtime, objects, object_id, piece, path, dry_run=report.is_dry_run)
    report.files_restored += 1
    report.files_replaced += is_there
    report.bytes_restored += size


def _digest_of(runtime: Runtime, path: str) -> str:
    digest = sha512()
    with runtime.files.open(path) as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _copy(runtime: Runtime, objects: ObjectStore, object_id: str, piece: _Piece, path: str, *, dry_run: bool) -> int:
    """Whole and right, or not at all."""
    storage = runtime.files.storage
    staged = storage.staging_path(f"restore-{runtime.new_id()}")
    digest, size = sha512(), 0
    try:
        with (
            closing(objects.open(object_id, piece.path, piece.version)) as source,
            staged.open("wb") as target,
        ):
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
                target.write(b"" if dry_run else chunk)
            target.flush()
            os.fsync(target.fileno())
        if digest.hexdigest() != piece.digest:
            raise PermanentError(f"{piece.path} is not what was archived: `zcc archive verify` says more")
        if not dry_run:
            storage.publish(staged, path)
    finally:
        staged.unlink(missing_ok=True)
    return size


def _restore_record(
    runtime: Runtime, objects: ObjectStore, writer: LakeWriter, object_id: str, piece: _Piece, report: RestoreReport
) -> None:
    origin = piece.origin
    with closing(objects.open(object_id, piece.path, piece.version)) as source:
        payload = source.read()
    if sha512(payload).hexdigest() != piece.digest:
        report.failed[object_id] = f"{piece.path} is not what was archived: `zcc archive verify` says more"
        return
    route: Route = origin["route"]
    noon = datetime.combine(date.fromisoformat(origin["day"]), time(12), runtime.config.timezone)
    writer.add(
        RecordChunk(
            dataset=origin["dataset"],
            shape=origin["shape"],
            route=route,
            as_of=datetime.fromisoformat(origin["as_of"]),
            batch_id="restored",
            record_ids=[origin["record_id"]],
            payloads=[payload],
            engagement_ids=[engagement_id_of(object_id)],
            occurred_at=[format_time(noon)],  # only its day counts, and that is the one on which it lay
            is_deleted=bool(origin["is_deleted"]),
        )
    )


def _log(runtime: Runtime, report: RestoreReport) -> None:
    counts = {
        "objects": report.objects,
        "files": report.files_restored,
        "records": report.records_restored,
        "failed": len(report.failed),
    }
    archive = runtime.archive
    archive.ledger.append([Entry(Action.RESTORE, archive.actor, runtime.new_id(), counts=counts)])
