"""A home with everything in it that a purge has to find, and a search that looks into every file of a home."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pyarrow.parquet as pq

from zcc_pipeline.archive.ledger import Action, Entry
from zcc_pipeline.archive.naming import object_id_of
from zcc_pipeline.archive.packaging import Selection
from zcc_pipeline.domain.export_ledger import ExportPlan, ExportResult
from zcc_pipeline.pipeline.archive_package import package
from zcc_pipeline.pipeline.archiving import archive_changes
from zcc_pipeline.pipeline.events import apply_inbox
from zcc_pipeline.pipeline.reconcile import reconcile
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline_tests.story import Story

LONG_AGO = date(2020, 1, 1)
NOT_YET = date(2099, 12, 31)
NOTE = "Mrs Quittenbaum of 7 Erasure Lane wants to be forgotten"
MAY_NAME_IDS = ("archive/ledger/", "archive/completeness/", "purge_reports/")
"""Where ids stay, and nothing else: the proof of what was there and that it was erased, and the list of records that
are still to be erased in CRMs."""

_SAYS_NOTHING = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z?|[a-z_]+")
"""Times, and words of Zoom's vocabulary, of which a day so small may have one in one record only."""
_SHORTEST = 6


@dataclass(frozen=True)
class PurgeStory:
    """A filled home: three engagements whose retention has passed, one of them held; all others are to be kept."""

    told: Story
    gone: str
    """The one that most tests erase: with recording, transcript and notes."""
    also_expired: str
    held: str
    kept: str
    """Whose last day is not over."""
    others: tuple[str, ...]
    """Of which nobody has said until when."""

    def copied_to(self, home: Path) -> PurgeStory:
        """The same in another folder, for a test that changes it."""
        shutil.copytree(self.told.home, home, ignore=shutil.ignore_patterns("*-shm"))
        return replace(self, told=replace(self.told, home=home))

    @property
    def account(self) -> str:
        return self.told.pushed_account_id


def fill(told: Story) -> PurgeStory:
    """Events received and applied, one of them late; everything polled, judged, archived, exported and handed over."""
    told.account_id = told.pushed_account_id
    start = datetime.combine(told.days[0], time(), UTC)
    with told.receiving() as listening:
        told.push(start, webhook_url=listening.webhook_url, flow_url=listening.flow_url, speed=100_000)
    entries = sorted(told.closed_engagements(), key=_wealth, reverse=True)
    gone, *rest = [entry["engagement_id"] for entry in entries]
    told.control("edit-note", note_id=entries[0]["notes"][0]["note_id"], text=NOTE)
    told.control("advance", days=0.01)  # the account alone: a process of its own must not find its clock behind
    with told.runtime() as runtime:
        apply_inbox(runtime)
    told.pull()
    filled = PurgeStory(told, gone, rest[0], rest[1], rest[2], tuple(rest[3:]))
    with told.runtime() as runtime:
        reconcile(runtime, told.days)
        archive_changes(runtime)
        _promise(runtime, filled)
        _hand_over(runtime, filled)
        _note_exports(runtime, filled)
        runtime.state.quarantine.add(
            "polling",
            "zoom/notes",
            None,
            "no id",
            "",
            f'{{"note": "{NOTE}", "engagement_id": "{gone}"}}'.encode(),
            start,
        )
    return filled


def _wealth(entry: Mapping[str, Any]) -> tuple[bool, int]:
    has_media = any(item["media_sha256"] for item in entry["recordings"])
    return has_media and bool(entry["notes"]), len(entry["notes"])


def _promise(runtime: Runtime, filled: PurgeStory) -> None:
    def said(engagement_id: str, until: date) -> Entry:
        object_id = object_id_of(filled.account, engagement_id)
        return Entry(Action.EXTEND, "test", "run-0", object_id=object_id, retain_until=until, retention_class="short")

    expired = [said(each, LONG_AGO) for each in (filled.gone, filled.also_expired, filled.held)]
    held = Entry(
        Action.HOLD_ON, "legal", "run-0", object_id=object_id_of(filled.account, filled.held), matter="2026-17"
    )
    runtime.archive.ledger.append([*expired, said(filled.kept, NOT_YET), held])


