"""What the doctor finds without Zoom, and how it judges what Zoom says."""

from __future__ import annotations

import multiprocessing
import re
from collections import Counter
from multiprocessing.synchronize import Event
from pathlib import Path
from sqlite3 import sqlite_version
from typing import Any

import pytest

from zcc_pipeline.domain import datasets
from zcc_pipeline.domain.datasets import DATASETS, Endpoint
from zcc_pipeline.domain.purging import PendingPurge
from zcc_pipeline.pipeline.account_check import (
    _inbox,
    _judge_recording,
    _scopes,
    examine_account,
    is_granted,
    needs,
)
from zcc_pipeline.pipeline.doctor import Finding, Verdict, examine_machine
from zcc_pipeline.pipeline.lake_facts import InboxFields, VoicemailSettings
from zcc_pipeline.warehouse import Warehouse, WarehouseConfig
from zcc_pipeline_tests.unit.pipeline.homes import open_home

EVERY_SCOPE = frozenset(scope for need in needs().values() for scope in need.endpoint.scopes[:1])


def findings(home: Path, **settings: Any) -> dict[str, Finding]:
    with open_home(home, **settings) as runtime:
        return {finding.topic: finding for finding in examine_machine(runtime)}


def test_a_fresh_home_is_fine(tmp_path: Path) -> None:
    found = findings(tmp_path / "home")
    assert {finding.verdict for topic, finding in found.items() if topic != "disk"} == {Verdict.OK}
    assert {"versions", "disk", "state", "time zone", "warehouse lock", "lake", "files", "archive"} == set(found)
    assert f"sqlite {sqlite_version}" in found["versions"].text


def test_the_write_test_leaves_nothing_behind(tmp_path: Path) -> None:
    findings(tmp_path)
    left = [path for folder in ("lake", "files") for path in (tmp_path / folder).rglob("*") if path.is_file()]
    assert left == []


def test_a_purge_that_was_cut_off_is_told_with_what_finishes_it(tmp_path: Path) -> None:
    with open_home(tmp_path) as runtime:
        row = PendingPurge("e1", "urn:e1", None, "run", "legal", None, runtime.clock.now())
        runtime.state.purges.begin([row])
    found = findings(tmp_path)["purge"]
    assert found.verdict is Verdict.WARNING
    assert "zcc archive purge --yes" in found.remedy


def test_looking_does_not_fix_the_time_zone(tmp_path: Path) -> None:
    findings(tmp_path)
    assert findings(tmp_path, timezone="Europe/Berlin")["time zone"].verdict is Verdict.OK


def test_a_time_zone_that_does_not_fit_the_data_is_a_problem_with_its_remedy(tmp_path: Path) -> None:
    with open_home(tmp_path, timezone="Europe/Berlin") as runtime:
        runtime.state.settings.freeze_timezone("Europe/Berlin")
    found = findings(tmp_path)["time zone"]
    assert found.verdict is Verdict.PROBLEM
    assert "ZCC_TIMEZONE=Europe/Berlin" in found.remedy


@pytest.mark.parametrize(
    ("topic", "setting", "variable"),
    [("lake", "lake_url", "ZCC_LAKE_URL"), ("files", "files_url", "ZCC_FILES_URL")],
)
def test_a_place_that_cannot_be_written_is_named_with_its_setting(
    tmp_path: Path, topic: str, setting: str, variable: str
) -> None:
    (tmp_path / "a-file").write_text("not a folder")
    found = findings(tmp_path / "home", **{setting: str(tmp_path / "a-file" / "below")})[topic]
    assert found.verdict is Verdict.PROBLEM
    assert variable in found.remedy


def test_a_home_that_cannot_be_made_is_a_finding_and_not_the_end(tmp_path: Path) -> None:
    (tmp_path / "a-file").write_text("not a folder")
    found = findings(tmp_path / "a-file" / "home")
    assert found["state"].verdict is Verdict.PROBLEM
    assert found["versions"].verdict is Verdict.OK


def test_a_state_store_that_does_not_answer_is_a_finding(tmp_path: Path) -> None:
    found = findings(tmp_path, state_url="postgresql://zcc:hush-hush@127.0.0.1:9/zcc")["state"]
    assert found.verdict is Verdict.PROBLEM
    assert "hush-hush" not in found.text + found.remedy


def hold_lock(config: WarehouseConfig, held: Event, release: Event) -> None:
    with Warehouse(config).lock("build"):
        held.set()
        release.wait(60)


def test_whoever_holds_the_warehouse_is_named(tmp_path: Path) -> None:
    with open_home(tmp_path) as runtime:
        config = runtime.config.warehouse
    spawn = multiprocessing.get_context("spawn")
    held, release = spawn.Event(), spawn.Event()
    process = spawn.Process(target=hold_lock, args=(config, held, release))
    process.start()
    try:
        assert held.wait(60)
        found = findings(tmp_path)["warehouse lock"]
    finally:
        release.set()
        process.join()
    assert f"process {process.pid} (build" in found.text


