"""What is purged is nowhere any more, does not come back, and the archive still proves everything else."""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner, Result

from zcc_pipeline.archive.erasure import Ground
from zcc_pipeline.archive.ledger import Action, Entry, check_ledger
from zcc_pipeline.archive.naming import object_id_of
from zcc_pipeline.archive.ocfl import check_object
from zcc_pipeline.archive.packaging import Selection, select
from zcc_pipeline.cli.main import app
from zcc_pipeline.domain.purging import PendingPurge
from zcc_pipeline.inbox.owner_lock import OwnerLock
from zcc_pipeline.pipeline.archive_copying import update_second_copy
from zcc_pipeline.pipeline.archive_verification import verify_archive
from zcc_pipeline.pipeline.archiving import archive_changes
from zcc_pipeline.pipeline.purging import PurgeReport, Wish, inbox, plan_purge, purge
from zcc_pipeline.pipeline.purging.deciding import decide, decide_again
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.settings import open_runtime
from zcc_pipeline_tests.end_to_end.purge_story import (
    MAY_NAME_IDS,
    NOTE,
    PurgeStory,
    contents,
    fill,
    found_in,
    needles,
)
from zcc_pipeline_tests.story import settings_for, story

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PurgeStory]:
    with story(tmp_path_factory.mktemp("purge") / "home", days=2, per_day=6, settled=False) as told:
        yield fill(told)


@pytest.fixture
def there(filled: PurgeStory, tmp_path: Path) -> PurgeStory:
    return filled.copied_to(tmp_path / "home")


def erase(there: PurgeStory, wish: Wish) -> PurgeReport:
    with there.told.runtime() as runtime:
        return purge(runtime, wish)


def entries(there: PurgeStory) -> list[Entry]:
    with there.told.runtime() as runtime:
        assert list(check_ledger(runtime.archive.ledger, runtime.archive.shelf)) == []
        return [logged.entry for logged in runtime.archive.ledger.entries()]


def left(there: PurgeStory, wanted: frozenset[bytes]) -> dict[str, set[bytes]]:
    """Traces outside of the places that may name ids, and inside of them whatever is no id."""
    found = found_in(there.told.home, wanted)
    return {
        name: hits
        for name, hits in found.items()
        if not name.startswith(MAY_NAME_IDS) or any(b" " in hit or b"@" in hit for hit in hits)
    }


def test_nothing_of_it_is_left_it_does_not_come_back_and_the_archive_still_verifies(
    there: PurgeStory, tmp_path: Path
) -> None:
    wanted, of_another = needles(there, there.gone), needles(there, there.kept)
    places = {name.partition("/")[0] for name in found_in(there.told.home, wanted)}
    assert {"archive", "lake", "files", "inbox.sqlite", "state.sqlite", "out"} <= places
    assert NOTE.encode() in wanted
    before = found_in(there.told.home, of_another)

    report = erase(there, Wish(engagement_ids=(there.gone,), actor="privacy", matter="gdpr-1"))
    assert report.remaining == []
    assert (report.finished, report.pending, report.is_clean) == ((there.gone,), (), True)
    assert left(there, wanted) == {}
    assert {(each.place, each.what) for each in report.removed if each.count} >= {
        ("archive", "objects"),
        ("files", "files"),
        ("inbox", "events"),
        ("lake", "records"),
        ("packages", "packages"),
        ("quarantine", "records"),
        ("state", "rows"),
    }
    after = found_in(there.told.home, of_another)
    assert {name: hits for name, hits in before.items() if not name.startswith(("out/", "archive/index"))}.keys() <= (
        after.keys()
    ), "another engagement keeps its own"
    assert frozenset().union(*after.values()) == frozenset().union(*before.values())

    there.told.pull()
    with there.told.runtime() as runtime:
        again = archive_changes(runtime)
    assert (again.created, again.versions) == (0, 0)
    assert left(there, wanted) == {}, "the next poll brings nothing back"

    said = entries(there)
    object_id = object_id_of(there.account, there.gone)
    (purged,) = [entry for entry in said if entry.action is Action.PURGE and entry.object_id == object_id]
    assert (purged.actor, purged.matter, purged.reason) == ("privacy", "gdpr-1", "retention-passed")
    (done,) = [entry for entry in said if entry.reason == "carried-out"]
    assert dict(done.counts or {})["engagements"] == 1
    with there.told.runtime() as runtime:
        outcome = verify_archive(runtime.archive, home=tmp_path, clock=runtime.clock, run_id="run-9")
    assert [str(finding) for finding in outcome.first_findings] == []


