"""Text of the right length under the right names; journal entries that can be recognised."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.exports.destination import Addressed, Customer, Entry, Outgoing
from zcc_pipeline.exports.outcomes import RemoteRef
from zcc_pipeline.exports.servicenow.metadata import Column, Metadata, TableFacts, Transform
from zcc_pipeline.exports.servicenow.values import as_text, marker, note_text, shape_of

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
TABLE = TableFacts(
    "interaction",
    {
        "short_description": Column("short_description", "string", 160),
        "u_long": Column("u_long", "string", 4000),
        "state": Column("state", "integer", 40),
    },
)
STAGING = TableFacts("u_zcc_engagement_import", {"u_text": Column("u_text", "string", 100)})
NOTHING = Metadata({}, {}, is_readable=False)


def outgoing(**fields: Any) -> Outgoing:
    return Outgoing(
        engagement_id="e1",
        target="interaction",
        object="interaction",
        key_field="u_key",
        fields=fields,
        keys=None,
        customer_name=None,
        owner_email=None,
        entries=(),
        attachments=(),
        started_at=NOW,
        is_deleted_at_source=False,
    )


def addressed(**fields: Any) -> Addressed:
    return Addressed(outgoing(**fields), None, None, None, fields)


def entry(text: str, key: str = "note:n:1") -> Entry:
    return Entry(key, text, "", None, NOW)


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (True, "true"), (False, "false"), (7, "7"), (7.0, "7"), (7.5, "7.5"), ("x", "x")],
)
def test_every_value_becomes_text(value: Any, text: str) -> None:
    assert as_text(value) == text


def test_nested_values_are_an_error_because_the_platform_would_print_them() -> None:
    with pytest.raises(TypeError, match="plain"):
        as_text({"a": 1})


def test_texts_are_cut_to_the_shorter_of_column_and_staging_column() -> None:
    transform = Transform({"short_description": "u_text"}, frozenset({"u_key"}), copies_empty=True)
    known = Metadata(
        {"interaction": TABLE, STAGING.name: STAGING}, {(STAGING.name, "interaction"): transform}, is_readable=True
    )
    one = addressed(short_description="x" * 300, u_long="A sentence. " * 900, state=123456)
    staged = shape_of(one, known).staged(one)
    assert (len(staged["u_text"]), staged["u_text"][-1]) == (100, "…")
    assert len(staged["u_long"]) <= 4000
    assert staged["u_long"].endswith("sentence.")
    assert staged["u_state"] == "123456"
    assert staged["u_key"] == "e1"


def test_without_metadata_staging_columns_have_the_names_that_the_platform_gives() -> None:
    one = replace(addressed(short_description="x", u_own="y"), customer=Customer("csm_consumer", "c"), owner_id="o")
    staged = shape_of(one, NOTHING).staged(one)
    assert staged == {
        "u_short_description": "x",
        "u_own": "y",
        "u_key": "e1",
        "u_consumer": "c",
        "u_assigned_to": "o",
    }


def test_what_enriches_another_programs_record_holds_neither_key_nor_people() -> None:
    one = replace(
        addressed(),
        fields={"short_description": "x" * 300},
        remote=RemoteRef("interaction", "0" * 32),
        owner_id="o",
        is_enriching=True,
    )
    values = shape_of(one, Metadata({"interaction": TABLE}, {}, is_readable=True)).values(one)
    assert values.keys() == {"short_description"}
    assert len(values["short_description"]) == 160


@given(st.text(max_size=200), st.text(min_size=1, max_size=40))
def test_each_journal_entry_ends_with_its_own_marker(text: str, key: str) -> None:
    assert note_text(entry(text, key)).endswith(marker(key))
    assert marker(key) != marker(f"{key}:")


@pytest.mark.parametrize("tag", ["[code]", "[/code]", "[CODE]", "[/Code]"])
def test_no_note_can_make_the_platform_show_markup(tag: str) -> None:
    shown = note_text(entry(f"{tag}<script>alert(1)</script>{tag}"))
    assert tag not in shown
    assert "<script>alert(1)</script>" in shown


def test_a_note_longer_than_a_journal_shows_is_cut_before_its_marker() -> None:
    shown = note_text(entry("A sentence. " * 20_000))
    assert len(shown) < 61_000
    assert shown.endswith(marker("note:n:1"))