def test_missing_credentials_are_a_problem_that_names_the_variables(tmp_path: Path) -> None:
    with open_home(tmp_path, zoom_account_id="account") as runtime:
        found, _ = examine_account(runtime)
    assert found.verdict is Verdict.PROBLEM
    for variable in ("ZCC_ZOOM_ACCOUNT_ID", "ZCC_ZOOM_CLIENT_ID", "ZCC_ZOOM_CLIENT_SECRET"):
        assert variable in found.text


def test_whoever_has_no_app_yet_is_told_every_scope_to_give_it(tmp_path: Path) -> None:
    with open_home(tmp_path) as runtime:
        _, found = examine_account(runtime)
    assert found.topic == "scopes"
    assert set(re.findall(r"contact_center:\S+:admin", found.remedy)) == EVERY_SCOPE


def test_a_zoom_that_cannot_be_reached_is_a_problem_with_a_remedy(tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "zoom_account_id": "account",
        "zoom_client_id": "client",
        "zoom_client_secret": "hush-hush",
        "zoom_oauth_url": "http://127.0.0.1:9/oauth/token",
    }
    with open_home(tmp_path, **settings) as runtime:
        (found,) = examine_account(runtime)
    assert found.verdict is Verdict.PROBLEM
    assert "127.0.0.1:9" in found.text
    assert "ZCC_ZOOM_OAUTH_URL" in found.remedy
    assert "hush-hush" not in repr(found)


def test_every_operation_is_looked_at() -> None:
    assert {name for name, dataset in DATASETS.items() if dataset.endpoint} <= set(needs())
    called = {each for each in vars(datasets).values() if isinstance(each, Endpoint)} - {datasets.QUEUE_RECORDINGS}
    assert {each.scopes for each in called} <= {need.endpoint.scopes for need in needs().values()}


def test_all_scopes_there_is_one_line() -> None:
    (found,) = _scopes(EVERY_SCOPE)
    assert found.verdict is Verdict.OK


def test_either_form_of_a_scope_will_do() -> None:
    scopes = DATASETS["zoom/engagements"].listing.scopes
    for granted in (*scopes, "contact_center_report:read:master"):
        assert is_granted(scopes, frozenset({granted}))
    assert not is_granted(scopes, frozenset({"contact_center:read:list_engagements"}))


def test_a_missing_scope_is_named_with_what_is_lost() -> None:
    scopes = DATASETS["zoom/voicemails"].listing.scopes
    (found,) = _scopes(EVERY_SCOPE - set(scopes))
    assert found.verdict is Verdict.PROBLEM
    assert "zoom/voicemails" in found.text
    assert found.remedy == f"add {scopes[0]} or {scopes[1]}"


def test_a_missing_engagement_log_is_a_warning_about_late_closers() -> None:
    without = EVERY_SCOPE - {"contact_center:read:engagement_log:admin"}
    verdicts = {finding.text: finding.verdict for finding in _scopes(without)}
    assert verdicts["engagement log cannot be read; lost: the proof that no late closer is missing"] is Verdict.WARNING


def test_recordings_by_queue_stand_in_for_the_account_list() -> None:
    narrow = EVERY_SCOPE - set(DATASETS["zoom/recordings"].listing.scopes)
    (found,) = _scopes(narrow | {"contact_center:read:list_recordings"})
    assert found.verdict is Verdict.WARNING
    assert "queue by queue" in found.text


def test_a_token_that_keeps_its_scopes_to_itself_is_a_warning() -> None:
    (found,) = _scopes(frozenset())
    assert found.verdict is Verdict.WARNING


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (VoicemailSettings(voicemail_transcription=False), ["After hours: voicemail transcription is off"]),
        (VoicemailSettings(delete_voicemail_days_limit=5), ["After hours: voicemails are deleted after 5 days"]),
        (VoicemailSettings(voicemail_transcription=True, delete_voicemail_days_limit=30), []),
        (None, []),
    ],
)
def test_inbox_settings_that_will_make_data_missing_are_said(
    settings: VoicemailSettings | None, words: list[str]
) -> None:
    found = list(_inbox("After hours", InboxFields("i", voicemail=settings)))
    assert len(found) == len(words)
    for finding, start in zip(found, words, strict=True):
        assert finding.text.startswith(start)
        assert finding.verdict is Verdict.WARNING
        assert finding.remedy


def test_a_queue_without_any_recording_is_a_warning_and_single_calls_are_not() -> None:
    found = list(_judge_recording(Counter(Billing=4, Sales=10), Counter(Billing=4, Sales=1)))
    assert [(one.verdict, one.text) for one in found] == [
        (Verdict.WARNING, "queue Billing: none of its 4 answered calls looked at was recorded"),
        (Verdict.OK, "1 of 10 answered calls in the other queues of the last 7 days were not recorded"),
    ]


def test_without_calls_there_is_nothing_to_tell_from() -> None:
    (found,) = _judge_recording(Counter(), Counter())
    assert found.verdict is Verdict.OK
