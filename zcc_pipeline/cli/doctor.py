"""``zcc doctor``: settings, credentials, scopes, account settings, clock, disk, versions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from zcc_pipeline.cli.options import JsonOption
from zcc_pipeline.cli.screen import counted, filled, heading, paragraph, print_json, say
from zcc_pipeline.cli.sentences import FAILED

if TYPE_CHECKING:
    from zcc_pipeline.pipeline.doctor import Finding
    from zcc_pipeline.settings import Settings


def doctor(as_json: JsonOption = False) -> None:
    """Check that everything is set up, and say what will be missing if it stays as it is.

    Settings (secrets never shown), state, lake, disk and Dagster's home (made where there is none) first, then Zoom:
    credentials, each missing scope by name, inboxes without transcription, queues without recording, the clock; then
    push: events that are not subscribed, a receiver that has fallen silent, flows without their script; then each CRM
    that is set: permissions, its unique key field, limits left, the mapping against its fields, who else logs there.
    Exit code 1 when something is a problem.

    Example:
        zcc doctor
    """
    from zcc_pipeline.pipeline.account_check import examine_account
    from zcc_pipeline.pipeline.archive_check import examine_archive
    from zcc_pipeline.pipeline.doctor import Verdict, examine_machine
    from zcc_pipeline.pipeline.export_checks import examine_exports
    from zcc_pipeline.pipeline.route_check import examine_routes
    from zcc_pipeline.settings import load_settings, open_runtime

    settings = load_settings()
    findings: list[Finding] = []
    if not as_json:
        _show_settings(settings)
    sources = (
        examine_machine,
        lambda _runtime: [_examine_dagster(settings)],
        examine_archive,
        examine_account,
        examine_routes,
        examine_exports,
    )
    with open_runtime(settings) as runtime:
        for source in sources:
            for finding in source(runtime):
                findings.append(finding)
                if not as_json:
                    _show(finding)
    worst = {finding.verdict for finding in findings}
    if as_json:
        values = {name: {"value": value, "is_set": is_set} for name, value, is_set in _settings(settings)}
        print_json({"settings": values, "findings": findings})
    else:
        _show_routes()
        if runtime.config.exports:
            _show_coexistence()
        say()
        say(_verdict(findings))
    if Verdict.PROBLEM in worst:
        raise typer.Exit(FAILED)


def _examine_dagster(settings: Settings) -> Finding:
    """Dagster's home, which is there from now on: ``dagster dev`` refuses to start without."""
    from zcc_pipeline.orchestration.instance import ensure_dagster_home
    from zcc_pipeline.pipeline.doctor import Finding, Verdict

    folder = settings.home.absolute() / "dagster"
    state_url = settings.state_url.get_secret_value() if settings.state_url else None
    try:
        ensure_dagster_home(settings.home, state_url=state_url).dispose()
    except Exception as error:  # noqa: BLE001 only Dagster knows how a dagster.yaml or a database can be wrong
        text = f"its home {folder} cannot be opened: {type(error).__name__}"
        remedy = f"check ZCC_HOME, ZCC_STATE_URL and {folder / 'dagster.yaml'}"
        return Finding("dagster", Verdict.PROBLEM, text, remedy)
    return Finding("dagster", Verdict.OK, f"its home is {folder}, for DAGSTER_HOME")


def _settings(settings: Settings) -> Iterator[tuple[str, str | None, bool]]:
    """Variable, value as it may be shown, and whether it was set."""
    from pydantic import SecretStr

    from zcc_pipeline.settings import PREFIX

    for name in type(settings).model_fields:
        value = getattr(settings, name)
        is_set = name in settings.model_fields_set
        shown = ",".join(value) if isinstance(value, tuple) else str(value)
        if isinstance(value, SecretStr):
            shown = "(set, not shown)"
        yield PREFIX + name.upper(), None if value is None else shown, is_set


def _show_settings(settings: Settings) -> None:
    rows = list(_settings(settings))
    typer.secho("Settings", bold=True)
    for name, value, is_set in rows:
        if is_set:
            say(f"  {name}={value}")
    defaults = [f"{name}={value}" for name, value, is_set in rows if not is_set and value is not None]
    unset = [name for name, value, is_set in rows if not is_set and value is None]
    silent = _unused_crms(settings)
    _wrap("at their defaults: ", [each for each in defaults if not each.startswith(silent)])
    _wrap("not set: ", [each for each in unset if not each.startswith(silent)])
    _wrap("nothing set of: ", [f"{prefix}…" for prefix in silent])
    say()


def _unused_crms(settings: Settings) -> tuple[str, ...]:
    """What the settings of CRMs that nobody has set up begin with."""
    from zcc_pipeline.pipeline.crms import TITLES
    from zcc_pipeline.settings import PREFIX, configured_crms

    used = configured_crms(settings)
    return tuple(f"{PREFIX}{crm.upper()}_" for crm in TITLES if crm not in used)


def _wrap(label: str, words: list[str]) -> None:
    if words:
        paragraph(f"  {label}{', '.join(words)}", indent="    ")


def _show_routes() -> None:
    from zcc_pipeline.pipeline.route_check import DECISION_TABLE

    heading("Which way when")
    for route in DECISION_TABLE:
        paragraph(f"- {route.situation}: {route.way}. It needs: {route.needs}.", indent="  ")


def _show_coexistence() -> None:
    from zcc_pipeline.pipeline.export_checks import COEXISTENCE

    heading("Beside Zoom's own connector")
    for advice in COEXISTENCE:
        paragraph(f"- {advice.situation}: {advice.way}. In the mapping file: {advice.setting}.", indent="  ")


COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}


def _show(finding: Finding) -> None:
    text = filled(f"{finding.verdict:<8} {finding.topic}: {finding.text}", indent=" " * 9)
    word = typer.style(finding.verdict, fg=COLOURS[finding.verdict], bold=True)
    typer.echo(word + text.removeprefix(finding.verdict))
    if finding.remedy:
        typer.secho(filled(f"{'':9}-> {finding.remedy}", indent=" " * 12), dim=True)


def _verdict(findings: list[Finding]) -> str:
    problems = sum(finding.verdict == "problem" for finding in findings)
    warnings = sum(finding.verdict == "warning" for finding in findings)
    lost = counted(warnings, "warning")
    if problems:
        return f"{counted(problems, 'problem')}, {lost}: the problems keep the pipeline from doing its work."
    if warnings:
        return f"Ready. {lost}: some data will be missing for the reasons above."
    return "Ready. Nothing found."
