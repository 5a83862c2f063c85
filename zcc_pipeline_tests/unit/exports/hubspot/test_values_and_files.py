"""Texts for properties, names and forms for files, errors by consequence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.exports.destination import Attachment
from zcc_pipeline.exports.hubspot.attachments import _Form, file_name, merged
from zcc_pipeline.exports.hubspot.checking import kind_of
from zcc_pipeline.exports.hubspot.client import classify
from zcc_pipeline.exports.hubspot.metadata import looks_wrong, read_properties
from zcc_pipeline.exports.hubspot.values import as_text, as_texts
from zcc_pipeline.exports.mapping import FieldRule
from zcc_pipeline.exports.session import DailyLimit, NotThere, Refused, Retry, TokenExpired
from zcc_pipeline.simulator.crm.base import parse_multipart

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (90_000, "90000"),
        (4.0, "4"),
        (4.5, "4.5"),
        (["a", 1], "a;1"),
        ("ü", "ü"),
    ],
)
def test_every_value_becomes_a_text(value: object, text: str) -> None:
    assert as_text(value) == text


def test_nothing_is_emptied_on_a_record_that_is_not_there_yet() -> None:
    fields = {"a": None, "b": "", "c": "x"}
    assert as_texts(fields, is_new=True) == {"c": "x"}
    assert as_texts(fields, is_new=False) == {"a": "", "b": "", "c": "x"}


class Shelf:
    def __init__(self, body: bytes) -> None:
        self.body = body

    async def read(self, path: str) -> AsyncIterator[bytes]:
        for start in range(0, len(self.body), 5):
            yield self.body[start : start + 5]


def attachment(
    file: str, body: bytes = b"", *, key: str = "file:recording:r1:aa", media_type: str = "audio/mpeg"
) -> Attachment:
    return Attachment(key, file, media_type, len(body), "p", Shelf(body))


@given(st.text(max_size=80), st.text(max_size=20), st.text(max_size=20))
def test_a_files_name_is_harmless_and_its_own(name: str, engagement_id: str, key: str) -> None:
    made = file_name(engagement_id, attachment(name, key=key))
    stem, _, extension = made.rpartition(".")
    assert stem
    assert extension
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")
    assert made.count(".") == 1
    assert made != file_name(engagement_id, attachment(name, key=key + "x"))
    assert made != file_name(engagement_id + "x", attachment(name, key=key))


@given(st.binary(max_size=300), st.text(max_size=30))
def test_a_form_is_as_long_as_it_says_and_holds_the_file(body: bytes, media_type: str) -> None:
    form = _Form("talk-aa.mp3", attachment("talk.mp3", body, media_type=media_type), "/zcc")

    async def read() -> bytes:
        return b"".join([piece async for piece in form.read()])

    sent = asyncio.run(read())
    assert len(sent) == int(form.headers["Content-Length"])
    parts = {part.name: part.content for part in parse_multipart(form.headers["Content-Type"], sent)}
    assert parts == {
        "fileName": b"talk-aa.mp3",
        "folderPath": b"/zcc",
        "options": b'{"access":"PRIVATE"}',
        "file": body,
    }


def test_files_that_hang_on_a_record_stay_there() -> None:
    assert merged("1;2", {"a": "2", "b": "3"}) == "1;2;3"
    assert merged(None, {"a": "7"}) == "7"


def answer(status: int, body: Any = None, **headers: str) -> httpx.Response:
    return (
        httpx.Response(status, json=body, headers=headers)
        if body is not None
        else httpx.Response(status, text="<html>")
    )


@pytest.mark.parametrize(
    ("response", "trouble"),
    [
        (answer(401), TokenExpired()),
        (answer(429, {"policyName": "DAILY"}), DailyLimit()),
        (answer(429, {"message": "You have reached your daily limit."}), DailyLimit()),
        (answer(429, {"policyName": "TEN_SECONDLY_ROLLING"}, **{"retry-after": "3"}), Retry(3.0, pause_all=True)),
        (answer(429, {"policyName": "SECONDLY"}), Retry(1.0)),
        (answer(429), Retry(1.0)),
        (answer(423), Retry()),
        (answer(477, {}, **{"retry-after": "60"}), Retry(60.0)),
        (answer(502), Retry()),
        (answer(404, {"category": "OBJECT_NOT_FOUND"}), NotThere("OBJECT_NOT_FOUND")),
        (answer(413), Refused("", "", {})),
        (
            answer(400, {"category": "VALIDATION_ERROR", "message": "m", "errors": [{"code": "INVALID_DATE"}]}),
            Refused(
                "INVALID_DATE",
                "m",
                {"category": "VALIDATION_ERROR", "message": "m", "errors": [{"code": "INVALID_DATE"}]},
            ),
        ),
        (answer(400, [1, 2]), Refused("", "", {})),
        (
            answer(409, {"category": "CONFLICT", "errors": ["x"]}),
            Refused("CONFLICT", "", {"category": "CONFLICT", "errors": ["x"]}),
        ),
    ],
)
def test_a_refusal_is_read_by_its_consequence(response: httpx.Response, trouble: object) -> None:
    assert classify(response, NOW) == trouble


DEFINITIONS = read_properties(
    [
        {"name": "n", "type": "number"},
        {"name": "t", "type": "datetime"},
        {"name": "s", "type": "enumeration", "options": [{"value": "A"}, {"value": "B"}]},
        {"name": "o", "type": "enumeration", "externalOptions": True, "options": []},
        {"name": "b", "type": "bool", "options": [{"value": "true"}, {"value": "false"}]},
        {"name": "old", "type": "string", "archived": True},
    ]
)


@pytest.mark.parametrize(
    ("values", "is_wrong"),
    [
        ({"n": "12", "t": "2026-11-01T10:00:00Z", "s": "A", "o": "501", "b": "true"}, False),
        ({"n": "", "t": "", "s": ""}, False),
        ({"t": "1793527200000"}, False),
        ({"s": "A;B"}, False),
        ({"unknown": "x"}, False),
        ({"n": "twelve"}, True),
        ({"t": "yesterday"}, True),
        ({"s": "C"}, True),
        ({"b": "yes"}, True),
        ({"n": "٣"}, True),
    ],
)
def test_values_that_would_be_refused_are_seen_beforehand(values: dict[str, str], is_wrong: bool) -> None:
    assert looks_wrong(values, DEFINITIONS) is is_wrong
    assert "old" not in DEFINITIONS


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ({"from": "is_deleted_at_source"}, "bool"),
        ({"from": "started_at"}, "datetime"),
        ({"from": "started_at", "as": "date"}, "date"),
        ({"from": "handle_seconds"}, "number"),
        ({"from": "handle_seconds", "as": "text"}, "string"),
        ({"from": "direction", "map": {"inbound": "IN"}}, "string"),
        ({"value": True}, "bool"),
        ({"template": "{channel}"}, "string"),
    ],
)
def test_a_property_is_made_for_the_type_of_value_that_the_mapping_gives(rule: dict[str, Any], kind: str) -> None:
    assert kind_of(FieldRule.model_validate(rule)) == kind
