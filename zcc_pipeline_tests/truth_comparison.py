"""Compare what the pipeline has with what the stand-in says is true, row by row.

Reads ``analytics.duckdb`` and the lake's files directly, not through the package; every disagreement in words.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

GRACE = timedelta(hours=24)
ITEM_KINDS = {"recording", "recording_transcript", "voicemail", "voicemail_transcript", "messaging_transcript"}


def read_truth(path: Path) -> dict[str, Any]:
    truth: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return truth


def expected_engagements(truth: dict[str, Any], first: date, last: date) -> dict[str, dict[str, Any]]:
    """Closed engagements that started on those days (UTC)."""
    return {
        entry["engagement_id"]: entry
        for entry in truth["engagements"]
        if entry["is_closed"] and first <= datetime.fromisoformat(entry["start_time"]).date() <= last
    }


class Comparison:
    """Collects disagreements; an empty list is agreement."""

    def __init__(self, home: Path, truth: dict[str, Any], first: date, last: date, now: datetime) -> None:
        self.home, self.now = home, now
        self.expected = expected_engagements(truth, first, last)
        self._range = (first, last)
        self.problems: list[str] = []
        self._analytics = duckdb.connect(str(home / "analytics.duckdb"), read_only=True)

    def run(self) -> list[str]:
        try:
            self._compare_engagements()
            self._compare_notes()
            self._compare_dispositions()
            self._compare_recordings()
            self._compare_voicemails()
            self._compare_files()
            self._compare_turns()
            self._compare_statuses()
        finally:
            self._analytics.close()
        return self.problems

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query over ``started``: the engagements that started on the days compared."""
        first, last = self._range
        started = f"(select engagement_id from engagements where started_at::date between '{first}' and '{last}')"
        return self._analytics.execute(f"with started as {started} {sql}").fetchall()

    def _same(self, what: str, wanted: Counter[Any], found: Counter[Any]) -> None:
        """Multisets, so that what is doubled shows as well as what is lost."""
        for item in wanted - found:
            self.problems.append(f"{what} lost: {item}")
        for item in found - wanted:
            self.problems.append(f"{what} too many: {item}")

    def _each(self, key: str) -> list[tuple[str, dict[str, Any]]]:
        return [(engagement_id, item) for engagement_id, entry in self.expected.items() for item in entry[key]]

    def _compare_engagements(self) -> None:
        found = Counter(row[0] for row in self._rows("select engagement_id from started"))
        self._same("engagement", Counter(list(self.expected)), found)

    def _compare_notes(self) -> None:
        wanted = Counter((engagement, note["note_id"], note["note"]) for engagement, note in self._each("notes"))
        found = Counter(
            self._rows("select engagement_id, note_id, note from engagement_notes join started using (engagement_id)")
        )
        self._same("note", wanted, found)

    def _compare_dispositions(self) -> None:
        wanted = Counter((engagement, item) for engagement, item in self._each("dispositions"))
        found = Counter(
            self._rows(
                "select engagement_id, disposition_id from engagement_dispositions join started using (engagement_id)"
            )
        )
        self._same("disposition", wanted, found)

    def _compare_recordings(self) -> None:
        wanted = Counter(
            (engagement, item["recording_id"], item["is_deleted"])
            for engagement, item in self._each("recordings")
            if item["is_observable"]
        )
        sql = "select engagement_id, recording_id, is_deleted from engagement_recordings"
        found = Counter(self._rows(f"{sql} join started using (engagement_id)"))
        self._same("recording", wanted, found)

    def _compare_voicemails(self) -> None:
        wanted = Counter(item["message_id"] for _, item in self._each("voicemails") if item["is_observable"])
        found = Counter(
            row[0]
            for row in self._rows("select message_id from engagement_voicemails join started using (engagement_id)")
        )
        self._same("voicemail", wanted, found)

    def _stored_files(self) -> dict[tuple[str, str], dict[str, Any]]:
        glob = self.home / "lake" / "zoom" / "files" / "*" / "*.parquet"
        rows = duckdb.sql(
            f"select payload from read_parquet('{glob}') where not is_deleted "
            "qualify row_number() over (partition by record_id order by as_of desc, observed_at desc) = 1"
        ).fetchall()
        payloads = [json.loads(row[0]) for row in rows]
        return {(payload["kind"], payload["source_id"]): payload for payload in payloads}

    def _compare_files(self) -> None:
        """Every file that is expected is there, has the bytes the source has, and what is said of it is true."""
        stored = self._stored_files()
        for (kind, source_id), payload in stored.items():
            content = (self.home / "files" / payload["path"]).read_bytes()
            if hashlib.sha256(content).hexdigest() != payload["sha256"] or len(content) != payload["size_bytes"]:
                self.problems.append(f"file {kind} {source_id} is not what its record says")
        for engagement_id, entry in self.expected.items():
            for kind, source_id, digest in _expected_files(engagement_id, entry):
                found = stored.get((kind, source_id))
                if found is None:
                    self.problems.append(f"file {kind} {source_id} of {engagement_id} is not stored")
                elif found["sha256"] != digest:
                    self.problems.append(f"file {kind} {source_id} of {engagement_id} differs from the source's")

    def _compare_turns(self) -> None:
        counted = dict(self._rows("select source_id, count(*) from transcript_turns group by source_id"))
        for entry in self.expected.values():
            available = {source for _, source, _ in _expected_files(entry["engagement_id"], entry)}
            for source_id, turns in entry["turns"].items():
                if source_id in available and counted.get(source_id) != turns:
                    self.problems.append(f"turns of {source_id}: {counted.get(source_id)} instead of {turns}")

    def _compare_statuses(self) -> None:
        glob = self.home / "lake" / "zoom" / "completeness" / "*" / "*.parquet"
        rows = duckdb.sql(
            f"select payload from read_parquet('{glob}') "
            "qualify row_number() over (partition by record_id order by as_of desc, observed_at desc) = 1"
        ).fetchall()
        items = (json.loads(row[0]) for row in rows)
        started = {row[0] for row in self._rows("select engagement_id from started")}
        found = {(item["engagement_id"], item["kind"]): item for item in items if item["engagement_id"] in started}
        self._same("engagement judged", Counter(list(self.expected)), Counter({key[0] for key in found}))
        for engagement_id, entry in self.expected.items():
            ended_at = datetime.fromisoformat(entry["end_time"])
            in_grace = self.now < ended_at.astimezone(UTC) + GRACE + timedelta(hours=1)
            for kind, truth in entry["artefacts"].items():
                status = found.get((engagement_id, kind))
                if status is None:
                    self.problems.append(f"{kind} of {engagement_id} has no status")
                elif not _agrees(status, truth, in_grace=in_grace):
                    said = f"{status['status']}/{status['reason']} ({status['evidence']})"
                    self.problems.append(
                        f"{kind} of {engagement_id} [{entry['scenario']}]: {said}, "
                        f"in truth {truth['status']}/{truth['reason']}"
                    )


