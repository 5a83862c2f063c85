"""Seven ways in which another integration with Contact Center lost data, each with its test.

1. A note saved after the disposition was never read:
   ``test_a_note_that_is_saved_after_the_disposition_arrives``.
2. The same event twice at the same moment made two records:
   ``test_the_same_event_on_many_connections_at_once_is_one_row_and_one_read``.
3. Calls of a queue that nobody had entered into a table were dropped:
   ``test_an_engagement_of_a_queue_that_no_list_names_is_in_the_marts_and_its_queue_too``.
4. A slash at the end of the hook's address led elsewhere:
   ``test_an_address_with_a_slash_at_the_end_brings_events_all_the_same``.
5. Event names that were not spelled as expected were ignored:
   ``test_an_event_whose_name_is_written_otherwise_has_the_same_effect``; more ways of writing in
   ``unit/domain/test_event_catalogue.py``.
6. Requests were refused with 401 and no line in any log:
   ``test_every_refusal_of_a_real_receiver_is_a_line_in_its_log``; each reason for a 401 in
   ``unit/sources/receiver/test_signature.py``.
7. Raw events were kept for a week only:
   ``test_an_event_that_left_the_inbox_is_in_the_lake_for_ever``; how long they stay in the inbox in
   ``test_receiving.py``.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import pytest

from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.inbox import InboxReader
from zcc_pipeline.pipeline.maintenance import compact
from zcc_pipeline_tests.event_senders import signed, zoom_body
from zcc_pipeline_tests.lakes import all_rows
from zcc_pipeline_tests.received import event_body
from zcc_pipeline_tests.receiver_process import receiving as receiver_process
from zcc_pipeline_tests.story import Story, story

pytestmark = pytest.mark.integration


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Story]:
    with story(tmp_path / "home", days=1, per_day=20) as opened:
        yield opened


def post(url: str, body: bytes, *, secret: str | None = None) -> int:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.netloc, timeout=60)
    headers = signed(body) if secret is None else signed(body, secret=secret)
    connection.request("POST", address.path, body, {name.decode(): value.decode() for name, value in headers})
    status = connection.getresponse().status
    connection.close()
    return status


def inbox_rows(home: Path) -> int:
    with InboxReader.open(str(home / "inbox.sqlite")) as reader:
        return len(reader.seqs_after(0, 1000))


def ask(told: Story, sql: str, *values: object) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(told.home / "analytics.duckdb"), read_only=True) as connection:
        return connection.execute(sql, list(values)).fetchall()


def an_engagement(told: Story, having: str) -> dict[str, Any]:
    return next(each for each in told.closed_engagements() if each[having])


def ended(told: Story, engagement_id: str) -> bytes:
    return event_body("engagement_ended", {"engagement_id": engagement_id}, told.clock.now() - timedelta(minutes=5))


@pytest.mark.slow
def test_a_note_that_is_saved_after_the_disposition_arrives(told: Story) -> None:
    """Whether it is announced, or its event is lost and only polling can find it."""
    engagement_id, chosen = (entry := an_engagement(told, "dispositions"))["engagement_id"], entry["dispositions"][0]
    at = told.clock.now() - timedelta(minutes=5)
    with told.receiving() as listening:
        disposition = {"engagement_id": engagement_id, "disposition_id": chosen, "disposition_name": "Sold"}
        assert post(str(listening.webhook_url), event_body("engagement_disposition_added", disposition, at)) == 200
        told.refresh_from_events()
        text = "saved after the disposition"
        note_id = told.control("add-note", engagement_id=engagement_id, text=text)["note_id"]
        note = {"engagement_id": engagement_id, "note_id": note_id, "note": text}
        assert post(str(listening.webhook_url), event_body("engagement_note_added", note, at)) == 200
        told.pass_days(1 / 24)
        told.refresh_from_events()
    told.control("add-note", engagement_id=engagement_id, text="saved later, and its event lost")
    told.pass_days(1 / 24)
    told.pull(only=("engagements",))
    told.build()
    notes = {text for (text,) in ask(told, "select note from engagement_notes where engagement_id = ?", engagement_id)}
    assert {"saved after the disposition", "saved later, and its event lost"} <= notes
    dispositions = ask(
        told, "select disposition_id from engagement_dispositions where engagement_id = ?", engagement_id
    )
    assert (chosen,) in dispositions


@pytest.mark.slow
def test_the_same_event_on_many_connections_at_once_is_one_row_and_one_read(told: Story) -> None:
    engagement_id = told.closed_engagements()[0]["engagement_id"]
    body = ended(told, engagement_id)
    with told.receiving() as listening, ThreadPoolExecutor(16) as senders:
        statuses = list(senders.map(lambda _: post(str(listening.webhook_url), body), range(48)))
    assert statuses == [200] * 48
    assert inbox_rows(told.home) == 1
    assert told.refresh_from_events().refreshed.refreshed == 1
    told.build()
    assert ask(told, "select engagement_id from engagements") == [(engagement_id,)]


@pytest.mark.slow
def test_an_engagement_of_a_queue_that_no_list_names_is_in_the_marts_and_its_queue_too(told: Story) -> None:
    """No list of queues was ever read: what is not known of a queue is no reason to keep an engagement back."""
    wanted = {each["engagement_id"] for each in told.closed_engagements()}
    with told.receiving() as listening:
        assert {post(str(listening.webhook_url), ended(told, each)) for each in wanted} == {200}
    report = told.refresh_from_events()
    assert (report.problems, report.applied.quarantined) == ([], 0)
    told.build()
    assert {key for (key,) in ask(told, "select engagement_id from engagements")} == wanted
    queues = {key for (key,) in ask(told, "select distinct unnest(queue_ids) from engagements")}
    assert queues
    assert set(ask(told, "select cc_queue_id, is_listed from queues")) == {(key, False) for key in queues}
    assert {key for (key,) in ask(told, "select distinct cc_queue_id from queue_daily")} == queues

    told.pull(only=("queues",))
    told.build()
    assert {key for key, is_listed in ask(told, "select cc_queue_id, is_listed from queues") if is_listed} >= queues


def test_an_address_with_a_slash_at_the_end_brings_events_all_the_same(told: Story) -> None:
    engagement_id = told.closed_engagements()[0]["engagement_id"]
    with told.receiving() as listening:
        assert post(f"{listening.webhook_url}/", ended(told, engagement_id)) == 200
    assert told.refresh_from_events().refreshed.refreshed == 1


@pytest.mark.parametrize(
    "written",
    ["contact_center.engagement_note_added ", "Contact_Center.Engagement-Note-Added", "ENGAGEMENT_NOTE_ADDED"],
)
def test_an_event_whose_name_is_written_otherwise_has_the_same_effect(told: Story, written: str) -> None:
    engagement = an_engagement(told, "notes")
    subject = {**engagement["notes"][0], "engagement_id": engagement["engagement_id"]}
    at = told.clock.now() - timedelta(minutes=5)
    body = event_body("note", subject, at).replace(b"contact_center.note", written.encode())
    with told.receiving() as listening:
        assert post(str(listening.webhook_url), body) == 200
    report = told.refresh_from_events()
    assert (report.applied.facts, report.refreshed.refreshed, report.applied.unknown_names) == (1, 1, {})


def test_every_refusal_of_a_real_receiver_is_a_line_in_its_log(tmp_path: Path) -> None:
    with receiver_process(tmp_path / "home") as receiving:
        for number in range(3):
            assert post(receiving.said["webhook_url"], zoom_body(number=number), secret="another") == 401
        assert post(f"http://{receiving.address}/webhooks/zoo", zoom_body()) == 404
        receiving.process.terminate()
        receiving.process.wait(60)
        refused = [line for line in receiving.log_lines() if line["what"] == "refused"]
    assert [(line["status"], line["reason"]) for line in refused] == [(401, "bad_signature")] * 3 + [(404, "not_found")]


def test_an_event_that_left_the_inbox_is_in_the_lake_for_ever(told: Story) -> None:
    engagement_id = told.closed_engagements()[0]["engagement_id"]
    body = ended(told, engagement_id)
    with told.receiving() as listening:
        assert post(str(listening.webhook_url), body) == 200
    told.refresh_from_events()
    assert inbox_rows(told.home) == 1

    told.clock.shift += timedelta(days=15)
    deadline = time.monotonic() + 60
    with told.receiving():  # it tidies up as soon as it starts
        while inbox_rows(told.home):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    told.clock.shift += timedelta(days=400)
    with told.runtime() as runtime:
        compact(runtime)
        compact(runtime)
        (row,) = all_rows(runtime.lake, DATASETS["zoom/events"])
    assert row["payload"].encode() == body
