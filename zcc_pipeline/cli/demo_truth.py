"""Does what the pipeline says agree with what the stand-in's account really contains? Row by row."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zcc_pipeline.domain.completeness import Reason

if TYPE_CHECKING:
    from zcc_pipeline.domain.ports import ArtefactRow
    from zcc_pipeline.pipeline.runtime import Runtime

Json = dict[str, Any]
Key = tuple[str, ...]
Rows = dict[Key, Counter[object]]
"""What rows say, by what they are about: several under one key are several rows, and stay so."""

TURNS = "transcript turns"
DIGESTS = (
    ("recordings", "recording_id", "media_sha256", "recording"),
    ("recordings", "recording_id", "transcript_sha256", "recording_transcript"),
    ("voicemails", "message_id", "media_sha256", "voicemail"),
    ("voicemails", "message_id", "transcript_sha256", "voicemail_transcript"),
)
GRACE = timedelta(hours=24)
"""How long after the end of an engagement what belongs to it may come late."""
RUN_TIME = timedelta(hours=1)
"""A demo takes minutes: what was not due when it judged may be due when it is compared."""
NOT_THERE = timedelta(days=3)
"""How long a file may be answered with "not found" before that means gone: two days, and the last look a day later."""


@dataclass(slots=True)
class Agreement:
    """Rows compared by what they are; every difference is kept."""

    compared: Counter[str] = field(default_factory=Counter)
    undecided: Counter[str] = field(default_factory=Counter)
    """Not settled yet by the pipeline's rules: what is awaited until a day after the end, files that the source said it
    did not have yet when they were asked for, and deletions that a second listing has to confirm."""
    differences: list[str] = field(default_factory=list)
    from_flows: int = 0
    """Transcripts that Zoom's API does not give and a flow script brought; the truth file does not know them."""

    @property
    def is_full(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


def compare_with_truth(runtime: Runtime, truth_path: Path) -> Agreement:
    """Statuses from the lake, digests from the ledger, rows from ``analytics.duckdb``, all against the truth file."""
    truth = [entry for entry in json.loads(truth_path.read_text())["engagements"] if entry["is_closed"]]
    agreement = Agreement()
    files = runtime.state.artefacts.on_days(date.min, date.max)
    late = Late.at(runtime.clock.now(), truth, files)
    _compare_statuses(agreement, truth, runtime, late)
    stored = _gathered(((row.kind.value, row.source_id), row.sha256) for row in files if row.sha256)
    _compare(agreement, "files", _true_files(truth), stored, late.files)
    fetched = {row.source_id for row in files if row.sha256}
    for what, wanted, found in _mart_rows(truth, runtime.config.warehouse.analytics_path):
        if what == TURNS:
            from_api = _without_flow_transcripts(agreement, wanted, found, fetched)
            _compare(agreement, what, wanted, from_api, late.transcripts)
        else:
            _compare(agreement, what, wanted, found, frozenset())
    return agreement


@dataclass(frozen=True, slots=True)
class Late:
    """What may be waited for at a moment without anything being lost."""

    engagements: AbstractSet[str]
    """Ended so lately that anything of theirs may still come."""
    files: AbstractSet[Key]
    """Kind and id of files that will be asked for again, of those engagements or answered with "not found"."""
    transcripts: AbstractSet[Key]
    """Engagement and source of the transcripts among them."""
    kinds: AbstractSet[Key]
    """Engagement and kind of those files."""

    @classmethod
    def at(cls, now: datetime, truth: Iterable[Json], files: Iterable[ArtefactRow]) -> Late:
        """By the ends that the truth knows and what the source answered for each file."""
        ended = ((entry["engagement_id"], datetime.fromisoformat(entry["end_time"])) for entry in truth)
        engagements = {engagement_id for engagement_id, end in ended if now < end + GRACE + RUN_TIME}
        waiting = [row for row in files if row.engagement_id in engagements or _is_not_there_yet(row, now)]
        awaited = [row for row in waiting if row.sha256 is None and row.next_try_at is not None]
        return cls(
            engagements,
            {(row.kind.value, row.source_id) for row in awaited},
            {(str(row.engagement_id), row.source_id) for row in awaited if row.kind.value.endswith("transcript")},
            {(str(row.engagement_id), row.kind.value) for row in awaited},
        )

    def may_wait(self, engagement_id: str, kind: str) -> bool:
        """Whether ``waiting`` can be true of it, whatever the account has by now."""
        return engagement_id in self.engagements or (engagement_id, kind) in self.kinds


def _is_not_there_yet(row: ArtefactRow, now: datetime) -> bool:
    """Whether the source itself said "not found" lately, and the next look is not overdue."""
    if row.reason is not Reason.NOT_READY or row.not_found_since is None or row.next_try_at is None:
        return False
    return now < min(row.not_found_since + NOT_THERE, row.next_try_at + RUN_TIME)


def _gathered(rows: Iterable[tuple[Key, object]]) -> Rows:
    gathered: Rows = {}
    for key, value in rows:
        gathered.setdefault(key, Counter())[value] += 1
    return gathered


def _without_flow_transcripts(agreement: Agreement, wanted: Rows, found: Rows, fetched: AbstractSet[str]) -> Rows:
    pushed = {key for key in found if key not in wanted and key[-1] not in fetched}
    agreement.from_flows = len(pushed)
    return {key: count for key, count in found.items() if key not in pushed}


def _compare_statuses(agreement: Agreement, truth: Iterable[Json], runtime: Runtime, late: Late) -> None:
    from zcc_pipeline.pipeline.status import iter_proofs

    found: dict[tuple[str, str], list[tuple[str, str | None]]] = {}
    for _, proof in iter_proofs(runtime, date.min, date.max):
        said = (proof.status.value, proof.reason.value if proof.reason else None)
        found.setdefault((proof.engagement_id, proof.kind.value), []).append(said)
    for entry in truth:
        for kind, expected in entry["artefacts"].items():
            key = (entry["engagement_id"], kind)
            agreement.compared["statuses"] += 1
            wanted = (expected["status"], expected["reason"])
            _compare_status(agreement, key, found.pop(key, []), wanted, may_wait=late.may_wait(*key))
    agreement.differences += [f"{kind} of {engagement_id}: not in truth" for engagement_id, kind in found]


def _compare_status(
    agreement: Agreement,
    key: tuple[str, str],
    told: list[tuple[str, str | None]],
    wanted: tuple[str, str | None],
    *,
    may_wait: bool,
) -> None:
    what = f"{key[1]} of {key[0]}"
    if not told:
        agreement.differences.append(f"{what}: no status, {_words(wanted)} in truth")
        return
    if len(told) > 1:
        agreement.differences.append(f"{what}: {len(told)} statuses")
    for said in told:
        if said[0] == wanted[0] == "waiting" or said == wanted:
            continue
        if (said[0] == "waiting" and may_wait) or (said[0] == "stored" and wanted[0] == "deleted_at_source"):
            agreement.undecided["statuses"] += 1
        else:
            agreement.differences.append(f"{what}: {_words(said)}, in truth {_words(wanted)}")


def _words(status: tuple[str, str | None]) -> str:
    return status[0] if status[1] is None else f"{status[0]} ({status[1]})"


def _compare(agreement: Agreement, what: str, wanted: Rows, found: Rows, awaited: AbstractSet[Key]) -> None:
    """Row by row: what is there twice differs as much as what is not there."""
    agreement.compared[what] += sum(values.total() for values in wanted.values())
    for key in sorted(wanted.keys() | found.keys()):
        true, there = wanted.get(key), found.get(key)
        if there == true:
            continue
        if there is None and key in awaited:
            agreement.undecided[what] += 1
        else:
            agreement.differences.append(f"{what} {'/'.join(key)}: {_difference(true, there)}")


def _difference(true: Counter[object] | None, there: Counter[object] | None) -> str:
    if there is None:
        return "missing"
    if true is None:
        return "not in truth"
    if there.total() != true.total():
        return f"{there.total()} times, in truth {true.total()}"
    return "another value than in truth"


def _true_files(truth: Iterable[Json]) -> Rows:
    rows: dict[Key, object] = {}
    for entry in truth:
        for group, id_field, digest, kind in DIGESTS:
            rows |= {(kind, item[id_field]): item[digest] for item in entry[group] if item[digest]}
        if entry["messaging_transcript_sha256"]:
            rows["messaging_transcript", entry["engagement_id"]] = entry["messaging_transcript_sha256"]
    return _gathered(rows.items())


def _mart_rows(truth: list[Json], analytics: Path) -> Iterator[tuple[str, Rows, Rows]]:
    import duckdb

    with duckdb.connect(str(analytics), read_only=True) as connection:

        def read(sql: str) -> Rows:
            rows = connection.execute(sql).fetchall()
            return _gathered((tuple(map(str, row[:-1])), row[-1]) for row in rows)

        yield (
            "engagements",
            _gathered(((entry["engagement_id"],), True) for entry in truth),
            read("select engagement_id, true from engagements"),
        )
        yield (
            "notes",
            _gathered(
                ((entry["engagement_id"], note["note_id"]), note["note"]) for entry in truth for note in entry["notes"]
            ),
            read("select engagement_id, note_id, note from engagement_notes"),
        )
        yield (
            "dispositions",
            _gathered(((entry["engagement_id"], chosen), True) for entry in truth for chosen in entry["dispositions"]),
            read("select engagement_id, disposition_id, true from engagement_dispositions"),
        )
        yield (
            "recordings",
            _listed(truth, "recordings", "recording_id"),
            read("select engagement_id, recording_id, true from engagement_recordings"),
        )
        yield (
            "voicemails",
            _listed(truth, "voicemails", "message_id"),
            read("select engagement_id, message_id, true from engagement_voicemails"),
        )
        yield (
            TURNS,
            _gathered(
                ((entry["engagement_id"], source), turns) for entry in truth for source, turns in entry["turns"].items()
            ),
            read("select engagement_id, source_id, count(*) from transcript_turns group by 1, 2"),
        )


def _listed(truth: Iterable[Json], group: str, id_field: str) -> Rows:
    return _gathered(
        ((entry["engagement_id"], item[id_field]), True)
        for entry in truth
        for item in entry[group]
        if item["is_observable"]
    )


def as_document(agreement: Agreement) -> Mapping[str, object]:
    """For scripts."""
    return {
        "agrees": agreement.is_full,
        "compared": dict(agreement.compared),
        "undecided": dict(agreement.undecided),
        "from_flows": agreement.from_flows,
        "differences": agreement.differences,
    }
