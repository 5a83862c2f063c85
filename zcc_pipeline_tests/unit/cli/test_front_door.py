"""The commands as a whole: quick to answer, documented, and never a stack trace for wrong input."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from zcc_pipeline.cli.main import app
from zcc_pipeline.domain.errors import PermanentError, TransientError
from zcc_pipeline.settings import PREFIX, Settings

REPOSITORY = Path(__file__).parents[3]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
COMMANDS = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
SLOW_IMPORTS = ("dagster", "pandas", "pyarrow", "duckdb", "dbt", "sqlalchemy", "httpx", "pydantic", "rich")

runner = CliRunner()


@pytest.fixture(autouse=True)
def an_empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZCC_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_help_imports_nothing_slow() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "zcc_pipeline.cli", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "typer" in imported
    slow = sorted(name for name in imported if name.partition(".")[0] in SLOW_IMPORTS)
    assert slow == []


def test_help_names_every_command_and_how_to_begin() -> None:
    shown = runner.invoke(app, ["--help"])
    assert shown.exit_code == 0
    assert "zcc demo" in shown.stdout
    for command in COMMANDS:
        assert command in shown.stdout


def test_no_command_at_all_shows_the_help() -> None:
    assert "zcc demo" in runner.invoke(app, []).output


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(command: str) -> None:
    shown = runner.invoke(app, [command, "--help"])
    assert shown.exit_code == 0
    assert "Example" in shown.stdout
    assert f"zcc {command}" in shown.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_readme(command: str) -> None:
    assert f"zcc {command}" in README


@pytest.mark.parametrize("setting", sorted(Settings.model_fields))
def test_every_setting_is_in_the_readme(setting: str) -> None:
    assert PREFIX + setting.upper() in README


@pytest.mark.parametrize(
    "arguments",
    [
        ["pull"],
        ["pull", "--from", "nonsense"],
        ["pull", "--from", "2026-02-30"],
        ["pull", "--from", "2999-01-01"],
        ["pull", "--from", "today", "--to", "yesterday"],
        ["pull", "--from", "today", "--only", "nonsense"],
        ["run", "--from", "nonsense"],
        ["plan", "--from", "today", "--to", "yesterday"],
        ["status", "--to", "nonsense"],
        ["status", "--from", "2999-01-01"],
        ["simulate", "--port", "99999"],
        ["simulate", "--days", "0"],
        ["simulate", "--faults", "some"],
        ["demo", "--days", "0"],
        ["nonsense"],
        ["pull", "--nonsense"],
    ],
)
def test_wrong_usage_is_a_sentence_and_exit_code_2(arguments: list[str], an_empty_home: Path) -> None:
    done = runner.invoke(app, arguments)
    assert done.exit_code == 2, done.output
    assert "Traceback" not in done.output
    assert done.stderr.strip()
    assert not (an_empty_home / "lake").exists()


@pytest.mark.parametrize("command", ["doctor", "status", "build", "pull", "plan", "run", "demo", "simulate"])
def test_a_wrong_setting_is_named_with_an_example_and_exit_code_2(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZCC_TIMEZONE", "Mars/Olympus")
    days = ["--from", "today"] if command in {"pull", "plan", "run"} else []
    done = runner.invoke(app, [command, *days])
    assert done.exit_code == 2, done.output
    assert "ZCC_TIMEZONE" in done.stderr
    assert "example: ZCC_TIMEZONE=Europe/Berlin" in done.stderr
    assert "Traceback" not in done.output


@pytest.mark.parametrize("command", ["pull", "run"])
def test_missing_credentials_name_the_three_variables(command: str) -> None:
    done = runner.invoke(app, [command, "--from", "yesterday", "--to", "yesterday"])
    assert done.exit_code == 2, done.output
    for variable in ("ZCC_ZOOM_ACCOUNT_ID", "ZCC_ZOOM_CLIENT_ID", "ZCC_ZOOM_CLIENT_SECRET"):
        assert variable in done.stderr
    assert "Traceback" not in done.output


@pytest.mark.parametrize("command", ["pull", "run", "reconcile", "plan"])
def test_a_zoom_that_cannot_be_reached_is_told_before_any_work(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("ACCOUNT_ID", "a"), ("CLIENT_ID", "b"), ("CLIENT_SECRET", "hush-hush")):
        monkeypatch.setenv(f"ZCC_ZOOM_{name}", value)
    monkeypatch.setenv("ZCC_ZOOM_OAUTH_URL", "http://127.0.0.1:9/oauth/token")
    done = runner.invoke(app, [command, "--from", "yesterday"])
    assert done.exit_code == 1
    assert "Zoom cannot be reached at http://127.0.0.1:9/oauth/token" in done.stderr
    assert "hush-hush" not in done.output


def failing(error: BaseException | None) -> typer.Typer:
    """The front door with one command that fails, and one that talks."""
    from zcc_pipeline.cli.main import front_door
    from zcc_pipeline.cli.sentences import ErrorsAsSentences

    broken = typer.Typer(cls=ErrorsAsSentences, pretty_exceptions_enable=False, rich_markup_mode=None)
    broken.callback()(front_door)

    @broken.command("fail")
    def fail() -> None:
        assert error is not None
        raise error

    @broken.command("chat")
    def chat() -> None:
        typer.echo("something")

    return broken


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermanentError("the window could not be listed"), "zcc: the window could not be listed"),
        (TransientError("the database is busy"), "run the same command again"),
        (KeyboardInterrupt(), "What was landed stays"),
        (OSError(28, "No space left on device", "/data/x"), "No space left on device (/data/x)"),
    ],
)
def test_what_fails_is_a_sentence_and_exit_code_1(error: BaseException, words: str) -> None:
    done = runner.invoke(failing(error), ["fail"])
    assert done.exit_code == 1
    assert words in done.stderr
    assert "Traceback" not in done.output


def test_an_unexpected_error_quotes_no_data_and_says_how_to_see_more() -> None:
    done = runner.invoke(failing(KeyError("alice@example.com")), ["fail"])
    assert done.exit_code == 1
    assert "alice" not in done.output
    assert "zcc --traceback" in done.stderr


def test_traceback_lets_the_error_through() -> None:
    done = runner.invoke(failing(KeyError("why")), ["--traceback", "fail"])
    assert isinstance(done.exception, KeyError)


def test_a_reader_who_has_seen_enough_is_no_error() -> None:
    script = "import zcc_pipeline_tests.unit.cli.test_front_door as tests; tests.failing(None)(['chat'])"
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-c", script], stdout=writing, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_the_installed_command_starts() -> None:
    script = Path(sys.executable).with_name("zcc")
    done = subprocess.run(
        [script, "--help"], capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "100"}
    )
    assert "Own your Zoom Contact Center" in done.stdout