def _hand_over(runtime: Runtime, filled: PurgeStory) -> None:
    both = frozenset({filled.gone, filled.kept})
    package(runtime, Selection(engagement_ids=both), matter="2026-1", to=filled.told.home / "out" / "both")
    package(runtime, Selection(engagement_ids=both), matter="2026-2", to=filled.told.home.with_name("handed-over"))


def _note_exports(runtime: Runtime, filled: PurgeStory) -> None:
    exports, now = runtime.state.exports, runtime.clock.now()
    for each in (filled.gone, filled.kept):
        exports.begin("zendesk", [ExportPlan(each, LONG_AGO, "a", "m", "c")], now=now)
        exports.finish("zendesk", [ExportResult(each, "created", "", "ticket", f"4{len(each)}")], now=now)


def needles(story: PurgeStory, engagement_id: str) -> frozenset[bytes]:
    """Every text, number, name and id in any record of an engagement that is in no record of another; and a piece out
    of the middle of each of its files."""
    own: set[str] = set()
    others: Counter[str] = Counter()
    with story.told.runtime() as runtime:
        for file in runtime.lake.every_file():
            with runtime.lake.storage.open_input(file.path) as source:
                rows = pq.read_table(source, columns=["engagement_id", "payload"]).to_pylist()
            for row in rows:
                texts = set(_texts(msgspec.json.decode(row["payload"]))) if row["payload"] else set()
                if row["engagement_id"] == engagement_id:
                    own |= texts
                elif not (row["engagement_id"] is None and engagement_id in texts):
                    others.update(texts)
        stored = [row for row in runtime.state.artefacts.on_days(date.min, date.max) if row.path]
        contents = [(row.engagement_id, runtime.files.read(row.path or "")) for row in stored]
    pieces = {content[len(content) // 2 :][:60] for owner, content in contents if owner == engagement_id}
    shared = b"".join(content for owner, content in contents if owner != engagement_id)
    return frozenset(
        {text.encode() for text in own if text not in others}
        | {piece for piece in pieces if len(piece) > _SHORTEST and piece not in shared}
    )


def _texts(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        for each in part.values():
            yield from _texts(each)
    elif isinstance(part, list):
        for each in part:
            yield from _texts(each)
    elif isinstance(part, str) and len(part) >= _SHORTEST and not _SAYS_NOTHING.fullmatch(part):
        yield part


def found_in(home: Path, wanted: frozenset[bytes]) -> dict[str, set[bytes]]:
    """What of it is anywhere under a folder: in the bytes of any file, in any column of any Parquet, DuckDB or SQLite
    file, in any name."""
    found: dict[str, set[bytes]] = {}
    for path in sorted(home.rglob("*")):
        if path.is_file():
            name = path.relative_to(home).as_posix()
            hits = {each for hay in (name.encode(), *_contents(path)) for each in wanted if each in hay}
            if hits:
                found[name] = hits
    return found


def _contents(path: Path) -> Iterator[bytes]:
    raw = path.read_bytes()
    yield raw
    if path.suffix == ".parquet":
        yield _plain(pq.ParquetFile(path).read().to_pylist())
    elif raw.startswith(b"SQLite format 3"):
        with closing(sqlite3.connect(path)) as connection:
            for (table,) in connection.execute("select name from sqlite_master where type = 'table'").fetchall():
                yield _plain(connection.execute(f'select * from "{table}"').fetchall())
    elif path.suffix == ".duckdb":
        with duckdb.connect(str(path), read_only=True) as connection:
            for schema, table in connection.execute("select schema_name, table_name from duckdb_tables()").fetchall():
                yield _plain(connection.execute(f'select * from "{schema}"."{table}"').fetchall())


def _plain(rows: object) -> bytes:
    """Texts as they are, without escapes."""
    texts: list[str] = []
    open_parts = [rows]
    while open_parts:
        part = open_parts.pop()
        if isinstance(part, dict):
            open_parts += [*part.keys(), *part.values()]
        elif isinstance(part, (list, tuple)):
            open_parts += part
        else:
            texts.append(part.decode(errors="replace") if isinstance(part, bytes) else str(part))
    return "\n".join(texts).encode("utf-8", "replace")


def contents(home: Path) -> dict[str, bytes]:
    """Every file but those that SQLite keeps beside an open database."""
    return {
        path.relative_to(home).as_posix(): path.read_bytes()
        for path in sorted(home.rglob("*"))
        if path.is_file() and not path.name.endswith(("-shm", "-wal"))
    }