def test_a_second_purge_does_nothing(there: PurgeStory) -> None:
    erase(there, Wish(engagement_ids=(there.gone,)))
    before = contents(there.told.home)
    report = erase(there, Wish(engagement_ids=(there.gone,), is_expired=True, before=there.told.days[0]))
    assert (report.already, report.chosen, report.finished, report.removed) == ((there.gone,), (), (), [])
    assert contents(there.told.home) == before


def test_a_dry_run_says_what_would_go_and_changes_no_byte(there: PurgeStory) -> None:
    before = contents(there.told.home)
    with there.told.runtime() as runtime:
        report = plan_purge(runtime, Wish(is_expired=True, engagement_ids=(there.kept,)))
    assert set(report.chosen) == {there.gone, there.also_expired}
    assert [(each.engagement_id, each.ground) for each in report.refused] == [(there.kept, Ground.RETENTION_DUTY)]
    assert (report.held, report.is_clean) == (1, False)
    assert {each.what for each in report.removed if each.count} == {"objects", "files", "records"}
    assert contents(there.told.home) == before


def test_what_must_be_kept_is_refused_with_the_reason_and_the_ledger_says_that_it_was_asked_for(
    there: PurgeStory,
) -> None:
    other = there.others[0]
    before = {name: data for name, data in contents(there.told.home).items() if name.startswith(("lake/", "files/"))}
    report = erase(there, Wish(engagement_ids=(there.kept, there.held, other, "nobody-knows-it"), matter="gdpr-2"))
    grounds = {each.engagement_id: each.ground for each in report.refused}
    assert grounds == {
        there.kept: Ground.RETENTION_DUTY,
        there.held: Ground.LEGAL_HOLD,
        other: Ground.RETENTION_UNKNOWN,
        "nobody-knows-it": Ground.NOT_ARCHIVED,
    }
    assert next(each for each in report.refused if each.engagement_id == there.held).matters == ("2026-17",)
    assert (report.is_clean, report.finished) == (False, ())
    refused = [entry for entry in entries(there) if entry.action is Action.REFUSED]
    assert {(entry.object_id, entry.reason, entry.matter) for entry in refused} == {
        (object_id_of(there.account, each), ground.value, "gdpr-2") for each, ground in grounds.items()
    }
    after = contents(there.told.home)
    assert {name: after[name] for name in before} == before


def test_records_in_crms_and_packages_elsewhere_are_listed_for_whoever_can_delete_them(
    there: PurgeStory, tmp_path: Path
) -> None:
    with there.told.runtime() as runtime:
        report = purge(runtime, Wish(engagement_ids=(there.gone,)), crm_list=tmp_path / "crm.csv")
    assert [(each.crm, each.remote_object, each.engagement_id) for each in report.crm_records] == [
        ("zendesk", "ticket", there.gone)
    ]
    with (tmp_path / "crm.csv").open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["crm"], row["engagement_id"], row["status"]) == ("zendesk", there.gone, "created")
    assert [each.matter for each in report.packages] == ["2026-2"]
    assert not (there.told.home / "out" / "both").exists()


def test_a_hold_that_came_after_a_purge_was_cut_off_before_the_ledger_had_its_word_saves_it(there: PurgeStory) -> None:
    with there.told.runtime() as runtime:
        plan = decide(runtime, Wish(engagement_ids=(there.gone,)), run_id="cut-off")
        runtime.state.purges.begin(plan.chosen)
        held = Entry(Action.HOLD_ON, "legal", "run", object_id=object_id_of(there.account, there.gone), matter="late")
        runtime.archive.ledger.append([held])
    report = erase(there, Wish())
    assert [(each.engagement_id, each.ground) for each in report.refused] == [(there.gone, Ground.LEGAL_HOLD)]
    with there.told.runtime() as runtime:
        assert runtime.state.purges.is_empty()
        assert runtime.state.suppression.is_empty()
        assert list(check_object(runtime.archive.place, object_id_of(there.account, there.gone))) == []


