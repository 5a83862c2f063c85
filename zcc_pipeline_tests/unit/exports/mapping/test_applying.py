"""What the mapping makes of an engagement."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.exports.activity import Activity, Media, NoteVersion
from zcc_pipeline.exports.destination import Attachment, CustomerKeys, FileMissing, Outgoing
from zcc_pipeline.exports.mapping import LeftOut, Unmapped, content_hash, map_activity, parse_mapping
from zcc_pipeline.exports.mapping.model import Attribute
from zcc_pipeline_tests.integration.exports.engagements import (
    changed,
    engagement,
    with_edited_note,
    without_first_note,
)

BASE: dict[str, Any] = {
    "fields": "{subject: subject}",
    "channels": "{voice: ticket, messaging: ticket, video: ticket, email: mail}",
    "queues": '{"*": by_channel}',
    "rest": "{}",
}
WHEN = datetime(2026, 3, 29, 1, 30, 15, 250_000, tzinfo=timezone(timedelta(hours=2)))


class Files:
    def __init__(self, *, has: bool = True) -> None:
        self.has = has

    async def read(self, path: str) -> Any:
        if not self.has:
            raise FileNotFoundError(path)
        yield b"bytes of "
        yield path.encode()


def mapping(**changes: Any) -> Any:
    given = {**BASE, **changes}
    text = f"""
version: 1
hubspot:
  targets:
    ticket: {{object: ticket, key: k, fields: {given["fields"]}}}
    mail: {{object: mail, key: k, fields: {{}}, options: {{a: 1}}}}
  channels: {given["channels"]}
  queues: {given["queues"]}
