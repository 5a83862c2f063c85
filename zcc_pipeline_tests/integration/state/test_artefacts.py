"""The file ledger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from zcc_pipeline.domain.completeness import ArtefactKind, Reason
from zcc_pipeline.domain.errors import PermanentError
from zcc_pipeline.domain.ports import ArtefactRow, StoredFile, WantedArtefact
from zcc_pipeline.state import StateStore
from zcc_pipeline_tests.integration.state.conftest import DAY, NOW
from zcc_pipeline_tests.integration.state.processes import meeting, outputs, start

pytestmark = pytest.mark.integration

RECORDING, VOICEMAIL = ArtefactKind.RECORDING, ArtefactKind.VOICEMAIL
FILE = StoredFile("recording/date=2026-11-20/r1.abc.mp3", 5_000_000_000, "a" * 64, "b" * 128, "audio/mpeg", "mp3")
HOUR = timedelta(hours=1)
LATER = NOW + HOUR


def wanted(
    source_id: str = "r1",
    *,
    kind: ArtefactKind = RECORDING,
    engagement_id: str | None = "e1",
    day: date = DAY,
    occurred_at: datetime = NOW,
) -> WantedArtefact:
    return WantedArtefact(kind, source_id, engagement_id, day, occurred_at)


def row(store: StateStore, source_id: str = "r1", kind: ArtefactKind = RECORDING) -> ArtefactRow:
    return store.artefacts.get(kind, [source_id])[source_id]


def fail(
    store: StateStore, *, reason: Reason = Reason.DOWNLOAD_FAILED, now: datetime = NOW, then: datetime | None = LATER
) -> None:
    store.artefacts.mark_failed(RECORDING, "r1", reason=reason, evidence="http_status=503", next_try_at=then, now=now)


def gone(store: StateStore, *, now: datetime = LATER) -> None:
    store.artefacts.mark_gone(
        RECORDING, "r1", reason=Reason.SOURCE_REPORTS_GONE, evidence="http_status=404 code=2801", now=now
    )


def test_a_wanted_file_is_due_at_once(store: StateStore) -> None:
    assert store.artefacts.want([wanted()], now=NOW) == 1

    found = row(store)
    assert (found.state, found.attempts, found.first_seen_at, found.next_try_at) == ("wanted", 0, NOW, NOW)
    assert (found.kind, found.engagement_id, found.day, found.occurred_at) == (RECORDING, "e1", DAY, NOW)


def test_wanting_again_adds_nothing_and_keeps_the_state(store: StateStore) -> None:
    store.artefacts.want([wanted()], now=NOW)
    store.artefacts.mark_stored(RECORDING, {"r1": FILE}, now=NOW)

    assert store.artefacts.want([wanted(), wanted("r2"), wanted("r2")], now=LATER) == 1
    assert row(store).state == "stored"
    assert store.artefacts.want([], now=NOW) == 0


def test_the_same_id_in_two_kinds_is_two_files(store: StateStore) -> None:
    assert store.artefacts.want([wanted(), wanted(kind=ArtefactKind.RECORDING_TRANSCRIPT)], now=NOW) == 2


def test_an_engagement_that_becomes_known_is_filled_in_and_never_replaced(store: StateStore) -> None:
    store.artefacts.want([wanted(engagement_id=None), wanted("r2", engagement_id="e2")], now=NOW)
    store.artefacts.want([wanted(engagement_id="e1"), wanted("r2", engagement_id="other")], now=LATER)

    assert (row(store).engagement_id, row(store, "r2").engagement_id) == ("e1", "e2")


def test_a_stored_file_reads_back_with_size_and_digests(store: StateStore) -> None:
    store.artefacts.want([wanted()], now=NOW)
    fail(store)
    store.artefacts.mark_stored(RECORDING, {"r1": FILE}, now=LATER)

    found = row(store)
    assert (found.state, found.attempts, found.stored_at, found.next_try_at) == ("stored", 2, LATER, None)
    assert (found.path, found.size_bytes, found.media_type) == (FILE.path, FILE.size_bytes, FILE.media_type)
    assert (found.sha256, found.sha512) == (FILE.sha256, FILE.sha512)
    assert (found.reason, found.evidence, found.not_found_since) == (None, None, None)


def test_storing_the_same_content_again_keeps_its_first_time_and_new_content_does_not(store: StateStore) -> None:
    store.artefacts.want([wanted()], now=NOW)
    store.artefacts.mark_stored(RECORDING, {"r1": FILE}, now=NOW)
    store.artefacts.mark_stored(RECORDING, {"r1": FILE}, now=LATER)
    assert row(store).stored_at == NOW

    store.artefacts.mark_stored(RECORDING, {"r1": replace(FILE, sha256="c" * 64, path="p2")}, now=LATER)
    assert (row(store).stored_at, row(store).path) == (LATER, "p2")


def test_a_report_handed_in_twice_counts_once(store: StateStore) -> None:
    store.artefacts.want([wanted()], now=NOW)
    for report in (fail, gone):
        report(store)
        once = row(store)
        report(store)
        assert row(store) == once
    store.artefacts.mark_stored(RECORDING, {"r1": FILE}, now=LATER)
    once = row(store)
    store.artefacts.mark_stored(RECORDING, {"r1": FILE}, now=LATER)
    assert row(store) == once


def test_a_stored_file_never_falls_back(store: StateStore) -> None:
    store.artefacts.want([wanted()], now=NOW)
    store.artefacts.mark_stored(RECORDING, {"r1": FILE}, now=NOW)
    fail(store, now=LATER)
    assert row(store).state == "stored"

    gone(store)
    found = row(store)
    assert (found.state, found.path, found.sha256, found.stored_at) == ("stored", FILE.path, FILE.sha256, NOW)
    assert (found.reason, found.evidence) == (Reason.SOURCE_REPORTS_GONE, "http_status=404 code=2801")


def test_a_file_that_is_gone_stays_so_until_it_is_stored_or_asked_for_again(store: StateStore) -> None:
    store.artefacts.want([wanted()], now=NOW)
    gone(store)
    fail(store, now=LATER + HOUR)
    assert (row(store).state, row(store).next_try_at) == ("gone", None)

    assert store.artefacts.retry(RECORDING, ["r1", "unknown"], now=LATER) == 1
    assert (row(store).state, row(store).next_try_at, row(store).reason) == ("wanted", LATER, None)
    store.artefacts.mark_stored(RECORDING, {"r1": FILE}, now=LATER)
    assert store.artefacts.retry(RECORDING, ["r1"], now=LATER) == 0
    assert row(store).state == "stored"


def test_the_row_remembers_since_when_only_404_has_been_answered(store: StateStore) -> None:
    store.artefacts.want([wanted()], now=NOW)
    fail(store, reason=Reason.NOT_READY, now=NOW)
    fail(store, reason=Reason.NOT_READY, now=LATER)
    assert (row(store).not_found_since, row(store).reason, row(store).attempts) == (NOW, Reason.NOT_READY, 2)

    fail(store, reason=Reason.DOWNLOAD_FAILED, now=LATER + HOUR)
    assert row(store).not_found_since is None


def test_reporting_on_a_file_that_nobody_wanted_is_an_error(store: StateStore) -> None:
    with pytest.raises(PermanentError, match="never wanted"):
        store.artefacts.mark_stored(RECORDING, {"r1": FILE}, now=NOW)


def test_files_that_are_told_together_are_all_in_the_ledger_or_none(store: StateStore) -> None:
    store.artefacts.want([wanted(), wanted("r2")], now=NOW)
    with pytest.raises(PermanentError, match="never wanted"):
        store.artefacts.mark_stored(RECORDING, {"r1": FILE, "r2": FILE, "r3": FILE}, now=NOW)
    assert [row(store).state, row(store, "r2").state] == ["wanted", "wanted"]

    store.artefacts.mark_stored(RECORDING, {"r1": FILE, "r2": replace(FILE, path="p2")}, now=NOW)
    assert [row(store).path, row(store, "r2").path] == [FILE.path, "p2"]


def test_due_files_come_voicemail_first_then_texts_then_oldest(store: StateStore) -> None:
    store.artefacts.want(
        [
            wanted("new", occurred_at=NOW),
            wanted("old", occurred_at=NOW - HOUR),
            wanted("text", kind=ArtefactKind.RECORDING_TRANSCRIPT),
            wanted("voice", kind=VOICEMAIL),
            wanted("other day", day=DAY + timedelta(days=1)),
        ],
        now=NOW,
    )

    assert [each.source_id for each in store.artefacts.due(NOW, DAY, DAY)] == ["voice", "text", "old", "new"]
    assert [each.source_id for each in store.artefacts.due(NOW, DAY, DAY, [RECORDING], limit=1)] == ["old"]
    assert not store.artefacts.due(NOW - HOUR, DAY, DAY)


def test_failed_files_are_due_when_their_time_comes_and_others_never(store: StateStore) -> None:
    store.artefacts.want([wanted(), wanted("done"), wanted("lost"), wanted("hopeless")], now=NOW)
    fail(store, then=LATER)
    store.artefacts.mark_stored(RECORDING, {"done": FILE}, now=NOW)
    store.artefacts.mark_gone(RECORDING, "lost", reason=Reason.SOURCE_REPORTS_GONE, evidence="404", now=NOW)
    store.artefacts.mark_failed(
        RECORDING, "hopeless", reason=Reason.SCOPE_MISSING, evidence="", next_try_at=None, now=NOW
    )

    assert not store.artefacts.due(LATER - timedelta(seconds=1), DAY, DAY)
    assert [each.source_id for each in store.artefacts.due(LATER, DAY, DAY)] == ["r1"]


def test_files_not_stored_come_by_their_own_time(store: StateStore) -> None:
    assert not store.artefacts.not_stored(RECORDING)
    store.artefacts.want([wanted("new"), wanted("old", occurred_at=NOW - HOUR), wanted("v", kind=VOICEMAIL)], now=NOW)
    assert [row.source_id for row in store.artefacts.not_stored(RECORDING)] == ["old", "new"]

    store.artefacts.mark_stored(RECORDING, {"old": FILE}, now=NOW)
    assert [row.source_id for row in store.artefacts.not_stored(RECORDING)] == ["new"]


def test_counts_are_per_day_kind_and_state_with_bytes(store: StateStore) -> None:
    store.artefacts.want([wanted("r1"), wanted("r2"), wanted("r3"), wanted("v", kind=VOICEMAIL)], now=NOW)
    for source_id in ("r1", "r2"):
        store.artefacts.mark_stored(RECORDING, {source_id: FILE}, now=NOW)

    counts = {(each.kind, each.state): (each.files, each.size_bytes) for each in store.artefacts.counts(DAY, DAY)}

    assert counts == {
        (RECORDING, "stored"): (2, 10_000_000_000),
        (RECORDING, "wanted"): (1, 0),
        (VOICEMAIL, "wanted"): (1, 0),
    }


def test_rows_of_days_can_be_narrowed_to_a_kind(store: StateStore) -> None:
    following = DAY + timedelta(days=1)
    store.artefacts.want([wanted("r1"), wanted("r2", day=following), wanted("v", kind=VOICEMAIL)], now=NOW)

    assert {each.source_id for each in store.artefacts.on_days(DAY, following)} == {"r1", "r2", "v"}
    assert {each.source_id for each in store.artefacts.on_days(DAY, DAY, kind=RECORDING)} == {"r1"}


def test_six_thousand_files_are_one_transaction_and_not_six_thousand(store: StateStore) -> None:
    many = [wanted(f"r{number}") for number in range(6_000)]  # more ids than one statement takes
    commits: list[sa.Connection] = []
    sa.event.listen(store._ledgers.engine, "commit", commits.append)
    assert store.artefacts.want(many, now=NOW) == 6_000
    assert len(commits) == 1
    assert store.artefacts.want(iter_twice(many), now=NOW) == 0

    assert len(store.artefacts.get(RECORDING, (f"r{number}" for number in range(7_000)))) == 6_000


def iter_twice(many: list[WantedArtefact]) -> Iterator[WantedArtefact]:
    yield from many
    yield from many


def test_processes_that_want_the_same_files_count_each_once(state_url: str, tmp_path: Path) -> None:
    StateStore.open(state_url).close()
    begin = meeting(tmp_path, 2)

    new = outputs([start("want", state_url, begin, 0, 400), start("want", state_url, begin, 200, 600)])

    assert sum(map(int, new)) == 600
