"""The planner: complete listings, in parallel, whatever goes wrong on the way."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import Any

import httpx
import pytest

from zcc_pipeline.domain.datasets import DATASETS, ENGAGEMENT_LOG, QUEUE_RECORDINGS
from zcc_pipeline.domain.errors import QuotaExhausted, RecordRejected, TransientError, WindowFailed
from zcc_pipeline.domain.window import Window, parse_time
from zcc_pipeline.sources.zoom_api import Listing, poll_catalogue, poll_window


def poll(
    box: Any, *, dataset: str = "zoom/engagements", window: Window | None = None, **config: Any
) -> tuple[Listing, Any]:
    """The listing, and the ids of each record that reached the sink."""
    landed: Counter[str] = Counter()
    more = {key: config.pop(key) for key in ("endpoint", "path_params", "reject") if key in config}

    async def work() -> Listing:
        async with box.api(**config) as api:
            return await poll_window(
                api,
                DATASETS[dataset],
                window or box.day,
                batch_id="batch",
                sink=lambda chunks: landed.update(chunks[0].record_ids),
                **more,
            )

    return box.run(work()), landed


def test_a_small_window_is_listed_page_by_page_without_a_wasted_call(box: Any) -> None:
    box.zoom.rows = box.fill_day(250)
    listing, landed = poll(box)
    assert (listing.rows, listing.announced, listing.pages, listing.api_calls, listing.splits) == (250, 250, 3, 3, 0)
    assert listing.is_complete
    assert set(landed) == {row["engagement_id"] for row in box.zoom.rows}
    assert (len(listing.record_ids), listing.record_ids.missing(list(landed))) == (len(landed), [])
    assert set(landed.values()) == {1}


def test_both_ends_of_the_window_are_sent_a_second_wider_in_full_utc(box: Any) -> None:
    poll(box)
    query = dict(box.zoom.calls()[0].url.params)
    assert query == {
        "from": "2026-02-28T23:59:59Z",
        "to": "2026-03-02T00:00:01Z",
        "timezone": "UTC",
        "page_size": "100",
    }


def test_an_operation_without_a_timezone_is_not_given_one(box: Any) -> None:
    box.zoom.items_key, box.zoom.time_field = "recordings", "recording_start_time"
    poll(box, dataset="zoom/recordings")
    assert "timezone" not in box.zoom.calls()[0].url.params


def test_a_big_day_is_cut_into_parts_that_bring_every_engagement(box: Any) -> None:
    box.zoom.rows = box.fill_day(12_345)
    listing, landed = poll(box)
    assert listing.splits > 1
    assert listing.is_complete
    assert set(landed) == {row["engagement_id"] for row in box.zoom.rows}
    assert (len(listing.record_ids), listing.record_ids.missing(list(landed))) == (len(landed), [])
    assert sum(landed.values()) == listing.rows
    assert listing.rows - 12_345 < 200, "only rows within a second of a cut come twice"
    assert listing.pages == listing.api_calls == len(box.zoom.calls()) < 124 + 1 + listing.splits * 2


def test_a_window_longer_than_zoom_answers_is_asked_for_in_spans(box: Any) -> None:
    window = Window(box.start, box.start + timedelta(days=90))
    box.zoom.rows = [box.engagement(n, box.start + timedelta(hours=n)) for n in range(90 * 24)]
    listing, _ = poll(box, window=window)
    assert len(listing.record_ids) == 90 * 24
    assert listing.is_complete
    for call in box.zoom.calls():
        span = parse_time(call.url.params["to"]) - parse_time(call.url.params["from"])
        assert span <= timedelta(days=28, seconds=2)


def test_a_listing_without_totals_is_cut_by_time_and_still_brings_everything(box: Any) -> None:
    box.zoom.announces, box.zoom.items_key, box.zoom.time_field = False, "recordings", "recording_start_time"
    box.zoom.rows = [
        {"recording_id": f"r{n}", "recording_start_time": row["start_time"], "engagement_id": "e"}
        for n, row in enumerate(box.fill_day(4_000))
    ]
    listing, landed = poll(box, dataset="zoom/recordings")
    assert listing.splits > 1
    assert listing.announced is None
    assert listing.is_complete
    assert len(landed) == 4_000


def test_a_page_token_that_repeats_restarts_its_window_and_a_fresh_listing_may_work(box: Any) -> None:
    box.zoom.rows = box.fill_day(250)
    broken = iter([True])

    def repeat_once(request: httpx.Request) -> httpx.Response | None:
        if request.url.params.get("next_page_token") == "100" and next(broken, False):
            page = {"engagements": box.zoom.rows[100:200], "next_page_token": "100", "total_records": 250}
            return httpx.Response(200, json=page)
        return None

    box.zoom.meddle = repeat_once
    listing, landed = poll(box)
    assert listing.is_complete
    assert len(landed) == 250


def test_a_page_token_that_always_repeats_fails_its_window_loudly(box: Any) -> None:
    def repeat(request: httpx.Request) -> httpx.Response | None:
        if "/oauth/" in request.url.path:
            return None
        token = request.url.params.get("next_page_token", "0")
        rows = [box.engagement(int(token), box.start)]
        return httpx.Response(200, json={"engagements": rows, "next_page_token": "1", "total_records": 9})

    box.zoom.meddle = repeat
    with pytest.raises(WindowFailed, match="page token repeats on page 2"):
        poll(box)
    assert len(box.zoom.calls()) < 150


def test_a_page_that_comes_again_under_new_tokens_fails_its_window_loudly(box: Any) -> None:
    numbers = iter(range(10_000))

    def same_page_for_ever(request: httpx.Request) -> httpx.Response | None:
        if "/oauth/" in request.url.path:
            return None
        # Download addresses are made anew for each answer, so the bytes differ although the records are the same.
        rows = [box.engagement(1, box.start, download_url=f"https://zoom.test/{next(numbers)}")]
        return httpx.Response(200, json={"engagements": rows, "next_page_token": f"t{next(numbers)}"})

    box.zoom.meddle = same_page_for_ever
    with pytest.raises(WindowFailed, match="have come before"):
        poll(box)


def test_empty_pages_that_promise_more_for_ever_fail_their_window(box: Any) -> None:
    numbers = iter(range(10_000))

    def nothing_but_more(request: httpx.Request) -> httpx.Response | None:
        if "/oauth/" in request.url.path:
            return None
        return httpx.Response(200, json={"engagements": [], "next_page_token": f"t{next(numbers)}"})

    box.zoom.meddle = nothing_but_more
    with pytest.raises(WindowFailed, match="page repeats"):
        poll(box)


def test_a_dead_page_token_restarts_the_window_and_not_the_run(box: Any) -> None:
    box.zoom.rows = box.fill_day(900)
    deaths = iter([True, True])

    def die_twice(request: httpx.Request) -> httpx.Response | None:
        if request.url.params.get("next_page_token") == "200" and next(deaths, False):
            return httpx.Response(400, json={"code": 300, "message": "The next page token is invalid."})
        return None

    box.zoom.meddle = die_twice
    listing, landed = poll(box, max_concurrency=1)
    assert listing.is_complete
    assert len(landed) == 900


def test_a_token_that_dies_at_every_length_ends_in_an_error_and_not_in_a_loop(box: Any) -> None:
    box.zoom.rows = box.fill_day(3_000)

    def no_second_page(request: httpx.Request) -> httpx.Response | None:
        if "next_page_token" in request.url.params:
            return httpx.Response(400, json={"code": 300, "message": "The next page token is invalid."})
        return None

    box.zoom.meddle = no_second_page
    with pytest.raises(TransientError, match="page token refused"):
        poll(box, max_concurrency=1)
    assert len(box.zoom.calls()) < 100


def test_page_tokens_stay_with_the_filters_they_were_given_for(box: Any) -> None:
    box.zoom.rows = box.fill_day(5_000)
    given: dict[str, str] = {}
    inner = box.zoom._list

    def bound(params: httpx.QueryParams) -> httpx.Response:
        filters = f"{params['from']}|{params['to']}|{params['page_size']}|{params['timezone']}"
        token = params.get("next_page_token")
        if token is not None:
            assert given[token] == filters
            params = params.set("next_page_token", token.rpartition(":")[2])
        body = json.loads(inner(params).content)
        if body["next_page_token"]:
            body["next_page_token"] = f"{filters}:{body['next_page_token']}"
            given[body["next_page_token"]] = filters
        return httpx.Response(200, json=body)

    box.zoom._list = bound
    listing, _ = poll(box)
    assert listing.is_complete
    assert listing.splits > 1


def test_rows_that_never_reach_the_announced_total_make_the_listing_incomplete(box: Any) -> None:
    def one_short(request: httpx.Request) -> httpx.Response | None:
        if "/oauth/" in request.url.path:
            return None
        return httpx.Response(200, json={"engagements": [box.engagement(1, box.start)], "total_records": 2})

    box.zoom.meddle = one_short
    listing, _ = poll(box)
    assert not listing.is_complete
    assert (listing.rows, listing.announced) == (1, 2)


def test_a_listing_cut_short_once_is_listed_anew(box: Any) -> None:
    box.zoom.rows = box.fill_day(250)
    cuts = iter([True])

    def cut(request: httpx.Request) -> httpx.Response | None:
        if request.url.params.get("next_page_token") == "100" and next(cuts, False):
            page = {"engagements": box.zoom.rows[100:150], "next_page_token": "", "total_records": 250}
            return httpx.Response(200, json=page)
        return None

    box.zoom.meddle = cut
    listing, landed = poll(box)
    assert listing.is_complete
    assert len(landed) == 250


def test_a_duplicate_that_hides_a_missing_row_is_looked_through(box: Any) -> None:
    box.zoom.rows = box.fill_day(150)
    hidden = iter([True])

    def hide_one(request: httpx.Request) -> httpx.Response | None:
        if request.url.params.get("next_page_token") == "100" and next(hidden, False):
            rows = [box.zoom.rows[99], *box.zoom.rows[101:]]
            return httpx.Response(200, json={"engagements": rows, "next_page_token": "", "total_records": 150})
        return None

    box.zoom.meddle = hide_one
    listing, landed = poll(box)
    assert listing.is_complete
    assert len(landed) == 150


def test_a_total_that_counts_duplicates_is_taken_at_its_word_the_second_time(box: Any) -> None:
    def twins(request: httpx.Request) -> httpx.Response | None:
        if "/oauth/" in request.url.path:
            return None
        rows = [box.engagement(1, box.start), box.engagement(1, box.start)]
        return httpx.Response(200, json={"engagements": rows, "total_records": 2})

    box.zoom.meddle = twins
    listing, landed = poll(box)
    assert listing.is_complete
    assert listing.rows == 2
    assert set(landed) == {"engagement-0000001"}


def test_a_total_that_grows_while_listing_counts_as_of_the_last_page(box: Any) -> None:
    box.zoom.rows = box.fill_day(150)
    late = box.engagement(999, box.start + timedelta(hours=23))

    def grow(request: httpx.Request) -> None:
        if request.url.params.get("next_page_token") == "100" and late not in box.zoom.rows:
            box.zoom.rows.append(late)

    box.zoom.meddle = grow
    listing, landed = poll(box)
    assert (listing.rows, listing.announced, listing.is_complete) == (151, 151, True)
    assert late["engagement_id"] in landed


def test_rows_lost_between_the_parts_are_found_by_the_announcement_of_the_whole(box: Any) -> None:
    box.zoom.rows = box.fill_day(5_000)
    lost = box.zoom.rows[2_500]
    whole = ("2026-02-28T23:59:59Z", "2026-03-02T00:00:01Z")
    inner = box.zoom._list

    def forgetful(params: httpx.QueryParams) -> httpx.Response:
        kept = box.zoom.rows
        if (params["from"], params["to"]) != whole:
            box.zoom.rows = [row for row in kept if row is not lost]
        try:
            return inner(params)
        finally:
            box.zoom.rows = kept

    box.zoom._list = forgetful
    listing, landed = poll(box)
    assert lost["engagement_id"] in landed
    assert len(listing.record_ids) == 5_000
    assert listing.is_complete


@pytest.mark.parametrize(
    "nonsense",
    [
        httpx.Response(200, html="<html>maintenance</html>"),
        httpx.Response(200, content=b'{"engagements": [{"engagement_id": "x"'),
        httpx.Response(200, content=b""),
        httpx.Response(200, json={"total_records": 5}),
        httpx.Response(200, json={"engagements": {"not": "an array"}}),
        httpx.Response(200, json={"engagements": None}),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"engagements": [], "next_page_token": 7}),
        httpx.Response(200, json={"engagements": [], "has_more": True}),
    ],
)
def test_a_malformed_page_is_asked_for_again_and_then_fails_its_window(box: Any, nonsense: httpx.Response) -> None:
    answers = Counter[str]()

    def malformed(request: httpx.Request) -> httpx.Response | None:
        if "/oauth/" in request.url.path:
            return None
        answers["page"] += 1
        return httpx.Response(nonsense.status_code, headers=nonsense.headers, content=nonsense.content)

    box.zoom.meddle = malformed
    with pytest.raises(WindowFailed):
        poll(box)
    assert answers["page"] == 7

    box.zoom.meddle = lambda request: malformed(request) if answers["page"] < 9 else None
    box.zoom.rows = box.fill_day(10)
    listing, _ = poll(box)
    assert listing.is_complete
    assert listing.api_calls == 3


def test_a_bad_record_costs_itself_and_nobody_else(box: Any) -> None:
    box.zoom.rows = box.fill_day(150)
    box.zoom.rows[30] = {**box.zoom.rows[30], "engagement_id": None}
    rejected: list[Any] = []
    listing, landed = poll(box, reject=rejected.append)
    assert len(landed) == 149
    assert [r.dataset for r in rejected] == ["zoom/engagements"]
    assert json.loads(rejected[0].payload) == box.zoom.rows[30]
    assert listing.is_complete
    assert (listing.rows, listing.rejected) == (150, 1)


def test_without_anybody_to_take_it_a_bad_record_is_an_error(box: Any) -> None:
    box.zoom.rows = [{**box.engagement(1, box.start), "engagement_id": 7}]
    with pytest.raises(RecordRejected):
        poll(box)


def test_a_used_up_day_ends_the_listing_at_once(box: Any) -> None:
    def daily(request: httpx.Request) -> httpx.Response | None:
        if "/oauth/" in request.url.path:
            return None
        return httpx.Response(429, headers={"Retry-After": "2026-03-02T00:00:00Z"}, json={"code": 429, "message": "x"})

    box.zoom.meddle = daily
    with pytest.raises(QuotaExhausted) as caught:
        poll(box)
    assert len(box.zoom.calls()) == 1
    assert caught.value.retry_after_seconds == pytest.approx(86_400, abs=1)


def test_an_error_in_one_part_ends_the_others_and_is_raised_as_it_is(box: Any) -> None:
    box.zoom.rows = box.fill_day(5_000)

    def refuse(request: httpx.Request) -> httpx.Response | None:
        if request.url.params.get("next_page_token") == "300":
            return httpx.Response(403, json={"code": 200, "message": "No permission."})
        return None

    box.zoom.meddle = refuse
    with pytest.raises(Exception, match="403 code 200") as caught:
        poll(box)
    assert not isinstance(caught.value, BaseExceptionGroup)


def test_another_operation_may_list_the_same_dataset(box: Any) -> None:
    box.zoom.items_key, box.zoom.announces, box.zoom.time_field = "recordings", False, "recording_start_time"
    box.zoom.rows = [{"recording_id": "r1", "recording_start_time": "2026-03-01T10:00:00Z"}]
    _, landed = poll(box, dataset="zoom/recordings", endpoint=QUEUE_RECORDINGS, path_params={"queue_id": "a/../b"})
    assert set(landed) == {"r1"}
    assert box.zoom.calls()[0].url.raw_path.startswith(b"/v2/contact_center/queues/a%2F..%2Fb/recordings?")


def test_the_engagement_log_is_asked_by_end_time(box: Any) -> None:
    box.zoom.items_key = "engagement_logs"
    box.zoom.rows = [{"engagement_id": "late", "start_time": "2026-02-01T00:00:00Z"}]
    _, landed = poll(box, endpoint=ENGAGEMENT_LOG)
    query = box.zoom.calls()[0].url.params
    assert query["end_time_from"] == "2026-02-28T23:59:59Z"
    assert query["timezone"] == "UTC"
    assert set(landed) == {"late"}


def test_a_catalogue_is_listed_whole_without_a_window(box: Any) -> None:
    box.zoom.items_key, box.zoom.rows = "queues", [{"cc_queue_id": f"q{n}"} for n in range(650)]

    async def work() -> Listing:
        async with box.api() as api:
            return await poll_catalogue(api, DATASETS["zoom/queues"], batch_id="b", sink=lambda chunks: None)

    listing = box.run(work())
    assert (listing.rows, listing.pages, listing.is_complete) == (650, 3, True)
    assert "from" not in box.zoom.calls()[0].url.params


def test_a_window_is_never_forgotten_nor_given_where_there_is_none(box: Any) -> None:
    async def work(dataset: str, window: Window | None) -> None:
        async with box.api() as api:
            async for _ in api.iter_pages(DATASETS[dataset].listing, window=window):
                pass

    with pytest.raises(ValueError, match="needs a window"):
        box.run(work("zoom/engagements", None))
    with pytest.raises(ValueError, match="takes no window"):
        box.run(work("zoom/queues", box.day))
    with pytest.raises(ValueError, match="28 days at most"):
        box.run(work("zoom/engagements", Window(box.start, box.start + timedelta(days=31))))
