"""Does what the pipeline says agree with what the stand-in's account really contains? Row by row."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zcc_pipeline.pipeline.runtime import Runtime

Json = dict[str, Any]
Rows = dict[tuple[str, ...], object]

TURNS = "transcript turns"
DIGESTS = (
    ("recordings", "recording_id", "media_sha256", "recording"),
    ("recordings", "recording_id", "transcript_sha256", "recording_transcript"),
    ("voicemails", "message_id", "media_sha256", "voicemail"),
    ("voicemails", "message_id", "transcript_sha256", "voicemail_transcript"),
)


@dataclass(slots=True)
class Agreement:
    """Rows compared by what they are; every difference is kept."""

    compared: Counter[str] = field(default_factory=Counter)
    undecided: Counter[str] = field(default_factory=Counter)
    """Not settled yet by the pipeline's rules: what is awaited until a day after the end, files that the source did not
    have yet when they were asked for, and deletions that a second listing has to confirm."""
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
    _compare_statuses(agreement, truth, runtime)
    files = runtime.state.artefacts.on_days(date.min, date.max)
    stored: Rows = {(row.kind.value, row.source_id): row.sha256 for row in files if row.sha256}
    awaited = {row.source_id for row in files if row.sha256 is None and row.next_try_at is not None}
    _compare(agreement, "files", _true_files(truth), stored, awaited)
    fetched = {row.source_id for row in files if row.sha256}
    for what, wanted, found in _mart_rows(truth, runtime.config.warehouse.analytics_path):
        if what == TURNS:
            from_api = _without_flow_transcripts(agreement, wanted, found, fetched)
            _compare(agreement, what, wanted, from_api, awaited)
        else:
            _compare(agreement, what, wanted, found, frozenset())
    return agreement


def _without_flow_transcripts(agreement: Agreement, wanted: Rows, found: Rows, fetched: AbstractSet[str]) -> Rows:
    pushed = {key for key in found if key not in wanted and key[-1] not in fetched}
    agreement.from_flows = len(pushed)
    return {key: count for key, count in found.items() if key not in pushed}


def _compare_statuses(agreement: Agreement, truth: Iterable[Json], runtime: Runtime) -> None:
    from zcc_pipeline.pipeline.status import iter_proofs

    found = {
        (proof.engagement_id, proof.kind.value): (proof.status.value, proof.reason.value if proof.reason else None)
        for _, proof in iter_proofs(runtime, date.min, date.max)
    }
    for entry in truth:
        for kind, expected in entry["artefacts"].items():
            key, wanted = (entry["engagement_id"], kind), (expected["status"], expected["reason"])
            said = found.pop(key, None)
            agreement.compared["statuses"] += 1
            if said is None:
                agreement.differences.append(f"{kind} of {key[0]}: no status, {_words(wanted)} in truth")
            elif said[0] == wanted[0] == "waiting" or said == wanted:
                continue
            elif said[0] == "waiting" or (said[0] == "stored" and wanted[0] == "deleted_at_source"):
                agreement.undecided["statuses"] += 1
            else:
                agreement.differences.append(f"{kind} of {key[0]}: {_words(said)}, in truth {_words(wanted)}")
    agreement.differences += [f"{kind} of {engagement_id}: not in truth" for engagement_id, kind in found]


def _words(status: tuple[str, str | None]) -> str:
    return status[0] if status[1] is None else f"{status[0]} ({status[1]})"


def _compare(agreement: Agreement, what: str, wanted: Rows, found: Rows, awaited: AbstractSet[str]) -> None:
    """The last part of a key says whose file it is or comes from."""
    agreement.compared[what] += len(wanted)
    for key in sorted(wanted.keys() | found.keys()):
        if key not in found and key[-1] in awaited:
            agreement.undecided[what] += 1
        elif key not in found:
            agreement.differences.append(f"{what} {'/'.join(key)}: missing")
        elif key not in wanted:
            agreement.differences.append(f"{what} {'/'.join(key)}: not in truth")
        elif found[key] != wanted[key]:
            agreement.differences.append(f"{what} {'/'.join(key)}: another value than in truth")


def _true_files(truth: Iterable[Json]) -> Rows:
    rows: Rows = {}
    for entry in truth:
        for group, id_field, digest, kind in DIGESTS:
            rows |= {(kind, item[id_field]): item[digest] for item in entry[group] if item[digest]}
        if entry["messaging_transcript_sha256"]:
            rows["messaging_transcript", entry["engagement_id"]] = entry["messaging_transcript_sha256"]
    return rows


def _mart_rows(truth: list[Json], analytics: Path) -> Iterator[tuple[str, Rows, Rows]]:
    import duckdb

    with duckdb.connect(str(analytics), read_only=True) as connection:

        def read(sql: str) -> Rows:
            return {tuple(map(str, row[:-1])): row[-1] for row in connection.execute(sql).fetchall()}

        yield (
            "engagements",
            {(entry["engagement_id"],): True for entry in truth},
            read("select engagement_id, true from engagements"),
        )
        yield (
            "notes",
            {(entry["engagement_id"], note["note_id"]): note["note"] for entry in truth for note in entry["notes"]},
            read("select engagement_id, note_id, note from engagement_notes"),
        )
        yield (
            "dispositions",
            {(entry["engagement_id"], chosen): True for entry in truth for chosen in entry["dispositions"]},
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
            {(entry["engagement_id"], source): turns for entry in truth for source, turns in entry["turns"].items()},
            read("select engagement_id, source_id, count(*) from transcript_turns group by 1, 2"),
        )


def _listed(truth: Iterable[Json], group: str, id_field: str) -> Rows:
    return {
        (entry["engagement_id"], item[id_field]): True
        for entry in truth
        for item in entry[group]
        if item["is_observable"]
    }


def as_document(agreement: Agreement) -> Mapping[str, object]:
    """For scripts."""
    return {
        "agrees": agreement.is_full,
        "compared": dict(agreement.compared),
        "undecided": dict(agreement.undecided),
        "from_flows": agreement.from_flows,
        "differences": agreement.differences,
    }