def _agrees(status: dict[str, Any], truth: dict[str, Any], *, in_grace: bool) -> bool:
    """Inside the time in which Zoom is known to be late, waiting is right wherever nothing is there (yet)."""
    if (status["status"], status["reason"]) == (truth["status"], truth["reason"]):
        return status["status"] != "stored" or status["stored_items"] >= min(truth["items"], 1)
    return in_grace and status["status"] == "waiting" and truth["status"] not in {"stored", "deleted_at_source"}


def _expected_files(engagement_id: str, entry: dict[str, Any]) -> list[tuple[str, str, str]]:
    files = []
    for item in entry["recordings"]:
        if item["is_observable"] and not item["is_deleted"]:
            files += [
                ("recording", item["recording_id"], item["media_sha256"]),
                ("recording_transcript", item["recording_id"], item["transcript_sha256"]),
            ]
    for item in entry["voicemails"]:
        if item["is_observable"] and not item["is_removed"]:
            files += [
                ("voicemail", item["message_id"], item["media_sha256"]),
                ("voicemail_transcript", item["message_id"], item["transcript_sha256"]),
            ]
    files.append(("messaging_transcript", engagement_id, entry["messaging_transcript_sha256"]))
    return [(kind, source_id, digest) for kind, source_id, digest in files if digest is not None]


def compare(home: Path, truth: dict[str, Any], first: date, last: date, now: datetime) -> list[str]:
    """Every disagreement between the pipeline's home and the truth, for engagements that started on those days."""
    return Comparison(home, truth, first, last, now).run()
