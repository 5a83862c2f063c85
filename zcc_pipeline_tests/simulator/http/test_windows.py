"""``from``, ``to``, default windows, the month, and the literal Z."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from zcc_pipeline_tests.simulator.http.conftest import Serve
from zcc_pipeline_tests.simulator.http.reader import Reader

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)  # noon after the account's last day


def starts(reader: Reader, path: str = "engagements", field: str = "start_time", **query: Any) -> list[datetime]:
    items = path.rpartition("/")[2]
    return [
        datetime.fromisoformat(row[field]) for page in reader.pages(path, **query, page_size=100) for row in page[items]
    ]


def test_engagements_default_to_the_past_24_hours(reader: Reader) -> None:
    found = starts(reader)
    assert found
    assert min(found) >= NOW - timedelta(hours=24)


def test_recordings_and_voicemails_default_to_the_past_30_days(reader: Reader) -> None:
    recordings = starts(reader, "recordings", "recording_start_time")
    voicemails = starts(reader, "inboxes/messages", "created_at")
    for found in (recordings, voicemails):
        assert min(found) < NOW - timedelta(hours=48)


def test_an_old_engagement_shows_no_recordings_without_a_window(serve: Serve) -> None:
    reader = serve()
    recording = reader.get("recordings").json()["recordings"][0]
    path = f"engagements/{recording['engagement_id']}/recordings"
    assert reader.get(path).json()["recordings"]
    reader.control("advance", days=31)
    assert reader.get(path).json()["recordings"] == []
    window = {"from": "2026-11-01T00:00:00Z", "to": "2026-11-30T00:00:00Z"}
    assert reader.get(path, **window).json()["recordings"]


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("engagements", {"from": "2026-11-20"}, "to"),
        ("engagements", {"to": "2026-11-20"}, "from"),
        ("recordings", {"from": "2026-11-20T00:00:00Z"}, "to"),
        ("recordings", {"from": "2026-11-20", "to": "2026-11-21"}, "from"),
        ("inboxes/messages", {"from": "2026-11-20"}, "to"),
        ("voice_calls", {"from": "2026-11-20"}, "to"),
        ("analytics/log/historical/engagement", {"end_time_from": "2026-11-20"}, "end_time_to"),
        ("engagements", {"from": "2026-11-20", "to": "2026-11-19"}, "to"),
        ("engagements", {"from": "yesterday", "to": "2026-11-19"}, "from"),
        ("engagements", {"from": "2026-02-30", "to": "2026-03-01"}, "from"),
        ("engagements", {"timezone": "Mars/Olympus"}, "timezone"),
        ("engagements", {"channel": "fax"}, "channel"),
        ("engagements", {"channel_sources": "sms,fax"}, "channel_sources"),
    ],
)
def test_a_wrong_query_is_refused_with_the_field_named(
    reader: Reader, path: str, query: dict[str, str], field: str
) -> None:
    refused = reader.get(path, **query)
    assert (refused.status_code, refused.json()["code"]) == (400, 300)
    assert refused.json()["errors"][0]["field"] == field


def test_a_window_beyond_a_month_is_cut_not_refused(reader: Reader) -> None:
    answer = reader.get("engagements", from_="2026-10-19T00:00:00Z", to="2026-12-31T00:00:00Z").json()
    assert answer["to"] == "2026-11-19T00:00:00Z"
    found = starts(reader, from_="2026-10-19T00:00:00Z", to="2026-12-31T00:00:00Z")
    assert found
    assert max(found) <= datetime(2026, 11, 19, tzinfo=UTC)


def test_both_ends_of_a_window_belong_to_it(reader: Reader) -> None:
    row = reader.get("engagements", from_="2026-11-19", to="2026-11-19").json()["engagements"][0]
    moment = row["start_time"]
    assert reader.get("engagements", from_=moment, to=moment).json()["total_records"] >= 1


def test_plain_dates_are_whole_days(reader: Reader) -> None:
    found = starts(reader, from_="2026-11-19", to="2026-11-19")
    assert found
    assert {moment.date().isoformat() for moment in found} == {"2026-11-19"}


def test_the_z_is_a_literal_and_the_timezone_decides(reader: Reader) -> None:
    ends = {"from_": "2026-11-19T00:00:00Z", "to": "2026-11-19T05:59:59Z"}
    in_utc = starts(reader, **ends)
    in_tokyo = starts(reader, **ends, timezone="Asia/Tokyo")
    assert in_tokyo
    assert max(in_tokyo) < datetime(2026, 11, 18, 21, tzinfo=UTC)
    assert not set(in_utc) & set(in_tokyo)


def test_a_true_offset_is_obeyed_and_the_timezone_only_formats(reader: Reader) -> None:
    plain = starts(reader, from_="2026-11-19T00:00:00Z", to="2026-11-19T06:00:00Z")
    shifted = {"from_": "2026-11-19T09:00:00+09:00", "to": "2026-11-19T15:00:00+09:00"}
    assert starts(reader, **shifted) == plain
    assert starts(reader, **shifted, timezone="Asia/Tokyo") == plain
    row = reader.get("engagements", **shifted, timezone="Asia/Tokyo").json()["engagements"][0]
    assert row["start_time"].endswith("+09:00")


def test_filters_select(reader: Reader) -> None:
    window = {"from_": "2026-11-18", "to": "2026-11-20"}
    everything = [row for page in reader.pages("engagements", **window, page_size=100) for row in page["engagements"]]
    sample = next(row for row in everything if row["queues"] and row["agents"])
    for name, value in {
        "channel": "voice",
        "direction": "outbound",
        "queue_id": sample["queues"][0]["cc_queue_id"],
        "user_id": sample["agents"][0]["user_id"],
        "channel_sources": "sms,whatsapp",
        "channel_types": "voice",
    }.items():
        pages = reader.pages("engagements", **window, page_size=100, **{name: value})
        chosen = [row for page in pages for row in page["engagements"]]
        assert 0 < len(chosen) < len(everything), name
        assert all(row in everything for row in chosen)


def test_the_log_filters_by_end_and_by_start_at_once(reader: Reader) -> None:
    by_end = {"end_time_from": "2026-11-20T00:00:00Z", "end_time_to": "2026-11-20T23:59:59Z", "page_size": 100}
    path = "analytics/log/historical/engagement"
    rows = [row for page in reader.pages(path, **by_end) for row in page["engagement_logs"]]
    assert rows
    assert {row["end_time"][:10] for row in rows} == {"2026-11-20"}
    both = by_end | {"start_time_from": "2026-11-18T00:00:00Z", "start_time_to": "2026-11-19T23:59:59Z"}
    early = [row for page in reader.pages(path, **both) for row in page["engagement_logs"]]
    assert len(early) < len(rows)
    newest = [row for page in reader.pages(path, **by_end, sort_order="desc") for row in page["engagement_logs"]]
    assert [row["engagement_id"] for row in newest] == [row["engagement_id"] for row in rows][::-1]


def test_the_log_counts_milliseconds_where_the_list_counts_seconds(reader: Reader) -> None:
    row = reader.get("analytics/log/historical/engagement").json()["engagement_logs"][0]
    assert row["duration"] == 1000 * reader.get(f"engagements/{row['engagement_id']}").json()["duration"]
