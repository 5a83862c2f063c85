"""Nothing secret and nobody's words or addresses in logs, errors, reports and ledger, however much goes wrong."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from zcc_pipeline.domain.errors import ConfigurationError, ZccPipelineError
from zcc_pipeline.exports.activity import Activity
from zcc_pipeline.exports.outcomes import Status
from zcc_pipeline.simulator.crm.base import Credentials, Faults
from zcc_pipeline_tests.integration.exports.adapters import CrmAdapter
from zcc_pipeline_tests.integration.exports.engagements import changed, engagement
from zcc_pipeline_tests.integration.exports.office import Office, office, people

pytestmark = pytest.mark.integration

SECRET = "hush-hush-0123456789"
PRIVATE = {
    "customer_name": "Zaphod Quillfeather",
    "customer_email": "zaphod.quillfeather@private.example",
    "customer_phone": "+41446689911",
    "transcript_text": "Agent: Your password was swordfish-77.\nCustomer: Do not tell anybody.",
    "subject": "Zaphod Quillfeather about his overdraft",
    "notes_text": "He cried on the telephone",
}
WORDS = ("Quillfeather", "zaphod", "6689911", "swordfish", "overdraft", "cried on", "668 99 11", SECRET)
FAULTS = (
    Faults(refuse_where="Quillfeather"),
    Faults(refuse_share=1),
    Faults(storm_429=50),
    Faults(fail_5xx=50),
    Faults(daily_cap=1),
    Faults(timeout_after_commit=range(1, 50)),
)


def private(number: int) -> Activity:
    made = engagement(number)
    notes = tuple(replace(each, text=PRIVATE["notes_text"]) for each in made.note_versions)
    return changed(made, **PRIVATE, note_versions=notes)


def everything_said(story: Office, log: pytest.LogCaptureFixture, printed: str) -> dict[str, str]:
    """Wherever a word could have slipped to, apart from the quarantine."""
    said = {"log": log.text, "printed": printed}
    with closing(sqlite3.connect(story.state_path)) as connection:
        tables = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
        for name in tables:
            if name != "zcc_quarantine":
                said[f"table {name}"] = repr(connection.execute(f'select * from "{name}"').fetchall())
    return said


def leaks(said: dict[str, str]) -> list[str]:
    return [f"{where}: {word}" for where, text in said.items() for word in WORDS if word.lower() in text.lower()]


def test_no_word_of_anybody_s_slips_out_whatever_goes_wrong(
    adapter: CrmAdapter, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    said: dict[str, str] = {}
    mine = people([1, 2])
    with office(
        adapter, tmp_path, people=mine, credentials=Credentials("client", SECRET), access_token=SECRET
    ) as story:
        for number, faults in enumerate(FAULTS):
            story.control("faults", **{k: list(v) if isinstance(v, range) else v for k, v in asdict(faults).items()})
            story.take(*(private(10 * number + each) for each in range(2)))
            try:
                report = story.export()
                said[f"report {number}"] = repr(report)
            except ZccPipelineError as error:
                said[f"error {number}"] = f"{error} {error!r} {error.__cause__!r}"
        story.control("faults")
        story.export_until_done()
        story.control("revoke-tokens")
        story.control("faults", token_dies_after=0)
        story.take(private(90))
        with pytest.raises(ConfigurationError) as refused:
            story.export()
        said["refused credentials"] = f"{refused.value} {refused.value!r} {refused.value.__cause__!r}"
        said |= everything_said(story, caplog, "".join(capfd.readouterr()))
        assert story.statuses()[Status.FAILED_PERMANENT] >= 2, story.statuses()
    assert leaks(said) == []