def test_a_hold_that_comes_between_the_decision_and_the_ledgers_word_saves_it(
    there: PurgeStory, monkeypatch: pytest.MonkeyPatch
) -> None:
    holds = [Entry(Action.HOLD_ON, "legal", "run", object_id=object_id_of(there.account, there.gone), matter="late")]

    def decide_slowly(runtime: Runtime, rows: Sequence[PendingPurge]) -> object:
        decided = decide_again(runtime, rows)
        if holds:
            runtime.archive.ledger.append([holds.pop()])
        return decided

    monkeypatch.setattr(sys.modules[purge.__module__], "decide_again", decide_slowly)
    report = erase(there, Wish(engagement_ids=(there.gone, there.also_expired)))
    assert [(each.engagement_id, each.matters) for each in report.refused] == [(there.gone, ("late",))]
    assert report.finished == (there.also_expired,)
    said = [entry.object_id for entry in entries(there) if entry.action is Action.PURGE and entry.object_id]
    assert said == [object_id_of(there.account, there.also_expired)]


def test_what_a_restored_backup_brought_back_goes_again(there: PurgeStory, tmp_path: Path) -> None:
    wanted = needles(there, there.gone)
    shutil.copytree(there.told.home / "lake", tmp_path / "lake")
    shutil.copytree(there.told.home / "archive" / "objects", tmp_path / "objects")
    erase(there, Wish(engagement_ids=(there.gone,)))
    shutil.copytree(tmp_path / "lake", there.told.home / "lake", dirs_exist_ok=True)
    shutil.copytree(tmp_path / "objects", there.told.home / "archive" / "objects", dirs_exist_ok=True)
    assert left(there, wanted)
    report = erase(there, Wish(again=True))
    assert report.finished == (there.gone,)
    assert left(there, wanted) == {}


def test_a_receiver_that_owns_the_inbox_takes_out_what_it_received(
    there: PurgeStory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "LOOK_EVERY", timedelta(seconds=0.2))
    wanted = needles(there, there.gone)
    with there.told.receiving():
        report = erase(there, Wish(engagement_ids=(there.gone,)))
        assert (report.remaining, report.finished) == ([], (there.gone,))
        assert left(there, wanted) == {}


def test_what_cannot_be_taken_out_now_is_named_and_the_next_purge_goes_on(
    there: PurgeStory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "PATIENCE", timedelta(seconds=0))
    wanted = needles(there, there.gone)
    owner = OwnerLock(there.told.home / "inbox.sqlite", host="another", clock=there.told.clock)
    report = erase(there, Wish(engagement_ids=(there.gone,)))
    owner.release()
    assert [each.place for each in report.remaining] == ["inbox"]
    assert (report.pending, report.finished, report.is_clean) == ((there.gone,), (), False)
    assert {name.partition("/")[0] for name in left(there, wanted)} <= {
        "inbox.sqlite",
        "inbox.sqlite-wal",
        "state.sqlite",
    }
    again = erase(there, Wish())
    assert (again.resumed, again.finished) == ((there.gone,), (there.gone,))
    assert left(there, wanted) == {}


def test_the_second_copy_lets_go_of_it_as_well_and_one_that_is_away_keeps_the_purge_pending(
    there: PurgeStory, tmp_path: Path
) -> None:
    copy, wanted = tmp_path / "copy", needles(there, there.gone)
    told = there.told
    settings = settings_for(told.simulator, told.home, zoom_account_id=there.account, archive_second_copy_url=str(copy))
    with open_runtime(settings, clock=told.clock) as runtime:
        update_second_copy(runtime)
        assert found_in(copy, wanted)
        copy.rename(tmp_path / "unmounted")
        report = purge(runtime, Wish(engagement_ids=(there.gone,)))
        assert ([each.place for each in report.remaining], report.finished) == (["second copy"], ())
        (tmp_path / "unmounted").rename(copy)
        assert purge(runtime, Wish()).finished == (there.gone,)
    assert left(there, wanted) == {}
    found = found_in(copy, wanted)
    assert all(name.startswith(("ledger/", "completeness/")) for name in found)
    assert not {hit for hits in found.values() for hit in hits if b" " in hit}


def test_the_warehouse_and_the_analysts_copy_are_made_anew_without_it(there: PurgeStory) -> None:
    there.told.build()
    wanted = needles(there, there.gone)
    assert {"warehouse.duckdb", "analytics.duckdb"} <= found_in(there.told.home, wanted).keys()
    before = set(rows_of(there))
    report = erase(there, Wish(engagement_ids=(there.gone,)))
    assert (report.remaining, report.finished) == ([], (there.gone,))
    assert left(there, wanted) == {}
    assert set(rows_of(there)) == before - {there.gone}


