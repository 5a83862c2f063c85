"""Erased engagements in the manifests of a day: what an earlier manifest named, and what lies in the lake until its
purge is finished, has the reason ``erased`` in the next one. So a day that is closed again does not seem to have lost
anything. The ids are those that the earlier manifest holds already.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from zcc_pipeline.archive.completeness import FOLDER, Absent, Manifest
from zcc_pipeline.archive.storage import Place
from zcc_pipeline.domain.suppression import SuppressionList

ERASED = "erased"


def erased_entry(record_id: str, kind: str) -> Absent:
    """Something that was listed once and is gone because its engagement was erased."""
    return Absent(record_id, kind, ERASED, ERASED)


def with_erased(manifest: Manifest, place: Place, erased: SuppressionList) -> Manifest:
    """The manifest, with what earlier ones of the same day and dataset named and was erased since."""
    if not erased:
        return manifest
    there = {*manifest.archived, *manifest.pending, *(each.record_id for each in manifest.absent)}
    gone = {each for each in _named_before(place, manifest.day, manifest.dataset) if each in erased} - there
    more = [erased_entry(each, manifest.dataset) for each in sorted(gone)]
    return replace(manifest, absent=[*manifest.absent, *more])


def _named_before(place: Place, day: date, dataset: str) -> Iterator[str]:
    folder, name = f"{FOLDER}/{day:%Y/%m/%d}", dataset.rpartition("/")[2]
    for key in place.keys(folder):
        if not key.rpartition("/")[2].startswith(f"{name}."):
            continue
        try:
            document = json.loads(place.read(key) or b"")
            yield from (*document["archived"], *document["pending"], *document["deleted_at_source"])
            yield from (each["record_id"] for each in document["absent"])
        except (ValueError, KeyError, TypeError):
            continue  # damaged: the verification says so, and the ledger knows what it was
