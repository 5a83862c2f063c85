"""What was erased stays away, by whatever way it tries to come back; everything else is as if nothing had happened."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from zcc_pipeline.domain.completeness import ArtefactKind
from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.domain.events import ERASED_BODY
from zcc_pipeline.domain.ports import Silence
from zcc_pipeline.inbox import InboxReader
from zcc_pipeline.pipeline.archiving import archive_changes
from zcc_pipeline.pipeline.artefacts import fetch_files
from zcc_pipeline.pipeline.per_engagement import SURVEYS, read_each
from zcc_pipeline.pipeline.refresh import refresh
from zcc_pipeline.pipeline.restore import restore
from zcc_pipeline.settings import open_runtime
from zcc_pipeline_tests.event_senders import FLOW_TOKEN, SECRET
from zcc_pipeline_tests.lakes import all_rows
from zcc_pipeline_tests.received import posted, receive
from zcc_pipeline_tests.story import Story, story

pytestmark = [pytest.mark.integration, pytest.mark.slow]

MADE_HERE = {"zoom/events", "zoom/coverage", "zoom/completeness", "zoom/files", "zoom/card_data"}
"""Datasets that tell of the home as well as of the account: one was pushed to, the other was not."""


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """A home in which nothing was erased, pulled and archived."""
    with story(tmp_path_factory.mktemp("erased") / "before", days=1, per_day=120) as told:
        told.account_id = told.pushed_account_id
        told.pull()
        told.late_closers(told.days)
        with told.runtime() as runtime:
            archive_changes(runtime)
        yield told


@pytest.fixture(scope="module")
def erased(before: Story) -> list[dict[str, Any]]:
    """A call with recordings and notes, a chat with notes, and a voicemail, where the day has one."""
    closed = before.closed_engagements()
    call = next(each for each in closed if each["recordings"] and each["notes"])
    others = [each for each in closed if each is not call]  # a chat that became a call is both
    chat = next(each for each in others if each["messaging_transcript_sha256"] and each["notes"])
    return [call, chat, *[each for each in others if each["voicemails"] and each is not chat][:1]]


def ids_of(erased: list[dict[str, Any]]) -> set[str]:
    own = {each["engagement_id"] for each in erased}
    recordings = {one["recording_id"] for each in erased for one in each["recordings"]}
    return own | recordings | {one["message_id"] for each in erased for one in each["voicemails"]}


def engagements_of(erased: list[dict[str, Any]]) -> set[str]:
    return {each["engagement_id"] for each in erased}


def beside(before: Story, name: str) -> Story:
    """Another home for the same account."""
    return Story(before.simulator, before.spec, before.home.parent / name, before.clock, before.account_id)


def held_engagements(before: Story) -> set[str]:
    """All that were pulled, those among them that started weeks before."""
    return {row["record_id"] for row in lake_of(before) if row["dataset"] == "zoom/engagements"}


def suppress(told: Story, erased: list[dict[str, Any]]) -> None:
    with told.runtime() as runtime:
        runtime.state.suppression.add(ids_of(erased), now=runtime.clock.now())


def words_of(before: Story, erased: list[dict[str, Any]]) -> set[bytes]:
    """Ids and texts of the erased engagements that no other engagement has."""
    texts = ids_of(erased) | {note["note"] for each in erased for note in each["notes"]}
    others = "".join(row["payload"] for row in lake_of(before) if row["engagement_id"] not in engagements_of(erased))
    found = {text for text in texts if len(text) > 8 and json.dumps(text, ensure_ascii=False)[1:-1] not in others}
    assert ids_of(erased) <= found
    return {text.encode() for text in found}


def lake_of(told: Story) -> list[dict[str, Any]]:
    with told.runtime() as runtime:
        return [
            row | {"dataset": name} for name, dataset in DATASETS.items() for row in all_rows(runtime.lake, dataset)
        ]


def contents(home: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file as it can be read: Parquet is compressed, so its texts are taken out."""
    for path in home.rglob("*"):
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            yield path, repr(table.to_pydict()).encode()
        elif path.is_file():
            yield path, path.read_bytes()
        yield path, str(path.relative_to(home)).encode()


def traces(home: Path, words: set[bytes]) -> list[str]:
    return [f"{path}: {word!r}" for path, content in contents(home) for word in words if word in content]


def records(told: Story) -> set[tuple[str, str, str, str]]:
    """What was polled, without the addresses and times that are made anew with each answer."""
    volatile = {"download_url", "transcript_url", "playback_url", "path", "callback_voice_messages"}
    found = set()
    for row in lake_of(told):
        if row["dataset"] not in MADE_HERE and row["route"] == "poll":
            payload = {key: value for key, value in json.loads(row["payload"]).items() if key not in volatile}
            found.add((row["dataset"], row["record_id"], row["engagement_id"] or "", json.dumps(payload)))
    return found


def files(told: Story) -> set[str]:
    top = told.home / "files"
    return {path.name for path in top.rglob("*") if path.is_file() and ".staging" not in path.parts}


