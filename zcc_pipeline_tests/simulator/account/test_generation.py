from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from zcc_pipeline.simulator.zoom.account import Account, AccountSpec, views
from zcc_pipeline.simulator.zoom.account.load import WEEKDAY_LOAD
from zcc_pipeline.simulator.zoom.account.truth import truth

BASE = "https://api.zoom.us/v2"


def whole_story(account: Account, at: datetime, since: datetime) -> dict[str, str]:
    """Engagement id to everything that can be read of it."""
    return {
        item.engagement_id: json.dumps(
            [
                views.engagement_detail(item, at, BASE),
                views.engagement_log_row(item, at),
                views.voice_call(item),
                [views.recording(each, at, BASE) for each in item.recordings],
                [views.inbox_message(each, at, BASE) for each in item.voicemails],
            ]
        )
        for item in account.engagements
        if item.start >= since
    }


def test_the_same_specification_gives_the_same_account(spec, opened):
    first, second = (Account.generate(spec, clock=lambda: opened) for _ in range(2))
    assert json.dumps(truth(first)) == json.dumps(truth(second))


def test_another_seed_gives_other_people_and_other_engagements(spec):
    one, other = Account.generate(spec), Account.generate(replace(spec, seed=8))
    assert not {item.engagement_id for item in one.engagements} & {item.engagement_id for item in other.engagements}
    assert one.population.queues[0].queue_id != other.population.queues[0].queue_id


def test_adding_days_changes_no_other_day(spec, opened):
    short = Account.generate(spec, clock=lambda: opened)
    long = Account.generate(replace(spec, days=6), clock=lambda: opened)
    shifted = Account.generate(replace(spec, last_day=spec.last_day + timedelta(days=2), days=4), clock=lambda: opened)
    since, until = spec.day_start(spec.first_day), spec.day_start(spec.last_day + timedelta(days=1))
    days = whole_story(short, opened, since)
    assert len(days) > 200
    assert whole_story(long, opened, since) == days
    later = whole_story(shifted, opened, since)
    of_these_days = {item.engagement_id for item in shifted.engagements if item.start < until}
    assert {key: value for key, value in later.items() if key in of_these_days} == days


def test_reading_in_another_order_changes_nothing(spec, opened):
    forward, backward = (Account.generate(spec, clock=lambda: opened) for _ in range(2))
    one = [json.dumps(views.email_messages(item, opened)) for item in forward.engagements if item.email_count]
    other = [
        json.dumps(views.email_messages(item, opened)) for item in reversed(backward.engagements) if item.email_count
    ]
    assert one == other[::-1]


def test_weekdays_and_hours_have_their_load():
    berlin = AccountSpec(last_day=date(2026, 11, 22), days=7, engagements_per_day=1000, timezone="Europe/Berlin")
    account = Account.generate(berlin)
    usual = [item for item in account.engagements if item.scenario != "open_for_weeks"]
    local = [item.start.astimezone(ZoneInfo("Europe/Berlin")) for item in usual]
    per_day = Counter(start.date() for start in local)
    assert [per_day[day] for day in berlin.all_days()] == [round(1000 * share) for share in WEEKDAY_LOAD]
    assert sum(per_day.values()) == 7000
    per_hour = Counter(start.hour for start in local)
    assert per_hour[10] > 8 * per_hour[3]
    assert per_hour[14] > per_hour[12] * 0.95 > per_hour[20]


def test_a_day_of_a_change_of_clocks_has_its_load_inside_the_day():
    spring = AccountSpec(last_day=date(2026, 3, 29), days=1, engagements_per_day=500, timezone="Europe/Berlin")
    usual = [item for item in Account.generate(spring).engagements if item.scenario != "open_for_weeks"]
    assert len(usual) == 300
    assert all(
        datetime(2026, 3, 28, 23, tzinfo=UTC) <= item.start < datetime(2026, 3, 29, 22, tzinfo=UTC) for item in usual
    )


def test_every_channel_direction_and_scenario_occurs(month):
    sources = Counter(pair for item in month.engagements for pair in item.channels)
    assert set(sources) == {
        ("voice", ""),
        ("video", "web_video"),
        ("video", "kiosk_video"),
        ("messaging", "web_chat"),
        ("messaging", "sms"),
        ("messaging", "whatsapp"),
        ("email", "email_address"),
    }
    assert sources["voice", ""] > sum(sources.values()) * 0.45
    assert {item.direction for item in month.engagements} == {"inbound", "outbound"}
    assert {item.scenario for item in month.engagements} >= {
        "answered", "transferred", "conferenced", "callback", "unrecorded", "short_abandoned", "long_abandoned",
        "hold_abandoned", "contained", "blind", "voicemail", "missed", "declined", "video_abandoned", "bot_only",
        "chat_abandoned", "upgraded", "open_for_weeks", "recording_lost", "transcript_lost", "chat_transcript_lost",
    }  # fmt: skip
    assert any(len(item.channels) == 2 for item in month.engagements)


