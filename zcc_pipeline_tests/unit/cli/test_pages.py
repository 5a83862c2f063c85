"""Pages name only commands, options and settings that there are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from zcc_pipeline.cli.main import app
from zcc_pipeline.settings.model import PREFIX, Settings

ROOT = Path(__file__).parents[3]
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "deploy").rglob("*.md"),
    ]
)
ZCC: Any = typer.main.get_command(app)
"""Of classes of typer's own, or of click's."""
SETTINGS = {f"{PREFIX}{name.upper()}{suffix}" for name in Settings.model_fields for suffix in ("", "_FILE")}


def called(text: str) -> Iterator[list[str]]:
    """Words behind each ``zcc`` that stands in code."""
    code = re.findall(r"`([^`\n]+)`", text)
    for block in re.findall(r"^```.*?\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        code += block.splitlines()
    for line in code:
        for command in re.findall(r"(?:^|[\s(;&|])zcc ((?!_)[^#;&|)]+)", line):
            yield command.split()


def problems(words: list[str]) -> Iterator[str]:
    command = ZCC
    rest = list(words)
    while rest and rest[0] in getattr(command, "commands", ()):
        command = command.commands[rest.pop(0)]
    if hasattr(command, "commands") and rest and re.fullmatch(r"[a-z][a-z-]*", rest[0]):
        yield f"no command: zcc {' '.join(words)}"
        return
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    for option in (word.partition("=")[0] for word in rest if word.startswith("--")):
        if option not in {*known, "--help"}:
            yield f"no option {option}: zcc {' '.join(words)}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_names_only_commands_options_and_settings_that_there_are(page: Path) -> None:
    text = page.read_text()
    wrong = [problem for words in called(text) for problem in problems(words)]
    wrong += sorted(set(re.findall(r"\bZCC_[A-Z0-9_]+[A-Z0-9]\b(?!_)", text)) - SETTINGS)
    assert wrong == []


def headings(page: Path) -> set[str]:
    """What a link may name behind ``#``."""
    lines = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).strip().replace(" ", "-") for line in lines}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_link_to_another_page_leads_there(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    lost = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, heading = link.partition("#")
        target = page.parent / path if path else page
        if ":" not in link and not (target.exists() and (not heading or heading in headings(target))):
            lost.append(link)
    assert lost == []


def test_a_command_option_or_setting_that_does_not_exist_is_noticed() -> None:
    words = list(called("`zcc archive burn` and\n```sh\nzcc status --loud   # no\n```\n"))
    assert [problem for each in words for problem in problems(each)] == [
        "no command: zcc archive burn",
        "no option --loud: zcc status --loud",
    ]