def test_no_way_leads_back_and_everything_else_is_as_before(before: Story, erased: list[dict[str, Any]]) -> None:
    words = words_of(before, erased)
    assert traces(before.home, words), "the search finds what is there"
    after = beside(before, "after")
    suppress(after, erased)

    with after.receiving() as listening:
        to = {"webhook_url": listening.webhook_url, "flow_url": listening.flow_url}
        after.control("push", days=[str(day) for day in after.days], secret=SECRET, flow_token=FLOW_TOKEN, **to)
    at = datetime.combine(after.days[0], datetime.min.time(), UTC)
    flow = posted("engagement_closed", erased[0]["engagement_id"], at, transcript="Frieda")
    receive(str(after.home / "inbox.sqlite"), flow)  # whole, as from a receiver that did not know yet
    events = after.refresh_from_events()
    pulled = after.pull()
    late = after.late_closers(after.days)
    reconciled = after.reconcile()
    with after.runtime() as runtime:
        archived = archive_changes(runtime)

    assert events.applied.suppressed > len(erased)
    assert sum(report.total("suppressed") for report in pulled.datasets) > len(erased)
    assert (pulled.problems, late.problems, archived.refused) == ([], [], [])
    assert not late.reads.keys() & engagements_of(erased)
    assert not reconciled.needs_attention, reconciled.problems
    assert archived.created == len(held_engagements(before)) - len(erased)
    with InboxReader.open(str(after.home / "inbox.sqlite")) as reader:
        kept = {row.event.body for row in reader.rows([seq for seq, _ in reader.seqs_after(0, 10_000)])}
    assert ERASED_BODY in kept
    kept.discard(ERASED_BODY)
    assert [body for body in kept if any(word in body for word in words)] == [flow.body]
    for path in after.home.glob("inbox*"):
        path.unlink()  # holds the one event that came whole: the purge removes it, and that is another test
    assert traces(after.home, words) == []
    assert records(after) >= {row for row in records(before) if row[2] not in engagements_of(erased)}
    assert files(after) <= files(before)
    assert not any(each in name for name in files(after) for each in ids_of(erased))


def test_restore_brings_back_all_but_what_was_erased(before: Story, erased: list[dict[str, Any]]) -> None:
    empty = beside(before, "restored")
    for name in ("archive", "archive-keys"):
        shutil.copytree(before.home / name, empty.home / name)
    suppress(empty, erased)

    with empty.runtime() as runtime:
        report = restore(runtime)
    shutil.rmtree(empty.home / "archive")

    assert (report.suppressed, report.failed) == (len(erased), {})
    assert report.objects == len(held_engagements(before)) - len(erased)
    assert traces(empty.home, words_of(before, erased)) == []


def test_what_still_lies_in_the_lake_is_not_asked_for_any_more(before: Story, erased: list[dict[str, Any]]) -> None:
    later = beside(before, "later")
    shutil.copytree(before.home, later.home)
    suppress(later, erased)
    calls = sum(later.ask("state")["requests"]["by_route"].values())
    own = frozenset(engagements_of(erased))

    with later.runtime() as runtime:
        refreshed = refresh(runtime, own)
        read = read_each(runtime, SURVEYS, later.days, only=own)
        fetched = fetch_files(runtime, ArtefactKind.RECORDING, later.days, only=own)

    assert (refreshed.suppressed, refreshed.refreshed) == (len(erased), 0)
    assert fetched.total("suppressed") == sum(len(each["recordings"]) for each in erased)
    assert read.total("received") == fetched.total("received") == 0
    assert sum(later.ask("state")["requests"]["by_route"].values()) == calls


class EraseOnTheWay(Silence):
    """Erases everything that is wanted as soon as the first file has come."""

    def __init__(self, told: Story, ids: set[str]) -> None:
        self._told, self._ids = told, ids

    def advance(self, task: str, amount: int = 1) -> None:
        with self._told.runtime() as runtime:
            runtime.state.suppression.add(self._ids, now=runtime.clock.now())


def test_a_file_that_was_on_its_way_when_its_engagement_was_erased_does_not_stay(
    before: Story, erased: list[dict[str, Any]]
) -> None:
    meanwhile = beside(before, "meanwhile")
    meanwhile.pull(only=("zoom/engagements", "zoom/recordings"))
    progress = EraseOnTheWay(meanwhile, ids_of(erased))

    with open_runtime(meanwhile.settings, clock=meanwhile.clock, progress=progress) as runtime:
        fetched = fetch_files(runtime, ArtefactKind.RECORDING, meanwhile.days, only=frozenset(engagements_of(erased)))

    assert fetched.total("received") > 0
    assert fetched.total("suppressed") == fetched.total("received")
    assert files(meanwhile) == set()


def test_a_pull_after_a_lost_key_stops_before_anything_lands(before: Story, erased: list[dict[str, Any]]) -> None:
    keyless = beside(before, "keyless")
    suppress(keyless, erased)
    (keyless.home / "keys" / "suppression.key").unlink()

    with pytest.raises(ConfigurationError, match=r"suppression\.key"):
        keyless.pull(only=("engagements",))
    assert not [row for row in lake_of(keyless) if row["dataset"] == "zoom/engagements"]