def test_some_conversations_started_weeks_before_the_first_day_and_some_close_weeks_later(month):
    first = month.spec.day_start(month.spec.first_day)
    early = [item for item in month.engagements if item.start < first]
    assert early
    assert all(item.scenario == "open_for_weeks" and item.end >= first for item in early)
    assert all(first - item.start <= timedelta(days=36) for item in early)
    lengths = [item.end - item.start for item in month.engagements if item.scenario == "open_for_weeks"]
    assert any(length > timedelta(days=21) for length in lengths)
    assert any(item.end > month.opened_at + timedelta(days=14) for item in month.engagements)


def test_names_numbers_and_addresses_are_from_reserved_ranges_only(month):
    for item in month.engagements:
        customer = item.customer
        assert re.fullmatch(r"\+1[2-9]\d{2}55501\d{2}", customer.e164)
        assert re.fullmatch(r"customer\.\d+@example\.(com|org|net)", customer.email)
    assert all(user.email.endswith("@example.com") and user.email.isascii() for user in month.population.users)
    assert all(re.fullmatch(r"(\+121255501\d{2})?", flow.number) for flow in month.population.flows)


def test_customers_come_back_on_several_channels_and_spell_their_number_in_several_ways(month):
    channels: dict[int, set[str]] = {}
    spellings: dict[str, set[str]] = {}
    owners: dict[str, set[int]] = {}
    for item in month.engagements:
        channels.setdefault(item.customer.number, set()).add(item.channels[0][0])
        owners.setdefault(item.customer.phone, set()).add(item.customer.number)
        if item.consumer_number:
            digits = "".join(filter(str.isdigit, item.consumer_number))
            assert digits[-10:] == item.customer.phone
            spellings.setdefault(item.customer.phone, set()).add(item.consumer_number)
    assert sum(len(seen) >= 3 for seen in channels.values()) > 50
    assert sum(len(seen) >= 2 for seen in spellings.values()) > 50
    assert max(len(people) for people in owners.values()) == 2, "two people of one household share a number"
    assert any(item.has_channel("voice") and not item.consumer_id for item in month.engagements)


def test_text_is_of_many_scripts_of_any_length_and_sometimes_empty(month):
    texts = [version.text for item in month.engagements for note in item.notes for version in note.versions]
    assert "" in texts
    assert any(20_000 < len(text.encode()) < 100_000 for text in texts)
    blocks = {
        "ja": "\u3040-\u30ff",
        "ar": "\u0600-\u06ff",
        "zh": "\u4e00-\u9fff",
        "ru": "\u0400-\u04ff",
        "emoji": "\U0001f300-\U0001faff",
    }
    for script, block in blocks.items():
        assert any(re.search(f"[{block}]", text) for text in texts), script
    assert any("\n" in text for text in texts)


def test_notes_number_none_to_three_and_dispositions_have_levels(month):
    assert {len(item.notes) for item in month.engagements} == {0, 1, 2, 3}
    assert {len(item.dispositions) for item in month.engagements} >= {0, 1, 2, 3}
    levels = next(item.dispositions for item in month.engagements if len(item.dispositions) == 3)
    parts = {part[0]: part for part in levels[0].parent.parts}
    assert parts[levels[2].disposition_id][3] == parts[levels[1].disposition_id][2]


def test_there_are_two_inboxes_and_only_one_transcribes(month):
    details = [views.inbox_detail(inbox)["voicemail"] for inbox in month.population.inboxes]
    assert [each["voicemail_transcription"] for each in details] == [True, False]
    assert {each["delete_voicemail_days_limit"] for each in details} == {30}
    assert {item.inbox.has_transcription for item in month.voicemails} == {True, False}
    assert all(item.transcript_at is None for item in month.voicemails if not item.inbox.has_transcription)


def test_engagements_are_kept_in_order_of_their_start(month):
    assert all(one.start <= other.start for one, other in pairwise(month.engagements))


@pytest.mark.parametrize("wrong", [{"days": 0}, {"engagements_per_day": -1}])
def test_a_senseless_specification_is_refused(spec, wrong):
    with pytest.raises(ValueError, match="at least one day"):
        replace(spec, **wrong)


def test_an_account_without_load_has_only_conversations_open_for_weeks(spec):
    quiet = Account.generate(replace(spec, engagements_per_day=0))
    assert {item.scenario for item in quiet.engagements} == {"open_for_weeks"}