def rows_of(there: PurgeStory) -> list[str]:
    with duckdb.connect(str(there.told.home / "analytics.duckdb"), read_only=True) as connection:
        return [each for (each,) in connection.execute("select engagement_id from engagements").fetchall()]


def test_a_purge_that_is_killed_anywhere_is_finished_by_the_next(
    filled: PurgeStory, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    chance = random.Random(7)
    wanted = needles(filled, filled.gone)
    hits = 0
    for number in range(pytestconfig.getoption("--kills")):
        there = filled.copied_to(tmp_path / f"home-{number}")
        process = start_purge(there)
        wait_until_begun(there, process)
        time.sleep(chance.random())
        hits += process.poll() is None
        process.kill()
        process.communicate()
        erase(there, Wish(engagement_ids=(there.gone,)))
        assert left(there, wanted) == {}
        object_id = object_id_of(there.account, there.gone)
        said = [entry for entry in entries(there) if entry.object_id == object_id and entry.action is Action.PURGE]
        assert len(said) == 1
        with there.told.runtime() as runtime:
            assert runtime.state.purges.is_empty()
            outcome = verify_archive(runtime.archive, home=tmp_path, clock=runtime.clock, run_id="run-9")
        assert [str(finding) for finding in outcome.first_findings] == []
    assert hits


def start_purge(there: PurgeStory) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "zcc_pipeline.cli", "archive", "purge", "--engagement", there.gone, "--yes", "--json"],
        env={**os.environ, **there.told.variables, "ZCC_ZOOM_ACCOUNT_ID": there.account},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def wait_until_begun(there: PurgeStory, process: subprocess.Popen[bytes]) -> None:
    with closing(sqlite3.connect(there.told.home / "state.sqlite")) as state:
        while process.poll() is None and not state.execute("select 1 from zcc_purge").fetchall():
            time.sleep(0.002)


@pytest.fixture
def zcc(there: PurgeStory, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    for name, value in {**there.told.variables, "ZCC_ZOOM_ACCOUNT_ID": there.account}.items():
        monkeypatch.setenv(name, value)
    return lambda *arguments: CliRunner().invoke(app, ["archive", "purge", *arguments])


def test_the_command_tells_what_would_go_then_does_it_and_exits_with_what_came_of_it(
    there: PurgeStory, zcc: Callable[..., Result]
) -> None:
    would = zcc("--expired")
    assert would.exit_code == 1, would.output
    assert "2 engagements may go" in would.output
    assert "Nothing was removed. With --yes it is, for good." in would.output
    done = zcc("--expired", "--yes", "--actor", "privacy", "--json")
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert set(document["finished"]) == {there.gone, there.also_expired}
    assert zcc("--expired", "--yes").exit_code == 0, "a nightly run with nothing to do is no failure"


def test_the_command_says_why_something_must_be_kept(there: PurgeStory, zcc: Callable[..., Result]) -> None:
    refused = zcc("--engagement", there.held, "--engagement", there.kept, "--yes", "--matter", "gdpr-3")
    assert refused.exit_code == 1
    assert "held for 2026-17" in refused.output
    assert "until 2099-12-31" in refused.output
    assert zcc("--before", "2026-01-01").exit_code == 2
    assert zcc("--engagement", there.gone, "--actor", "Ann Smith").exit_code == 2


def test_all_of_a_customer_are_judged_one_by_one(there: PurgeStory, zcc: Callable[..., Result]) -> None:
    with there.told.runtime() as runtime:
        chosen = {each.engagement_id: each for each in select(runtime.archive.objects, Selection())}
    reached = {
        key: {person["consumer_number"] for person in each.engagement["consumers"] if person.get("consumer_number")}
        for key, each in chosen.items()
        if each.engagement.get("consumers")
    }
    asked = next(number for key in (there.kept, there.gone, *reached) for number in reached.get(key, ()))
    document = json.loads(zcc("--customer", asked, "--json").stdout)
    judged = {*document["chosen"], *(each["engagement_id"] for each in document["refused"])}
    assert judged == {key for key, numbers in reached.items() if asked in numbers}
