"""Each fault as a client meets it; bounded and repeatable."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from zcc_pipeline.simulator.zoom.faults import PROFILES, FaultKind, Faults
from zcc_pipeline_tests.simulator.http.conftest import Serve
from zcc_pipeline_tests.simulator.http.reader import Reader

WINDOW = {"from": "2026-11-18T00:00:00Z", "to": "2026-11-21T00:00:00Z"}


def always(reader: Reader, kind: FaultKind, **bounds: Any) -> None:
    """From now on this fault strikes every call it can."""
    reader.control("faults", chances={kind: 1.0}, **bounds)


def bench(reader: Reader, size: int) -> str:
    return f"{reader.sim.api_url}/contact_center/recording/download/bench-{size}"


def test_nothing_goes_wrong_without_a_profile(reader: Reader) -> None:
    for _ in range(50):
        assert reader.get("queues").status_code == 200
    assert reader.state()["faults"] == {}


def test_a_server_error_strikes_a_call_only_so_often(serve: Serve) -> None:
    reader = serve()
    always(reader, FaultKind.SERVER_ERROR, per_call=2)
    statuses = [reader.get("queues").status_code for _ in range(4)]
    assert set(statuses[:2]) <= {500, 502, 503}
    assert statuses[2:] == [200, 200]
    assert reader.state()["faults"] == {"server_error": 2}


def test_a_reset_in_mid_body_breaks_the_connection(serve: Serve) -> None:
    reader = serve()
    always(reader, FaultKind.CONNECTION_RESET)
    with pytest.raises(httpx.ReadError, match="reset"):
        reader.get("queues")
    assert reader.get("queues").status_code == 200


def test_a_short_body_ends_before_its_content_length(serve: Serve) -> None:
    reader = serve()
    always(reader, FaultKind.SHORT_BODY)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
        reader.get("queues")
    assert reader.get("queues").status_code == 200


def test_a_slow_drip_arrives_whole_in_the_end(serve: Serve) -> None:
    reader = serve(drip_seconds=0.4)
    whole = reader.get("queues").content
    always(reader, FaultKind.SLOW_DRIP)
    slow = reader.get("queues")
    assert slow.content == whole
    assert slow.elapsed.total_seconds() >= 0.3


def test_a_file_that_drips_comes_in_pieces_and_whole_in_the_end(serve: Serve) -> None:
    reader = serve(drip_seconds=0.4)
    address = reader.download(bench(reader, 5_000)).headers["Location"]
    always(reader, FaultKind.SLOW_DRIP)
    with httpx.stream("GET", address) as slow:
        pieces = list(slow.iter_raw())
    assert len(pieces) > 1
    assert sum(map(len, pieces)) == 5_000


def test_a_maintenance_page_comes_with_status_200(serve: Serve) -> None:
    reader = serve()
    always(reader, FaultKind.HTML_PAGE)
    page = reader.get("queues")
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert b"<html>" in page.content
    assert reader.get("queues").json()["queues"]


def test_another_app_may_use_up_the_second(serve: Serve) -> None:
    reader = serve()
    always(reader, FaultKind.RATE_LIMITED_BY_OTHERS)
    assert reader.get("queues").status_code == 429
    assert reader.get("queues").status_code == 200
    assert reader.state()["rate_limited"] == {"MEDIUM": 1}


def test_a_duplicate_row_costs_no_other_row(serve: Serve) -> None:
    reader = serve()
    clean = [row["engagement_id"] for page in reader.pages("engagements", **WINDOW) for row in page["engagements"]]
    always(reader, FaultKind.DUPLICATE_ROWS)
    pages = [[row["engagement_id"] for row in page["engagements"]] for page in reader.pages("engagements", **WINDOW)]
    assert pages[1][0] == pages[0][-1]
    assert list(dict.fromkeys(found for page in pages for found in page)) == clean
    assert sum(map(len, pages)) > len(clean)


def test_a_repeated_token_breaks_a_listing_once_and_a_fresh_one_works(serve: Serve) -> None:
    reader = serve()
    always(reader, FaultKind.REPEATED_PAGE_TOKEN)
    first = reader.get("engagements", **WINDOW).json()["next_page_token"]
    assert reader.get("engagements", **WINDOW, next_page_token=first).json()["next_page_token"] == first
    found = [row["engagement_id"] for page in reader.pages("engagements", **WINDOW) for row in page["engagements"]]
    assert len(set(found)) == len(found) > 100


def test_a_page_token_may_die_early_once_and_a_fresh_listing_works(serve: Serve) -> None:
    reader = serve()
    always(reader, FaultKind.EXPIRED_PAGE_TOKEN)
    token = reader.get("engagements", **WINDOW).json()["next_page_token"]
    refused = reader.get("engagements", **WINDOW, next_page_token=token)
    assert (refused.status_code, refused.json()["code"]) == (400, 300)
    assert len(list(reader.pages("engagements", **WINDOW))) > 10


def test_a_token_is_revoked_early_and_a_new_one_works(serve: Serve) -> None:
    reader = serve()
    reader.control("faults", calls_per_token=3)
    statuses = [reader.get("queues").status_code for _ in range(4)]
    assert statuses == [200, 200, 401, 401]
    reader.token = reader.new_token()
    assert reader.get("queues").status_code == 200
    assert reader.state()["faults"] == {"token_revoked": 1}


def test_the_server_s_date_can_be_wrong(serve: Serve) -> None:
    reader = serve()
    reader.control("faults", clock_skew_seconds=97)
    sent = parsedate_to_datetime(reader.get("queues").headers["Date"])
    assert 90 < (sent - datetime.now(UTC)).total_seconds() < 100


def test_a_file_may_be_404_first_and_there_then(serve: Serve) -> None:
    reader = serve()
    always(reader, FaultKind.NOT_YET_THERE)
    recordings = reader.get("recordings", **WINDOW).json()["recordings"]
    assert reader.download(recordings[0]["download_url"]).status_code == 404
    again = reader.get("recordings", **WINDOW).json()["recordings"]
    assert reader.download(again[0]["download_url"]).status_code == 302


def test_an_engagement_that_just_ended_may_be_missing_or_empty_first(serve: Serve) -> None:
    reader = serve()
    engagements = reader.get("engagements", **WINDOW).json()["engagements"]
    reader.control("faults", chances={FaultKind.NOT_YET_THERE: 1.0})
    old = engagements[0]["engagement_id"]
    assert reader.get(f"engagements/{old}").json()["engagement_id"] == old
    fresh = wait_for_a_fresh_one(reader)
    assert reader.get(f"engagements/{fresh}").json() == {}
    assert reader.get(f"engagements/{fresh}").json()["engagement_id"] == fresh
    assert reader.get(f"engagements/{fresh}/survey").json()["code"] == 2901


def wait_for_a_fresh_one(reader: Reader) -> str:
    """Move the account to where an open engagement has just become visible."""
    truth = httpx.get(f"{reader.sim.control_url}/truth").json()
    now = datetime.fromisoformat(truth["as_of"])
    ends = {row["engagement_id"]: row["end_time"] for row in truth["engagements"] if not row["is_closed"]}
    found = min(ends, key=lambda each: ends[each])
    reader.control("advance", seconds=(datetime.fromisoformat(ends[found]) - now).total_seconds() + 61)
    return found


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.CONNECTION_RESET, httpx.ReadError),
        (FaultKind.SHORT_BODY, httpx.RemoteProtocolError),
    ],
)
def test_a_broken_download_can_be_resumed_where_it_broke(serve: Serve, kind: FaultKind, error: type[Exception]) -> None:
    reader = serve()
    size = 3_000_000
    target = reader.download(bench(reader, size)).headers["Location"]
    always(reader, kind)
    chunks: list[bytes] = []
    with httpx.stream("GET", target) as file, pytest.raises(error):
        chunks.extend(file.iter_raw())
    received, etag = b"".join(chunks), file.headers["ETag"]
    assert 0 < len(received) < size
    rest = httpx.get(target, headers={"Range": f"bytes={len(received)}-", "If-Range": etag})
    assert rest.status_code == 206
    assert len(received + rest.content) == size
    always(reader, FaultKind.SLOW_DRIP, per_call=0)
    assert received + rest.content == httpx.get(target).content


@pytest.mark.parametrize("kind", [FaultKind.SERVER_ERROR, FaultKind.HTML_PAGE, FaultKind.RATE_LIMITED_BY_OTHERS])
def test_the_file_host_has_its_own_bad_moments(serve: Serve, kind: FaultKind) -> None:
    reader = serve()
    target = reader.download(bench(reader, 1000)).headers["Location"]
    always(reader, kind)
    first, second = httpx.get(target), httpx.get(target)
    assert first.status_code >= 500 or first.headers["Content-Type"] == "text/html"
    assert len(second.content) == 1000


def sane(reader: Reader, call: Callable[[], httpx.Response], tries: int = 6) -> httpx.Response:
    """What any sane client does: a few more tries, a new token on 401."""
    for _ in range(tries):
        try:
            answer = call()
        except httpx.TransportError:
            continue
        if answer.status_code == 401:
            reader.token = reader.new_token()
        elif answer.status_code < 429 and answer.headers["Content-Type"].startswith("application/json"):
            return answer
    raise AssertionError("did not converge")


def listing(reader: Reader, path: str, items: str, **query: Any) -> list[str] | None:
    """All rows of a listing, or ``None`` where its paging broke and it has to be started anew."""
    token, rows, seen = "", [], set()
    while True:
        extra = {"next_page_token": token} if token else {}
        answer = sane(reader, lambda extra=extra: reader.get(path, **query, **extra))
        page = answer.json()
        if answer.status_code == 400 or page["next_page_token"] in seen:
            return None
        rows += [json.dumps(row, sort_keys=True) for row in page[items]]
        token = page["next_page_token"]
        seen.add(token)
        if not token:
            return rows


@pytest.mark.parametrize("profile", ["realistic", "harsh"])
def test_a_sane_client_gets_everything_under_faults(serve: Serve, profile: str) -> None:
    calm = serve()
    expected = listing(calm, "engagements", "engagements", **WINDOW)
    assert expected is not None
    reader = serve(faults=profile, fault_seed=3, drip_seconds=0.05)
    for size in (7, 10, 31, 100):
        attempts = (listing(reader, "engagements", "engagements", **WINDOW, page_size=size) for _ in range(6))
        found = next(rows for rows in attempts if rows is not None)
        assert {engagement_id(row) for row in found} == {engagement_id(row) for row in expected}
    faults = reader.state()["faults"]
    if profile == "harsh":
        assert len(faults) >= 5
        assert sum(faults.values()) > 20


def engagement_id(row: str) -> str:
    return str(json.loads(row)["engagement_id"])


def test_the_same_seed_makes_the_same_calls_fail_in_any_order() -> None:
    calls = [f"call-{number}" for number in range(3000)]
    outcomes = []
    for order in (calls, calls[::-1]):
        faults = Faults(PROFILES["harsh"], seed=5)
        outcomes.append({call: faults.on_transport(call) for call in order})
    assert outcomes[0] == outcomes[1]
    other = Faults(PROFILES["harsh"], seed=6)
    assert {call: other.on_transport(call) for call in calls} != outcomes[0]


@pytest.mark.parametrize("profile", ["realistic", "harsh"])
def test_no_call_suffers_more_than_its_bound(profile: Any) -> None:
    faults = Faults(PROFILES[profile], seed=1)
    struck = Counter(call for _ in range(200) for call in ("a", "b", "c") if faults.on_transport(call))
    assert struck
    assert max(struck.values()) <= PROFILES[profile].per_call


def test_harsh_is_harsher_than_realistic() -> None:
    counts = {}
    for name in ("realistic", "harsh"):
        faults = Faults(PROFILES[name], seed=1)
        for number in range(5000):
            faults.on_transport(f"call-{number}")
        counts[name] = sum(faults.counts.values())
    assert 0 < counts["realistic"] * 5 < counts["harsh"] < 1000


def test_other_counts_of_faults_go_on_when_the_profile_changes() -> None:
    faults = Faults(PROFILES["harsh"], seed=1)
    while not faults.counts:
        faults.on_transport("again")
    faults.set_profile(PROFILES["none"])
    assert sum(faults.counts.values()) == 1
    assert faults.on_transport("again") is None
