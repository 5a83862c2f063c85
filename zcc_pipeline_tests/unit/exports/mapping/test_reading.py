"""Reading the mapping file: what holds, and what is said where it does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.exports.destination import MappingProblem
from zcc_pipeline.exports.mapping import CRMS, CrmMapping, parse_mapping, read_mapping, shipped_text
from zcc_pipeline.exports.mapping.schema import mapping_schema, rendered

ROOT = Path(__file__).parents[4]
SECTION = """
version: 1
zendesk:
  targets:
    ticket:
      object: ticket
      key: external_id
      fields:
        subject: {from: subject, cut: 150}
        channel: channel
      options: {kind: import}
  channels: {voice: ticket}
"""


def mapping(text: str = SECTION) -> CrmMapping:
    found = parse_mapping("zendesk", text, "my.yml")
    assert found is not None
    return found


@pytest.mark.parametrize("crm", CRMS)
def test_the_shipped_file_has_a_section_for_every_crm_and_maps_every_channel(crm: str) -> None:
    section = read_mapping(crm, None).section

    assert {"voice", "video", "messaging", "email"} <= set(section.channels)
    assert section.queues["*"]


@pytest.mark.parametrize("folder", ["docs", "zcc_pipeline/exports"])
def test_the_published_schema_is_the_models(folder: str) -> None:
    published = (ROOT / folder / "crm_mapping.schema.json").read_text(encoding="utf-8")

    assert published == rendered(), "python -m zcc_pipeline.exports.mapping.schema prints the current one"


def test_the_schema_takes_the_shipped_file_and_refuses_what_the_reader_refuses() -> None:
    validator = jsonschema.Draft202012Validator(mapping_schema())
    validator.check_schema(mapping_schema())
    shipped = yaml.safe_load(shipped_text())
    assert list(validator.iter_errors(shipped)) == []

    for name, rule in (("a", "subjct"), ("b", {"from": "subject", "value": 1}), ("c", {"from": "subject", "cutt": 1})):
        broken = json.loads(json.dumps(shipped))
        broken["zendesk"]["targets"]["ticket"]["fields"][name] = rule
        assert list(validator.iter_errors(broken)), rule


def test_a_section_of_the_users_replaces_the_shipped_one_and_the_others_stay(tmp_path: Path) -> None:
    file = tmp_path / "crm_mapping.yml"
    file.write_text(SECTION, encoding="utf-8")

    assert set(read_mapping("zendesk", file).section.targets["ticket"].fields) == {"subject", "channel"}
    assert read_mapping("hubspot", file) == read_mapping("hubspot", None)
    assert read_mapping("zendesk", file).fingerprint != read_mapping("zendesk", None).fingerprint


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "channel: channel",
            "channel: chanel",
            "my.yml:10: …channel.from: there is no attribute 'chanel'; did you mean 'channel'?",
        ),
        ("cut: 150", "cutt: 150", "my.yml:9: …subject.cutt: is not known here; did you mean 'cut'?"),
        ("cut: 150", "as: minutes", "my.yml:9: …subject: subject cannot be made minutes"),
        ("cut: 150", "cut: 0", "my.yml:9: …subject.cut: input should be greater than or equal to 1"),
        ("cut: 150", "as: minute", "my.yml:9: …subject.as: must be 'text', 'integer'"),
        ("cut: 150", "cut: 1, cut_at_sentence: 2", "my.yml:9: …subject: has both cut"),
        ("from: subject", "template: '{subjec}'", "my.yml:9: …subject: 'subjec' in the template"),
        ("from: subject", "template: '{subject!r}'", "my.yml:9: …subject: takes plain names"),
        ("from: subject", "template: '{subject'", "my.yml:9: …subject: has braces"),
        ("from: subject", "value: 1, from: subject", "my.yml:9: …subject: needs exactly one of"),
        ("voice: ticket", "voice: tiket", "my.yml:12: zendesk.channels.voice: there is no target 'tiket'"),
        ("channels: {", "chanels: {", "my.yml:12: zendesk.chanels: is not known here; did you mean 'channels'?"),
        ("key: external_id", "keys: external_id", "my.yml:7: zendesk.targets.ticket.keys: is not known here; did"),
        ("version: 1", "version: 2", "my.yml:2: version: must be 1"),
        ("zendesk:", "zendesc:", "my.yml:3: zendesc: is not known here; did you mean 'zendesk'?"),
        ("key: external_id", "object: x", "my.yml:7: 'object' is there twice"),
        ("channels: {voice", "channels: {no", "my.yml:12: the name 'no' must be put in quotes"),
        ("channels: {voice: ticket}", "channels: [", "my.yml:13: "),
        ("version: 1\nzendesk:", "version: 1\nzendesk:\n  link_url: /files/", "my.yml:3: zendesk: must be an address"),
        (
            "channels: {voice: ticket}",
            "channels: {voice: ticket}\n  coexistence:\n    queues: {Support: enrich}",
            "my.yml:13: zendesk.coexistence: 'enrich' needs 'lookup'",
        ),
    ],
)  # fmt: skip
def test_an_error_names_file_line_and_place(old: str, new: str, said: str) -> None:
    assert old in SECTION
    with pytest.raises(ConfigurationError) as caught:
        mapping(SECTION.replace(old, new, 1))

    full = said.replace("…", "zendesk.targets.ticket.fields.")
    assert str(caught.value).startswith(f"ZCC_CRM_MAPPING: {full}")


def test_a_wrong_section_is_refused_whichever_crm_is_wanted() -> None:
    with pytest.raises(ConfigurationError, match=r"my\.yml:12"):
        parse_mapping("hubspot", SECTION.replace("{voice: ticket}", "{voice: x}"), "my.yml")


@pytest.mark.parametrize(
    ("content", "said"), [(None, "there is no file"), (b"\xff\xfe\x00", "cannot be read"), (b"", "my.yml:1")]
)
def test_a_file_that_cannot_be_read_names_the_setting(tmp_path: Path, content: bytes | None, said: str) -> None:
    file = tmp_path / "my.yml"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(ConfigurationError, match=r"ZCC_CRM_MAPPING") as caught:
        read_mapping("zendesk", file)

    assert said in str(caught.value)


@given(st.text(max_size=80))
def test_whatever_the_file_holds_the_error_is_one_for_people(text: str) -> None:
    try:
        parse_mapping("zendesk", text, "my.yml")
    except ConfigurationError as error:
        assert "my.yml:" in str(error)  # noqa: PT017 - it need not be raised


@given(st.text(alphabet="{}[]:-, \n'\"ab1&*!|>%#", max_size=60), st.integers(0, len(SECTION)))
def test_a_damaged_file_is_refused_in_words(damage: str, at: int) -> None:
    try:
        parse_mapping("zendesk", SECTION[:at] + damage + SECTION[at:], "my.yml")
    except ConfigurationError as error:
        assert "my.yml:" in str(error)  # noqa: PT017


def test_what_the_crm_contradicts_is_said_with_its_line() -> None:
    problems = [
        MappingProblem(("targets", "ticket", "fields", "subject"), "is not there", "make it"),
        MappingProblem(("zendesk", "targets", "ticket", "key"), "is not unique"),
    ]

    said = str(mapping().problems(problems))

    assert "2 problems" in said
    assert "my.yml:9: zendesk.targets.ticket.fields.subject: is not there\n    make it" in said
    assert "my.yml:7: zendesk.targets.ticket.key: is not unique" in said
    assert "my.yml:7: zendesk.targets.ticket.key" in str(mapping().problems(problems[1:]))


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: int | None = None


def test_a_crms_own_options_are_checked_by_the_crm_with_the_line() -> None:
    with pytest.raises(
        ConfigurationError, match=r"my\.yml:11: zendesk\.targets\.ticket\.options\.kind: input should be"
    ):
        mapping().options("ticket", Options)
    assert mapping(SECTION.replace("import", "3")).options("ticket", Options).kind == 3


@given(st.dictionaries(st.sampled_from(["settle_hours", "attach_up_to_mb"]), st.integers(1, 9), max_size=2))
def test_the_fingerprint_is_that_of_the_content(changes: dict[str, Any]) -> None:
    text = SECTION + "".join(f"  {name}: {value}\n" for name, value in changes.items())
    again = "# a comment\n" + SECTION + "".join(f"  {name}: {value}.0\n" for name, value in reversed(changes.items()))

    assert mapping(text).fingerprint == mapping(again).fingerprint