"""
    rest = "".join(f"  {name}: {value}\n" for name, value in changes.items() if name not in BASE)
    return parse_mapping("hubspot", text + rest, "my.yml")


def mapped(activity: Activity, **changes: Any) -> Outgoing:
    found = map_activity(activity, mapping(**changes), Files())
    assert isinstance(found, Outgoing), found
    return found


def value(rule: str, **changes: Any) -> Any:
    return mapped(engagement(1, **changes), fields=f"{{f: {rule}}}").fields["f"]


def body_of(attachment: Attachment) -> bytes:
    async def read() -> bytes:
        return b"".join([piece async for piece in attachment.open()])

    return asyncio.run(read())


def test_every_attribute_that_a_mapping_may_name_has_a_value() -> None:
    fields = ", ".join(f"{name}: {name}" for name in get_args(Attribute))
    found = mapped(
        engagement(0), fields=f"{{{fields}}}", notes="field", transcripts="field", link_url="'https://f/{path}'"
    )

    assert set(found.fields) == set(get_args(Attribute))
    assert found.fields["started_at"] == "2026-11-02T08:00:00Z"
    assert found.fields["started_date"] == "2026-11-02"
    assert found.fields["dispositions"] == "Resolved"
    assert found.fields["is_answered"] is True
    assert found.fields["recording_link"] == "https://f/recording/date=2026-11-02/eng-00000.mp3"


@pytest.mark.parametrize(
    ("rule", "changes", "expected"),
    [
        ("subject", {"subject": None}, None),
        ("{value: ZCC}", {}, "ZCC"),
        ("{value: false}", {}, False),
        ("{from: direction, map: {inbound: IN, outbound: OUT}}", {"direction": "outbound"}, "OUT"),
        ("{from: direction, map: {inbound: IN}, default: ANY}", {"direction": "sideways"}, "ANY"),
        ("{from: direction, map: {inbound: IN}}", {"direction": "sideways"}, None),
        ("{from: is_answered, map: {'true': DONE, 'false': MISSED}}", {"is_answered": False}, "MISSED"),
        ("{from: queue_name, default: none}", {"queue_name": None}, "none"),
        ("{from: queue_name, default: none}", {"queue_name": ""}, "none"),
        ("{join: [agent_name, queue_name, flow_name], with: ' / '}", {"queue_name": None}, "Bo Lindqvist / Main flow"),
        ("{template: '{channel} from {customer_name}'}", {}, "messaging from Customer 1"),
        ("{template: '{agent_name}{queue_name}!'}", {"agent_name": None, "queue_name": None}, None),
        ("{template: 'a {{b}}'}", {}, "a {b}"),
        ("{from: channel, case: upper}", {}, "MESSAGING"),
        ("{from: subject, cut: 5}", {}, "Mess…"),
        ("{from: handle_seconds, as: minutes}", {"handle_seconds": 61}, 2),
        ("{from: handle_seconds, as: minutes}", {"handle_seconds": 0}, 0),
        ("{from: handle_seconds, as: milliseconds}", {"handle_seconds": 61}, 61_000),
        ("{from: handle_seconds, as: text}", {"handle_seconds": 61}, "61"),
        ("{from: handle_seconds, as: milliseconds}", {"handle_seconds": None}, None),
        ("{from: survey_score, as: text}", {"survey_score": 4.0}, "4"),
        ("{from: survey_score, as: integer}", {"survey_score": 3.6}, 4),
        ("{from: is_answered, as: text}", {"is_answered": False}, "false"),
        ("{from: is_answered, as: integer}", {"is_answered": True}, 1),
        ("{from: started_at, as: datetime}", {"started_at": WHEN}, "2026-03-28T23:30:15Z"),
        ("{from: started_at, as: date}", {"started_at": WHEN}, "2026-03-28"),
        ("{from: started_at, as: servicenow_datetime}", {"started_at": WHEN}, "2026-03-28 23:30:15"),
        ("{from: started_at, as: epoch_ms}", {"started_at": WHEN}, 1774740615250),
        ("{from: dispositions, as: text}", {"dispositions": ("a", "b")}, "a; b"),
        ("{from: dispositions, as: text}", {"dispositions": ()}, None),
        ("{from: subject, cut: 20}", {"subject": "a\x00b\ud800c"}, "abc"),
        ("{from: body_html, cut: 14}", {"body_html": "<p>one <b>two</b></p>"}, "<p>one …</p>"),
    ],
)  # fmt: skip
def test_a_rule_makes_its_value(rule: str, changes: dict[str, Any], expected: Any) -> None:
    assert value(rule, **changes) == expected


def test_an_empty_value_clears_a_field_or_leaves_it_alone() -> None:
    fields = "{a: queue_name, b: {from: queue_name, when_empty: omit}}"

    assert mapped(engagement(1, queue_name=None), fields=fields).fields == {"a": None}


def test_a_value_that_cannot_be_converted_is_for_the_quarantine_and_is_not_named() -> None:
    found = map_activity(
        engagement(1, direction="secret"), mapping(fields="{f: {template: '{direction}', as: integer}}"), Files()
    )

    assert found == Unmapped("unmappable_value", "str as integer")


@pytest.mark.parametrize(
    ("queues", "changes", "expected"),
    [
        ('{"*": by_channel}', {}, "ticket"),
        ("{Sales: mail}", {}, "mail"),
        ("{' sales ': mail}", {}, "mail"),
        ("{queue-1: mail, Sales: ticket}", {}, "mail"),
        ("{Sales: skip}", {}, LeftOut("queue")),
        ("{Other: mail}", {}, Unmapped("unmapped_queue", "Sales")),
        ("{none: mail}", {"queue_id": None, "queue_name": None}, "mail"),
        ('{"*": mail}', {"queue_id": None, "queue_name": None}, "mail"),
        ("{Sales: mail}", {"queue_id": None, "queue_name": None}, Unmapped("unmapped_queue", "none")),
    ],
)
def test_a_queue_goes_where_the_mapping_says(queues: str, changes: dict[str, Any], expected: Any) -> None:
    found = map_activity(engagement(1, **changes), mapping(queues=queues), Files())

    assert (found.target if isinstance(found, Outgoing) else found) == expected


@pytest.mark.parametrize(
    ("channels", "expected"),
    [
        ("{messaging: ticket}", "ticket"),
        ("{messaging: ticket, messaging/sms: mail}", "mail"),
        ("{messaging: ticket, messaging/whatsapp: mail}", "ticket"),
        ("{messaging: skip}", LeftOut("channel")),
        ("{voice: ticket}", Unmapped("unmapped_channel", "messaging/sms")),
    ],
)
def test_a_channel_goes_where_the_mapping_says(channels: str, expected: Any) -> None:
    found = map_activity(engagement(1), mapping(channels=channels), Files())

    assert (found.target if isinstance(found, Outgoing) else found) == expected


def test_a_target_has_its_own_options() -> None:
    found = mapped(engagement(3))

    assert (found.target, found.object, found.options) == ("mail", "mail", {"a": 1})


@pytest.mark.parametrize(
    ("changes", "rest", "keys"),
    [
        ({"customer_email": " Ann@X.example "}, {}, CustomerKeys("ann@x.example", "+41446680001")),
        ({"customer_email": "no address"}, {}, CustomerKeys(None, "+41446680001")),
        ({"customer_email": None, "customer_phone": "anonymous"}, {}, None),
        ({"customer_email": None, "customer_phone": "0446680001"}, {}, None),
        ({}, {"customer": "{match: [phone]}"}, CustomerKeys(None, "+41446680001")),
        ({"customer_phone": "+41'; drop"}, {"customer": "{match: [phone]}"}, None),
    ],
)
def test_customers_are_looked_for_by_what_is_an_address_or_a_number(
    changes: dict[str, Any], rest: dict[str, str], keys: CustomerKeys | None
) -> None:
    assert mapped(engagement(1, **changes), **rest).keys == keys


def test_a_version_that_becomes_known_late_changes_no_other_versions_key() -> None:
    edited = with_edited_note(engagement(1), "better")
    first, second = edited.note_versions
    between = replace(first, version=2, text="in between", written_at=first.written_at + timedelta(seconds=1))
    filled = replace(edited, note_versions=(first, between, replace(second, version=3)))
    before = [entry.key for entry in mapped(edited, notes="entries").entries]
    after = [entry.key for entry in mapped(filled, notes="entries").entries]
    assert [after[0], after[2]] == before
    assert len(set(after)) == 3


def test_notes_become_a_field_or_entries_or_nothing() -> None:
    edited = with_edited_note(engagement(1), "<better>")
    fields = "{n: notes_text}"

    assert (mapped(edited, fields=fields).fields, mapped(edited).entries) == ({"n": "<better>"}, ())
    assert mapped(edited, fields=fields, notes="none").fields == {"n": None}
    first, second = mapped(edited, fields=fields, notes="entries").entries
    assert [key.rpartition(":")[0] for key in (first.key, second.key)] == ["note:eng-00001-note"] * 2
    assert first.key != second.key
    assert second.text == "Note changed by Bo Lindqvist, 2026-11-03 10:01 UTC\n\n<better>"
    assert "&lt;better&gt;" in second.html
    gone = mapped(without_first_note(engagement(1)), notes="entries").entries[-1]
    assert gone.key not in {first.key, second.key}
    assert gone.text.startswith("Note deleted by")


@pytest.mark.parametrize(
    ("mode", "cut", "in_field", "attached"),
    [
        ("field", 1000, True, False),
        ("attach", 1000, False, True),
        ("both", 1000, True, True),
        ("field_then_attach", 1000, True, False),
        ("field_then_attach", 20, True, True),
        ("none", 1000, False, False),
    ],
)
def test_a_transcript_goes_into_a_field_or_a_file_or_both(mode: str, cut: int, in_field: bool, attached: bool) -> None:
    found = mapped(engagement(1), fields=f"{{t: {{from: transcript_text, cut_at_sentence: {cut}}}}}", transcripts=mode)

    assert (found.fields["t"] is not None) == in_field
    assert [each.file_name for each in found.attachments] == ["transcript-eng-00001.txt"] * attached
    for each in found.attachments:
        body = body_of(each)
        assert body.decode() == engagement(1).transcript_text
        assert each.size_bytes == len(body)


def test_files_are_linked_or_attached_or_left_out() -> None:
    fields, link = "{l: recording_link, t: transcript_link}", "'https://files.example/{path}?a=1'"
    linked = mapped(engagement(0), fields=fields, link_url=link)
    attached = mapped(engagement(0), fields=fields, recordings="attach", attach_up_to_mb=1)
    too_large = mapped(engagement(0), fields=fields, recordings="attach", attach_up_to_mb=0.0001)

    assert linked.fields == {"l": "https://files.example/recording/date=2026-11-02/eng-00000.mp3?a=1", "t": None}
    assert linked.attachments == too_large.attachments == ()
    assert mapped(engagement(0), fields=fields, link_url=link, recordings="none").fields["l"] is None
    (file,) = attached.attachments
    assert (file.file_name, file.media_type) == ("recording-rec-eng-00000.mp3", "audio/mpeg")
    assert body_of(file) == b"bytes of recording/date=2026-11-02/eng-00000.mp3"


def test_a_file_that_is_not_stored_is_neither_linked_nor_attached() -> None:
    gone = Media("recording", "r", None, None, None, None, None, None)
    found = mapped(
        engagement(0, recordings=(gone,)),
        fields="{l: recording_links}",
        recordings="attach",
        link_url="'https://f/{path}'",
    )

    assert (found.fields, found.attachments) == ({"l": None}, ())


def test_a_stored_file_that_has_gone_since_fails_its_record_only() -> None:
    found = map_activity(engagement(0), mapping(recordings="attach"), Files(has=False))
    assert isinstance(found, Outgoing)

    with pytest.raises(FileMissing):
        body_of(found.attachments[0])


def test_files_with_odd_ids_have_names_that_every_crm_takes_and_stay_apart() -> None:
    first, second = (
        Media("voicemail", source_id, None, None, "voicemail/x.m4a", "audio/mp4", 1, "ab" * 32)
        for source_id in ("a/b=", "a:b=")
    )
    found = mapped(engagement(0, voicemails=(first, second)), voicemails="attach").attachments

    assert len({each.file_name for each in found}) == 2
    assert all(each.file_name.replace("-", "").replace(".", "").replace("_", "").isalnum() for each in found)


def test_the_agent_owns_the_record_unless_the_mapping_says_nobody() -> None:
    assert mapped(engagement(1)).owner_email == "bo.lindqvist@centre.example"
    assert mapped(engagement(1), owner="{from: null}").owner_email is None


CONTENT = {
    "subject": "another",
    "customer_email": "other@x.example",
    "customer_phone": "+41446680999",
    "customer_name": "Other",
    "agent_email": "other@centre.example",
    "is_deleted_at_source": True,
    "started_at": datetime(2026, 1, 1, tzinfo=UTC),
    "channel": "email",
}


@pytest.mark.parametrize("name", CONTENT)
def test_what_the_crm_would_see_changes_the_hash(name: str) -> None:
    plan = mapping()
    before, after = (
        map_activity(each, plan, Files()) for each in (engagement(1), changed(engagement(1), **{name: CONTENT[name]}))
    )
    assert isinstance(before, Outgoing)
    assert isinstance(after, Outgoing)

    assert content_hash(before, plan) != content_hash(after, plan)


def test_what_the_crm_would_not_see_does_not() -> None:
    plan = mapping()
    before, after = (
        map_activity(each, plan, Files())
        for each in (engagement(1), changed(engagement(1), survey_score=1.0, notes_text="x"))
    )
    assert isinstance(before, Outgoing)
    assert isinstance(after, Outgoing)

    assert content_hash(before, plan) == content_hash(after, plan)


@given(text=st.text(max_size=50), note=st.text(max_size=50))
def test_odd_characters_leave_as_text_that_can_be_sent(text: str, note: str) -> None:
    version = NoteVersion("n", 1, note, text or None, text or None, WHEN, True, False)
    activity = engagement(
        1,
        subject=text,
        customer_name=text,
        customer_email=text,
        queue_name=text,
        transcript_text=text,
        note_versions=(version,),
    )
    plan = mapping(
        notes="entries", transcripts="both", fields="{a: subject, b: {template: '{queue_name} {agent_name}'}}"
    )
    found = map_activity(activity, plan, Files())

    assert isinstance(found, Outgoing)
    for said in (*found.fields.values(), found.customer_name, found.entries[0].text, found.entries[0].html):
        (said or "").encode()
    assert content_hash(found, plan)
