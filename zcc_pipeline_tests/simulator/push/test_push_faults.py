"""Events that are lost, doubled, late, out of order, wrongly signed, foreign or garbage: and the truth of each."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import Any

import pytest

from zcc_pipeline.simulator.zoom.push.faults import CHANCES, PushFaultKind, PushFaults
from zcc_pipeline_tests.simulator.push.conftest import Sender
from zcc_pipeline_tests.simulator.push.receiver import SECRET, TOKEN, Receiver
from zcc_pipeline_tests.simulator.push.test_webhooks import identity

Json = dict[str, Any]
ENDED = ["contact_center.engagement_ended"]


def of_webhook(row: Json) -> Json:
    found: Json = row["routes"]["webhook"]
    return found


def only(kind: str, share: float = 0.3) -> Json:
    return {"chances": {kind: share}, "max_late_seconds": 3600}


def arrived(receiver: Receiver) -> Counter[str]:
    """Identities of what was rightly signed and is JSON of an event."""
    found: Counter[str] = Counter()
    for post in receiver.events:
        if post.is_signed and post.event.startswith("contact_center."):
            found[identity(post.body)] += 1
    return found


def test_a_lost_event_is_never_sent_and_the_truth_names_exactly_those(sender: Sender, receiver: Receiver) -> None:
    result = sender.push(receiver, faults=only("lost"))
    truth = sender.truth()["events"]
    lost = {row["identity"] for row in truth if of_webhook(row)["is_lost"]}
    assert 0.2 * len(truth) < len(lost) == result["faults"]["lost"] < 0.4 * len(truth)
    assert {row["identity"] for row in truth} - set(arrived(receiver)) == lost
    assert all(of_webhook(row)["sent"] == 0 for row in truth if row["identity"] in lost)


def test_a_doubled_event_comes_twice_with_the_same_bytes(sender: Sender, receiver: Receiver) -> None:
    sender.push(receiver, faults=only("doubled"))
    doubled = {row["identity"] for row in sender.truth()["events"] if of_webhook(row)["is_doubled"]}
    assert doubled
    assert {key for key, count in arrived(receiver).items() if count == 2} == doubled
    assert len({post.body for post in receiver.events}) == len(arrived(receiver))


def test_a_late_event_comes_after_its_delay_by_the_faster_clock(sender: Sender, receiver: Receiver) -> None:
    began = time.monotonic()
    result = sender.push(receiver, faults=only("late", 0.1), speed=3600)
    late = {row["identity"]: of_webhook(row)["late_seconds"] for row in sender.truth()["events"]}
    late = {key: seconds for key, seconds in late.items() if seconds}
    assert len(late) == result["faults"]["late"] > 0
    assert all(60 <= seconds <= 3600 for seconds in late.values())
    came = {identity(post.body): post.at - began for post in receiver.posts}
    assert all(came[key] >= seconds / 3600 - 0.002 for key, seconds in late.items())


def test_first_tries_are_over_before_late_events_come(sender: Sender, receiver: Receiver) -> None:
    faults = {"chances": {"late": 0.3}, "max_late_seconds": 90}
    early = sender.push(receiver, faults=faults, only=ENDED, speed=20, wait_for="first_tries")
    assert not early["is_settled"]
    assert early["pending"] == early["faults"]["late"]
    assert len(receiver.posts) == early["counts"]["webhook"]["events"] - early["pending"]
    sender.until_settled()
    assert len(receiver.posts) == early["counts"]["webhook"]["events"]


def test_reordered_events_are_overtaken_and_none_is_missing(sender: Sender, receiver: Receiver) -> None:
    sender.push(receiver, faults=only("reordered"), concurrency=1)
    told = [json.loads(post.body)["event_ts"] for post in receiver.posts]
    assert told != sorted(told)
    assert set(arrived(receiver)) == {row["identity"] for row in sender.truth()["events"]}


def test_a_wrongly_signed_event_is_refused_and_never_arrives(sender: Sender, receiver: Receiver) -> None:
    result = sender.push(receiver, faults=only("wrong_signature"))
    wrong = [row for row in sender.truth()["events"] if of_webhook(row)["wrongly_signed"]]
    assert len(wrong) == result["faults"]["wrong_signature"] == result["counts"]["webhook"]["refused"] > 0
    assert all(of_webhook(row) | {"sent": 1, "accepted": 0} == of_webhook(row) for row in wrong)
    assert not {row["identity"] for row in wrong} & set(arrived(receiver))


def test_a_stale_webhook_is_rightly_signed_an_hour_ago(sender: Sender, receiver: Receiver) -> None:
    sender.push(receiver, faults=only("stale_timestamp"))
    now = max(int(post.headers["x-zm-request-timestamp"]) for post in receiver.posts)
    old = [post for post in receiver.posts if now - int(post.headers["x-zm-request-timestamp"]) > 3000]
    assert all(post.is_signed for post in old)
    stale = {row["identity"] for row in sender.truth()["events"] if of_webhook(row)["stale"]}
    assert {identity(post.body) for post in old} == stale != set()


def test_events_of_another_account_are_extra_and_told_apart(sender: Sender, receiver: Receiver) -> None:
    sender.push(receiver, faults=only("foreign_account"))
    truth, own = sender.truth(), sender.sim.standin.account.population.account_id
    foreign = [post for post in receiver.posts if json.loads(post.body)["payload"]["account_id"] != own]
    assert all(post.is_signed for post in foreign)
    assert {identity(post.body) for post in foreign} == {row["identity"] for row in truth["foreign"]} != set()
    assert len(receiver.posts) == len(truth["events"]) + len(foreign)
    ids = {row["engagement_id"] for row in truth["events"]} - {None}
    assert not ids & {row["engagement_id"] for row in truth["foreign"]}


def test_garbage_is_signed_and_is_no_event(sender: Sender, receiver: Receiver) -> None:
    sender.push(receiver, faults=only("garbage"))
    garbage = [post for post in receiver.posts if not post.event.startswith("contact_center.")]
    assert len(garbage) == sender.truth()["garbage"] > 0
    assert all(post.is_signed for post in garbage)
    assert len({post.body[:2] for post in garbage}) >= 4


def test_the_same_seed_fails_in_the_same_way_and_another_in_another(sender: Sender, receiver: Receiver) -> None:
    faults = {"profile": "harsh", "max_late_seconds": 600}
    some = ["contact_center.engagement_started", *ENDED, "contact_center.engagement_note_added"]
    first = sender.push(receiver, faults=faults, only=some)
    lost = {row["identity"] for row in sender.truth()["events"] if of_webhook(row)["is_lost"]}
    second = sender.push(receiver, faults=faults, only=some)
    assert first["faults"] == second["faults"]
    assert {row["identity"] for row in sender.truth()["events"] if of_webhook(row)["is_lost"]} == lost
    third = sender.push(receiver, faults=faults | {"seed": 5}, only=some)
    assert third["faults"] != first["faults"]


def test_harsh_loses_nearly_a_third_doubles_a_tenth_and_delays_a_fifth_of_the_rest() -> None:
    faults, counts = PushFaults(chances=CHANCES["harsh"], seed=3), Counter[str]()
    for number in range(5000):
        faults.fate("webhook", f"event-{number}", counts)
    assert counts[PushFaultKind.LOST] / 5000 == pytest.approx(0.3, abs=0.03)
    assert counts[PushFaultKind.DOUBLED] / 3500 == pytest.approx(0.1, abs=0.03)
    assert counts[PushFaultKind.LATE] / 3500 == pytest.approx(0.2, abs=0.03)


def test_with_everything_going_wrong_what_arrived_is_what_the_truth_says(sender: Sender, receiver: Receiver) -> None:
    result = sender.push(receiver, faults={"profile": "harsh", "max_late_seconds": 600})
    truth, came = sender.truth(), arrived(receiver)
    told = {row["identity"]: of_webhook(row)["accepted"] for row in truth["events"] + truth["foreign"]}
    assert {key: count for key, count in told.items() if count} == came
    assert result["counts"]["webhook"]["sent"] == len(receiver.posts)


def test_one_profile_may_have_single_chances_changed_and_nonsense_is_refused(
    sender: Sender, receiver: Receiver
) -> None:
    result = sender.push(receiver, faults={"profile": "harsh", "chances": {"lost": 1}})
    assert result["counts"]["webhook"]["sent"] == 0
    told = {"webhook_url": receiver.url, "secret": SECRET}
    for wrong in ({"faults": "awful"}, {"faults": {"chances": {"eaten": 1}}}, {"nonsense": 1}, {"wait_for": "me"}):
        assert sender.refused("push", **told, **wrong).status_code == 422
    for wrong in ({}, {"webhook_url": receiver.url}, {"flow_url": receiver.url}, told | {"speed": 0}):
        assert sender.refused("push", **wrong).status_code == 422
    assert sender.refused("push", **told, from_="2026-11-20T00:00:00").status_code == 422


def test_a_flow_s_post_has_a_bearer_token_and_is_sent_once(sender: Sender, receiver: Receiver) -> None:
    def check(post: Any) -> int:
        return 202 if post.headers["authorization"] == f"Bearer {TOKEN}" else 401

    receiver.answer = check
    result = sender.control(
        "push", flow_url=receiver.url, flow_token=TOKEN, speed=10_000, faults=only("wrong_signature", 0.2)
    )
    counts = result["counts"]["flow"]
    assert counts["sent"] == counts["events"] == len(receiver.posts) > 10
    assert counts["refused"] == result["faults"]["wrong_signature"] > 0
    assert {post.headers["content-type"] for post in receiver.posts} == {"application/json"}
    keys = {json.loads(post.body)["idempotency_key"] for post in receiver.posts}
    assert keys == {row["identity"] for row in sender.truth()["events"]}
    receiver.answer = lambda _post: 503
    again = sender.control("push", flow_url=receiver.url, flow_token=TOKEN)["counts"]["flow"]
    assert (again["sent"], again["given_up"]) == (again["events"], again["events"])


def test_flows_without_the_script_can_be_named(sender: Sender, receiver: Receiver) -> None:
    receiver.answer = lambda _post: 200
    sender.control(
        "push", flow_url=receiver.url, flow_token=TOKEN, flows_without_script=["Main line", "Website chat", "Text us"]
    )
    names = {json.loads(post.body)["flow_name"] for post in receiver.posts}
    assert names
    assert names <= {"After-hours line", "Website video", "WhatsApp"}
