"""Under which ids, and on which days, something of an engagement lies: read before anything of it is deleted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import date

from zcc_pipeline.domain.purging import Traces, mentioned
from zcc_pipeline.landing.erasing import Doomed, find_rows, find_shared
from zcc_pipeline.pipeline.purging.subject import FILES, OWN, SHARED
from zcc_pipeline.pipeline.runtime import Runtime

LOOKING = "looking through the lake"


def find_traces(runtime: Runtime, engagement_ids: Collection[str]) -> tuple[dict[str, Traces], int]:
    """By engagement, what the lake and the ledgers tell; and how many rows of the lake are theirs.

    Every file of the lake is looked at, also those that were replaced and not swept yet. A second look finds what
    names a recording or voicemail and no engagement, where the first has found any.
    """
    found: dict[str, _Found] = {each: _Found() for each in engagement_ids}
    if not found:
        return {}, 0
    for kind, source_id, day, engagement_id in runtime.state.purges.artefacts_of(engagement_ids):
        found[engagement_id].add(FILES, f"{kind}:{source_id}", day)
    rows = _look(runtime, found, Doomed(frozenset(found), frozenset(found)))
    own = {each for one in found.values() for name in OWN for each in one.record_ids.get(name, ())} - set(found)
    if own:
        _look(runtime, found, Doomed(frozenset(), frozenset(own)))
    shared = _shared(runtime, own, Doomed(frozenset(found)))
    return {each: one.frozen(shared) for each, one in found.items()}, rows


def _shared(runtime: Runtime, own: AbstractSet[str], doomed: Doomed) -> frozenset[str]:
    """Records, such as a recording of two engagements, that one which stays has as well: it keeps them, and their
    files."""
    if not own:
        return frozenset()
    files = (file for file in runtime.lake.every_file() if file.dataset in OWN)
    return frozenset(each for file in files for each in find_shared(runtime.lake.storage, file, own, doomed))


def merge(found: Iterable[Traces]) -> Traces:
    """Those of several engagements together."""
    record_ids: defaultdict[str, frozenset[str]] = defaultdict(frozenset)
    days: frozenset[date] = frozenset()
    for each in found:
        days |= each.days
        for name, ids in each.record_ids.items():
            record_ids[name] |= ids
    return Traces(dict(record_ids), days)


class _Found:
    def __init__(self) -> None:
        self.record_ids: defaultdict[str, set[str]] = defaultdict(set)
        self.days: set[date] = set()

    def add(self, dataset: str, record_id: str, day: date) -> None:
        self.record_ids[dataset].add(record_id)
        self.days.add(day)

    def frozen(self, shared: AbstractSet[str]) -> Traces:
        its_own = {
            name: frozenset(each for each in ids if _id_of(name, each) not in shared)
            for name, ids in self.record_ids.items()
        }
        others = frozenset(each for name in OWN for each in self.record_ids.get(name, ()) if each in shared)
        return Traces(its_own | ({SHARED: others} if others else {}), frozenset(self.days))


def _id_of(dataset: str, record_id: str) -> str:
    """Records of stored files are called ``<kind>:<id>``."""
    return record_id.partition(":")[2] if dataset == FILES else record_id


def _look(runtime: Runtime, found: Mapping[str, _Found], doomed: Doomed) -> int:
    rows = 0
    owners = {each: key for key, one in found.items() for name in OWN for each in one.record_ids.get(name, ())}
    owners |= {key: key for key in found}
    runtime.progress.start(LOOKING, None)
    for file in runtime.lake.every_file():
        for row in find_rows(runtime.lake.storage, file, doomed):
            owner = row.engagement_id or owners.get(mentioned(row.payload, owners.keys()) or "")
            if owner is not None and owner in found:
                found[owner].add(file.dataset, row.record_id, file.day)
                rows += 1
        runtime.progress.advance(LOOKING)
    runtime.progress.finish(LOOKING)
    return rows
