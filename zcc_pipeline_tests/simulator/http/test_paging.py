"""Page sizes, page tokens, totals."""

from __future__ import annotations

from typing import Any

import pytest

from zcc_pipeline_tests.simulator.http.conftest import Serve
from zcc_pipeline_tests.simulator.http.reader import Reader

WINDOW = {"from": "2026-11-18T00:00:00Z", "to": "2026-11-21T00:00:00Z"}


@pytest.mark.parametrize(
    ("path", "default", "largest"),
    [
        ("engagements", 10, 100),
        ("engagements/notes", 30, 300),
        ("recordings", 30, 300),
        ("voice_calls", 10, 100),
        ("analytics/log/historical/engagement", 30, 100),
        ("inboxes/messages", 30, 300),
        ("queues", 30, 300),
        ("users", 30, 300),
        ("flows", 30, 100),
    ],
)
def test_page_sizes_have_their_default_and_their_maximum(reader: Reader, path: str, default: int, largest: int) -> None:
    assert reader.get(path).json()["page_size"] == default
    assert reader.get(path, page_size=largest).status_code == 200
    for wrong in (largest + 1, 0, -1, "many"):
        refused = reader.get(path, page_size=wrong)
        assert (refused.status_code, refused.json()["code"]) == (400, 300)
        assert refused.json()["errors"][0]["field"] == "page_size"


def test_pages_join_to_the_announced_total_without_a_double(reader: Reader) -> None:
    pages = list(reader.pages("engagements", **WINDOW, page_size=37))
    found = [row["engagement_id"] for page in pages for row in page["engagements"]]
    assert {page["total_records"] for page in pages} == {len(found)}
    assert len(set(found)) == len(found) > 200
    assert [len(page["engagements"]) for page in pages[:-1]] == [37] * (len(pages) - 1)


def test_recordings_announce_no_total(reader: Reader) -> None:
    assert all("total_records" not in page for page in reader.pages("recordings", **WINDOW))


def test_the_last_page_has_an_empty_token(reader: Reader) -> None:
    assert list(reader.pages("queues"))[-1]["next_page_token"] == ""


def test_a_token_is_bound_to_its_filters(reader: Reader) -> None:
    token = reader.get("engagements", **WINDOW).json()["next_page_token"]
    refused = reader.get("engagements", **WINDOW, channel="voice", next_page_token=token)
    assert (refused.status_code, refused.json()["code"]) == (400, 300)
    assert "other filters" in refused.json()["message"]
    assert reader.get("engagements", **WINDOW, page_size=50, next_page_token=token).status_code == 200


def test_a_token_of_another_list_or_of_nobody_is_refused(reader: Reader) -> None:
    token = reader.get("engagements", **WINDOW).json()["next_page_token"]
    for path, wrong in (("recordings", token), ("engagements", "abc"), ("engagements", token[:-4] + "AAAA")):
        refused = reader.get(path, **WINDOW, next_page_token=wrong)
        assert (refused.status_code, refused.json()["code"]) == (400, 300)


def test_a_token_dies_after_its_lifetime(serve: Serve) -> None:
    reader = serve(page_token_lifetime_seconds=0.05)
    token = reader.get("engagements", **WINDOW).json()["next_page_token"]
    assert_expired(reader, token)


def assert_expired(reader: Reader, token: str) -> None:
    answer: Any = None
    while answer is None or answer.status_code == 200:  # until its lifetime is over; the test's own time limit ends it
        answer = reader.get("engagements", **WINDOW, next_page_token=token)
    assert (answer.status_code, answer.json()["code"]) == (400, 300)
    assert "expired" in answer.json()["message"]


def test_all_pages_of_a_listing_show_one_moment(serve: Serve) -> None:
    reader = serve()
    first = reader.get("engagements", **WINDOW, page_size=100).json()
    reader.control("advance", days=9)
    rest = reader.get("engagements", **WINDOW, page_size=100, next_page_token=first["next_page_token"]).json()
    assert rest["total_records"] == first["total_records"]
    assert reader.get("engagements", **WINDOW).json()["total_records"] > first["total_records"]


def test_per_engagement_messages_say_whether_there_are_more(reader: Reader) -> None:
    rows = [row for page in reader.pages("engagements", **WINDOW, channel="messaging") for row in page["engagements"]]
    page = reader.get("messaging/messages", engagement_id=rows[0]["engagement_id"], page_size=1).json()
    assert page["has_more"] is True
    assert page["next_page_token"]
    assert "total_records" not in page
