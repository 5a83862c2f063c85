"""What the doctor says of routes: events nobody subscribed, silent flows, intakes without settings."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.domain.records import RecordChunk
from zcc_pipeline.pipeline.coverage import land_coverage
from zcc_pipeline.pipeline.doctor import Finding, Verdict
from zcc_pipeline.pipeline.route_check import DECISION_TABLE, examine_routes
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.reconciliation import Expected, Pushed, compare
from zcc_pipeline.reconciliation.coverage import ENGAGEMENT_ENDED, FLOW_CLOSED, NOTE_ADDED
from zcc_pipeline_tests.received import pushed, receive
from zcc_pipeline_tests.unit.pipeline.homes import NOW, days_ago, land, open_home

DAY = days_ago(1)
THEN = datetime(DAY.year, DAY.month, DAY.day, 9, tzinfo=UTC)
PAGE = Path(__file__).parents[3] / "docs" / "choosing-a-route.md"


def examined(runtime: Runtime) -> list[Finding]:
    return list(examine_routes(runtime))


def cover(runtime: Runtime, *, pushed: int) -> None:
    """Ten engagements with a note each; events of their end only, and of so many."""
    ids = [f"e{number}" for number in range(10)]
    expected = [Expected(event, one, one, DAY, THEN) for event in (ENGAGEMENT_ENDED, NOTE_ADDED) for one in ids]
    arrived = [Pushed(ENGAGEMENT_ENDED, one, one, DAY, THEN, "webhook", 1) for one in ids[:pushed]]
    land_coverage(runtime, compare(expected, arrived, first_seen={ENGAGEMENT_ENDED: DAY}))


def land_flow_event(runtime: Runtime, engagement_id: str) -> None:
    body: dict[str, Any] = {"type": "engagement_closed", "engagement_id": engagement_id, "flow_id": "sales"}
    with runtime.lake.writer(DATASETS["zoom/events"]) as writer:
        writer.add(
            RecordChunk(
                "zoom/events",
                FLOW_CLOSED,
                "flow",
                THEN,
                "b",
                ["k"],
                [json.dumps(body).encode()],
                [engagement_id],
                [None],
            )
        )
        writer.commit()


def land_engagements(runtime: Runtime, flow_id: str, count: int) -> None:
    for number in range(count):
        payload: dict[str, object] = {
            "engagement_id": f"{flow_id}{number}",
            "start_time": f"{DAY}T09:00:00Z",
            "end_time": f"{DAY}T09:{number:02}:00Z",
            "direction": "inbound",
            "flows": [{"flow_id": flow_id, "flow_name": flow_id.title()}],
        }
        land(runtime, "zoom/engagements", f"{flow_id}{number}", payload, day=DAY, shape="list")


def test_without_any_intake_it_says_that_polling_is_all_there_is(tmp_path: Path) -> None:
    with open_home(tmp_path) as runtime:
        (push,) = examined(runtime)
    assert (push.topic, push.verdict) == ("push", Verdict.OK)
    assert "ZCC_WEBHOOK_SECRET_TOKENS" in push.remedy


def test_intakes_that_are_not_set_up_are_named(tmp_path: Path) -> None:
    with open_home(tmp_path, webhook_secret_tokens=("secret",)) as runtime:
        push, _ = examined(runtime)
    assert push.text == "not set: ZCC_WEBSOCKET_URL, ZCC_FLOW_TOKENS"


@pytest.mark.parametrize("intake", ["webhook_secret_tokens", "flow_tokens"])
def test_an_intake_that_is_set_up_and_never_heard_anything_is_a_warning(tmp_path: Path, intake: str) -> None:
    with open_home(tmp_path, **{intake: ("secret",)}) as runtime:
        _, receiver = examined(runtime)
    assert (receiver.topic, receiver.verdict) == ("receiver", Verdict.WARNING)
    assert "`zcc receive`" in receiver.remedy


def test_a_receiver_that_heard_nothing_for_long_in_business_hours_is_named_and_a_question_of_zooms_is_a_word(
    tmp_path: Path,
) -> None:
    """It is Sunday noon; from Friday 13:00 on there were five business hours, four are too many."""
    friday = NOW - timedelta(days=1, hours=23)
    verdicts = []
    with open_home(tmp_path) as runtime:
        for last_word in (None, friday + timedelta(hours=3)):
            receive(runtime.config.inbox_url, pushed("engagement_ended", {}, friday), challenge_at=last_word)
            (receiver,) = [one for one in examined(runtime) if one.topic == "receiver"]
            verdicts.append(receiver.verdict)
    assert verdicts == [Verdict.WARNING, Verdict.OK]


@pytest.mark.parametrize(("minutes", "is_told"), [(29, False), (31, True)])
def test_events_that_nobody_applies_are_told(tmp_path: Path, minutes: int, *, is_told: bool) -> None:
    at = NOW - timedelta(minutes=minutes)
    with open_home(tmp_path) as runtime:
        receive(runtime.config.inbox_url, pushed("engagement_ended", {}, at), pushed("engagement_ended", {"a": 1}, NOW))
        told = [one.text for one in examined(runtime) if one.topic == "events"]
    assert told == (["2 received events wait to be applied, the first since 2026-11-22 11:29 UTC"] if is_told else [])


def test_events_never_received_and_events_that_often_fail_are_named(tmp_path: Path) -> None:
    with open_home(tmp_path) as runtime:
        cover(runtime, pushed=7)
        found = [one for one in examined(runtime) if one.topic == "events"]
    assert [one.verdict for one in found] == [Verdict.WARNING, Verdict.WARNING]
    assert "engagement_note_added was never received although polling found 10" in found[0].text
    assert "70.0% of the 10 due" in found[1].text


def test_polling_alone_is_no_reason_to_warn_of_events(tmp_path: Path) -> None:
    with open_home(tmp_path) as runtime:
        cover(runtime, pushed=0)
        assert [one.topic for one in examined(runtime)] == ["push"]


def test_flows_without_a_script_are_named(tmp_path: Path) -> None:
    with open_home(tmp_path) as runtime:
        cover(runtime, pushed=10)
        land_engagements(runtime, "sales", 5)
        land_engagements(runtime, "support", 6)
        land_flow_event(runtime, "sales4")
        (flow,) = [one for one in examined(runtime) if one.topic == "flows"]
    assert flow.text == "flow Support: never sent an event (0 of 6 engagements did)"


def test_where_flow_events_are_set_up_and_none_ever_came_every_flow_is_named(tmp_path: Path) -> None:
    with open_home(tmp_path, flow_tokens=("token",)) as runtime:
        land_engagements(runtime, "sales", 5)
        (flow,) = [one for one in examined(runtime) if one.topic == "flows"]
    assert flow.text == "flow Sales: never sent an event (0 of 5 engagements did)"


def test_the_page_on_routes_holds_the_doctors_table() -> None:
    page = PAGE.read_text()
    for route in DECISION_TABLE:
        assert f"| {route.situation} | {route.way} | {route.needs} |" in page
