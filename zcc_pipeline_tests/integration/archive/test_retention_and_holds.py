"""Retention and holds from file and command to the signed ledger, and back to what people read."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from zcc_pipeline.archive.erasure import Ground, decide_erasure
from zcc_pipeline.archive.ledger import Action, check_ledger
from zcc_pipeline.archive.naming import object_id_of
from zcc_pipeline.cli.main import app
from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.pipeline.archiving import archive_changes
from zcc_pipeline.pipeline.retaining import promise_retention, read_standings
from zcc_pipeline_tests.integration.archive.small_home import FILE, MADE, MONDAY, TUESDAY, make_home, opened, publish

pytestmark = pytest.mark.integration


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return make_home(tmp_path, monkeypatch)


def export() -> None:
    with opened() as runtime:
        assert archive_changes(runtime).refused == []


def zcc(*arguments: str, code: int = 0) -> Result:
    found = CliRunner().invoke(
        app, ["--traceback", "archive", *arguments], catch_exceptions=False, env={"COLUMNS": "160"}
    )
    assert found.exit_code == code, found.output
    return found


def as_json(*arguments: str, code: int = 0) -> Any:
    return json.loads(zcc(*arguments, "--json", code=code).stdout)


def promised() -> dict[str, tuple[date | None, str | None]]:
    with opened() as runtime:
        found = read_standings(runtime)
        return {
            name: (one.retain_until, one.retention_class)
            for name in MADE
            if (one := found.of(object_id_of("account", name))) is not None
        }


def ground(engagement_id: str, *, after: timedelta = timedelta(0)) -> Ground:
    with opened(after) as runtime:
        object_id = object_id_of("account", engagement_id)
        return decide_erasure(read_standings(runtime), object_id, now=runtime.clock.now()).ground


def years_after(day: date, years: int) -> date:
    is_leap_day = (day.month, day.day) == (2, 29)
    return date(day.year + years, 3, 1) if is_leap_day else day.replace(year=day.year + years)


def test_an_export_tells_the_ledger_until_when_each_engagement_is_kept_and_the_next_one_nothing_new(
    home: Path,
) -> None:
    export()

    assert promised() == {
        "eng-1": (years_after(MONDAY, 5), "standard"),
        "eng-2": (years_after(MONDAY, 7), "trading"),
        "eng-3": (TUESDAY + timedelta(days=2), "feedback"),
    }
    with opened() as runtime:
        again = archive_changes(runtime)
        assert (again.retention.engagements, again.retention.promised, again.retention.extended) == (3, 0, 0)
        assert list(check_ledger(runtime.archive.ledger, runtime.archive.shelf)) == []


def test_a_fact_that_comes_later_extends_and_a_laxer_file_shortens_nothing(home: Path) -> None:
    export()
    publish(home, MADE | {"eng-3": MADE["eng-3"] | {"queue_ids": ["q-trading"]}})
    (home.parent / "retention.yml").write_text(FILE.replace("years: 5", "years: 1"), encoding="utf-8")

    with opened() as runtime:
        report = promise_retention(runtime)
    assert (report.extended, report.shorter_now, report.promised) == (1, 1, 0)
    assert promised()["eng-3"] == (years_after(TUESDAY, 7), "trading")
    assert promised()["eng-1"] == (years_after(MONDAY, 5), "standard")


def test_a_wrong_file_stops_before_anything_is_archived(home: Path) -> None:
    (home.parent / "retention.yml").write_text(FILE.replace("default: standard", "default: none"), encoding="utf-8")

    with opened() as runtime, pytest.raises(ConfigurationError, match=r"retention\.yml:2: default: there is no class"):
        archive_changes(runtime)
    assert not (home / "archive" / "ledger").exists()


def test_without_a_file_nothing_ever_expires(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZCC_ARCHIVE_RETENTION")
    export()

    assert ground("eng-3") is Ground.RETENTION_UNKNOWN
    assert "nothing more is ever given a last day" in zcc("retention").stdout.replace("\n", " ")


def test_a_hold_keeps_what_is_expired_until_it_is_released_with_yes(home: Path) -> None:
    export()
    assert ground("eng-3") is Ground.RETENTION_PASSED
    words = ("--matter", "2026-17", "--actor", "legal", "--engagement", "eng-3")

    assert "Held for 2026-17: 1 engagement (eng-3)." in zcc("hold", *words).stdout
    assert ground("eng-3") is Ground.LEGAL_HOLD
    assert "With --yes it is." in zcc("release", *words, code=1).stdout
    assert ground("eng-3") is Ground.LEGAL_HOLD
    assert "Released from 2026-17: 1 engagement (eng-3)." in zcc("release", *words, "--yes").stdout
    assert ground("eng-3") is Ground.RETENTION_PASSED
    assert "Nothing of that is held" in zcc("release", *words, "--yes", code=1).stdout


def test_a_held_day_holds_what_is_archived_later_and_no_other_day(home: Path) -> None:
    words = ("--matter", "M-1", "--actor", "legal")
    zcc("hold", *words, "--from", str(TUESDAY), "--to", str(TUESDAY))
    export()

    assert ground("eng-3") is Ground.LEGAL_HOLD
    assert ground("eng-1") is Ground.RETENTION_DUTY
    assert ground("eng-1", after=timedelta(days=366 * 5)) is Ground.RETENTION_PASSED
    released = as_json("release", *words, "--all", "--yes")
    assert released["is_released"]
    assert released["outcome"]["days"] == [str(TUESDAY)]
    assert ground("eng-3") is Ground.RETENTION_PASSED


def test_what_is_held_and_what_expires_when_is_listed(home: Path) -> None:
    export()
    zcc("hold", "--matter", "M-1", "--actor", "legal", "--engagement", "eng-1", "--engagement", "eng-3")
    zcc("hold", "--matter", "M-2", "--actor", "audit", "--from", str(MONDAY), "--to", str(TUESDAY))
    zcc("release", "--matter", "M-2", "--actor", "audit", "--from", str(TUESDAY), "--to", str(TUESDAY), "--yes")

    found = as_json("retention")
    assert found["objects"] == 3
    by_class = {one["class_name"]: one for one in found["classes"]}
    assert {name: (one["objects"], one["held"], one["expired"]) for name, one in by_class.items()} == {
        "standard": (1, 1, 0),
        "trading": (1, 1, 0),
        "feedback": (1, 1, 0),
    }
    assert by_class["trading"]["legal_ground"] == "another duty"
    matters = {one["matter"]: one for one in found["matters"]}
    assert matters["M-1"]["engagement_ids"] == ["eng-1", "eng-3"]
    assert (matters["M-2"]["days"], matters["M-2"]["objects"]) == ([str(MONDAY)], 2)
    assert [one["retain_until"] for one in found["expiring"]] == sorted(str(until) for until, _ in promised().values())
    shown = zcc("retention").stdout
    assert "feedback" in shown
    assert "M-2" in shown


def test_an_engagement_that_is_not_archived_is_held_and_named_as_such(home: Path) -> None:
    shown = zcc("hold", "--matter", "M-1", "--actor", "legal", "--engagement", "eng-1").stdout

    assert "Not in the archive; held once it is, so check the ids: eng-1." in shown
    export()
    assert ground("eng-1") is Ground.LEGAL_HOLD


def test_the_ledger_keeps_who_held_and_who_released(home: Path) -> None:
    zcc("hold", "--matter", "M-1", "--actor", "legal", "--engagement", "eng-1")
    zcc("release", "--matter", "M-1", "--actor", "counsel", "--engagement", "eng-1", "--yes")

    with opened() as runtime:
        entries = [logged.entry for logged in runtime.archive.ledger.entries()]
    assert [(entry.action, entry.actor, entry.matter) for entry in entries] == [
        (Action.HOLD_ON, "legal", "M-1"),
        (Action.HOLD_OFF, "counsel", "M-1"),
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ("hold", "--matter", "M-1", "--actor", "legal"),
        ("hold", "--matter", "M-1", "--actor", "legal", "--from", "2026-01-01"),
        ("hold", "--matter", "Smith against us", "--actor", "legal", "--engagement", "eng-1"),
        ("hold", "--matter", "M-1", "--actor", "Jo Smith", "--engagement", "eng-1"),
        ("hold", "--matter", "M-1", "--engagement", "eng-1"),
        ("release", "--matter", "M-1", "--actor", "legal", "--yes"),
        ("release", "--matter", "M-1", "--actor", "legal", "--yes", "--all", "--engagement", "eng-1"),
    ],
)
def test_wrong_usage_is_told_and_nothing_is_written(home: Path, arguments: tuple[str, ...]) -> None:
    zcc(*arguments, code=2)

    assert not (home / "archive" / "ledger").exists()
