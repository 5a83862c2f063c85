"""The client: token, retries, errors by consequence, and nothing secret or personal in any of them."""

from __future__ import annotations

import asyncio
import json
import logging
import traceback
from typing import Any

import httpx
import pytest

from zcc_pipeline.domain.datasets import DATASETS, ENGAGEMENT_DETAIL, Endpoint, Label
from zcc_pipeline.domain.errors import (
    ConfigurationError,
    NotFound,
    PermanentError,
    QuotaExhausted,
    ScopeMissing,
    TransientError,
    ZccPipelineError,
)
from zcc_pipeline.sources.zoom_api import Reply, ZoomApiConfig, ZoomCredentials
from zcc_pipeline.sources.zoom_api.quota_pause import QuotaPause
from zcc_pipeline.transport import RequestRefused

PERSON = "jill.doe@example.com"


def only_reads(answer: Any) -> Any:
    """An answer for everything but token requests; a list answers in turn and the last for ever."""
    turns = list(answer) if isinstance(answer, list) else [answer]

    def meddle(request: httpx.Request) -> Any:
        if "/oauth/" in request.url.path:
            return None
        found = turns.pop(0) if len(turns) > 1 else turns[0]
        if isinstance(found, httpx.Response):
            return httpx.Response(found.status_code, headers=found.headers, content=found.content)
        return found

    return meddle


def fetch(box: Any, *, endpoint: Endpoint = ENGAGEMENT_DETAIL, engagement_id: str = PERSON, **config: Any) -> Reply:
    async def work() -> Reply:
        async with box.api(**config) as api:
            return await api.fetch(endpoint, path_params={"engagement_id": engagement_id}, params={"q": PERSON})

    return box.run(work())


def test_an_answer_comes_back_as_received_with_the_time_it_was_asked_for(box: Any) -> None:
    body = b'{ "engagement_id" : "x", "n\\u00f6te": "\xc3\xb6" }'
    box.zoom.meddle = only_reads(httpx.Response(200, content=body))
    reply = fetch(box)
    assert (reply.body, reply.status, reply.as_of) == (body, 200, box.start)


def test_the_token_is_asked_for_as_zoom_documents_it(box: Any) -> None:
    box.zoom.meddle = only_reads(httpx.Response(200, json={"a": 1}))
    fetch(box)
    request = box.zoom.requests[0]
    assert request.method == "POST"
    assert dict(httpx.QueryParams(request.content.decode())) == {
        "grant_type": "account_credentials",
        "account_id": "ACCOUNT",
    }
    assert request.headers["authorization"] == "Basic Q0xJRU5UOkNMSUVOVC1TRUNSRVQ="
    assert box.zoom.requests[1].headers["authorization"] == "Bearer SECRET-1"


def test_a_hundred_calls_refused_at_once_cause_one_new_token(box: Any) -> None:
    async def work() -> None:
        async with box.api(max_concurrency=100) as api:
            box.zoom.latency = 0.1
            await api.granted_scopes()
            box.zoom.valid_tokens.clear()
            await asyncio.gather(
                *(api.fetch(ENGAGEMENT_DETAIL, path_params={"engagement_id": "e"}) for _ in range(100))
            )
            assert box.zoom.tokens_given == 2
            assert api.token_calls == 2

    box.run(work())


def test_a_token_is_replaced_ahead_of_its_end_without_holding_anybody_up(box: Any) -> None:
    async def work() -> None:
        async with box.api() as api:
            await api.fetch(ENGAGEMENT_DETAIL, path_params={"engagement_id": "e"})
            await asyncio.sleep(3600 - 200)
            await asyncio.gather(*(api.fetch(ENGAGEMENT_DETAIL, path_params={"engagement_id": "e"}) for _ in range(20)))
            assert box.zoom.tokens_given == 2

    box.run(work())


def test_a_new_token_that_is_refused_too_is_a_matter_of_the_app(box: Any) -> None:
    box.zoom.meddle = only_reads(httpx.Response(401, json={"code": 124, "message": "Invalid access token."}))
    with pytest.raises(ConfigurationError, match="ZCC_ZOOM_CLIENT_ID"):
        fetch(box)
    assert box.zoom.tokens_given == 2
    assert len(box.zoom.calls()) == 2


@pytest.mark.parametrize(
    ("status", "error"), [(400, "invalid_client"), (401, "invalid_grant"), (403, f"who is {PERSON}?")]
)
def test_refused_credentials_name_the_setting_and_are_not_tried_again(box: Any, status: int, error: str) -> None:
    box.zoom.meddle = lambda request: httpx.Response(status, json={"error": error, "reason": f"CLIENT-SECRET {PERSON}"})
    with pytest.raises(ConfigurationError, match="ZCC_ZOOM_CLIENT_SECRET") as caught:
        fetch(box)
    assert len(box.zoom.requests) == 1
    assert_clean(caught.value)


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"access_token": 7}', b'{"access_token": " "}', b"[]"])
def test_a_token_answer_without_a_token_is_tried_again(box: Any, body: bytes) -> None:
    turns = iter([httpx.Response(200, content=body), httpx.Response(503)])

    def meddle(request: httpx.Request) -> httpx.Response | None:
        if "/oauth/" in request.url.path:
            return next(turns, None)
        return httpx.Response(200, json={"a": 1})

    box.zoom.meddle = meddle
    fetch(box)
    assert box.zoom.tokens_given == 1


@pytest.mark.parametrize("lifetime", [None, "soon", -5, 0, True, 1e300, 3599])
def test_a_strange_lifetime_of_a_token_does_no_harm(box: Any, lifetime: Any) -> None:
    box.zoom.token_lifetime = lifetime
    box.zoom.meddle = only_reads(httpx.Response(200, json={"a": 1}))
    fetch(box)
    assert box.zoom.tokens_given == 1


def test_client_credentials_name_no_account(box: Any) -> None:
    async def work() -> None:
        async with box.api() as api:
            api._tokens._credentials = ZoomCredentials("", "CLIENT", "CLIENT-SECRET", grant_type="client_credentials")
            await api.granted_scopes()

    box.run(work())
    assert dict(httpx.QueryParams(box.zoom.requests[0].content.decode())) == {"grant_type": "client_credentials"}


def test_the_scopes_that_zoom_granted_can_be_asked_for(box: Any) -> None:
    async def work() -> frozenset[str]:
        async with box.api() as api:
            return await api.granted_scopes()

    assert "contact_center:read:list_engagements:admin" in box.run(work())


@pytest.mark.parametrize(("status", "code"), [(400, 4711), (401, 4700), (403, 4711), (401, 4711)])
def test_a_missing_scope_is_told_apart_and_named(box: Any, status: int, code: int) -> None:
    message = "Invalid access token, does not contain scopes:[contact_center:read:engagement:admin, x_y:read:admin]."
    box.zoom.meddle = only_reads(httpx.Response(status, json={"code": code, "message": message}))
    with pytest.raises(ScopeMissing, match="contact_center:read:engagement:admin") as caught:
        fetch(box)
    assert caught.value.scopes == ("contact_center:read:engagement:admin", "x_y:read:admin")


def test_a_missing_scope_that_zoom_does_not_name_is_that_of_the_operation(box: Any) -> None:
    box.zoom.meddle = only_reads(httpx.Response(400, json={"code": 4711, "message": "nope"}))
    with pytest.raises(ScopeMissing) as caught:
        fetch(box)
    assert caught.value.scopes == ENGAGEMENT_DETAIL.scopes


def test_a_scope_given_to_the_app_a_moment_ago_is_found_with_a_new_token(box: Any) -> None:
    lacking = httpx.Response(400, json={"code": 4711, "message": "scopes"})

    async def work() -> None:
        async with box.api() as api:
            await api.granted_scopes()
            await asyncio.sleep(600)
            box.zoom.meddle = only_reads([lacking, httpx.Response(200, json={"a": 1})])
            await api.fetch(ENGAGEMENT_DETAIL, path_params={"engagement_id": "e"})
            assert box.zoom.tokens_given == 2

    box.run(work())


def test_many_calls_without_the_scope_do_not_ask_for_many_tokens(box: Any) -> None:
    box.zoom.meddle = only_reads(httpx.Response(400, json={"code": 4711, "message": "scopes"}))

    async def work() -> None:
        async with box.api() as api:
            for _ in range(50):
                with pytest.raises(ScopeMissing):
                    await api.fetch(ENGAGEMENT_DETAIL, path_params={"engagement_id": "e"})
            assert box.zoom.tokens_given == 1

    box.run(work())


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (404, {"code": 2901, "message": f"Engagement does not exist: {PERSON}"}, 2901),
        (404, None, None),
        (410, {}, None),
        (444, {"code": "444", "message": "survey not answered"}, 444),
        (400, {"code": 11004, "message": "Engagement not found."}, 11004),
    ],
)
def test_what_is_not_there_says_so_with_zooms_code(box: Any, status: int, body: Any, code: int | None) -> None:
    box.zoom.meddle = only_reads(
        httpx.Response(status, content=json.dumps(body).encode() if body is not None else b"<")
    )
    with pytest.raises(NotFound) as caught:
        fetch(box)
    assert (caught.value.http_status, caught.value.code) == (status, code)
    assert len(box.zoom.calls()) == 1
    assert_clean(caught.value)


@pytest.mark.parametrize("body", [b"", b"  ", b"{}", b"null"])
def test_an_empty_answer_is_not_there_yet(box: Any, body: bytes) -> None:
    box.zoom.meddle = only_reads(httpx.Response(200, content=body))
    with pytest.raises(NotFound) as caught:
        fetch(box)
    assert caught.value.http_status == 200


@pytest.mark.parametrize("status", [400, 402, 403, 405, 409, 413, 422, 451, 301, 302, 204])
def test_a_refused_request_is_not_tried_again(box: Any, status: int) -> None:
    box.zoom.meddle = only_reads(httpx.Response(status, json={"code": 300, "message": f"Invalid field {PERSON}"}))
    with pytest.raises(RequestRefused) as caught:
        fetch(box)
    assert (caught.value.http_status, caught.value.code) == (status, 300)
    assert len(box.zoom.calls()) == 1
    assert_clean(caught.value)


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.Response(500),
        httpx.Response(502, html=f"<html>{PERSON}</html>"),
        httpx.Response(503, headers={"Retry-After": "3"}),
        httpx.Response(408),
        httpx.Response(429),
        httpx.Response(200, html="<html>We are down for maintenance</html>"),
        httpx.Response(200, content=b'{"engagement_id": "x'),
        httpx.Response(200, content=b'"a string"'),
        httpx.Response(200, content=b"[1]"),
        httpx.Response(200, content=b'{"name": "\xff"}'),
        httpx.Response(200, content=b'{"a":' * 100_000),
        httpx.ConnectError(f"cannot reach {PERSON}"),
        httpx.ReadTimeout(PERSON),
        httpx.RemoteProtocolError(f"peer closed connection {PERSON}"),
        httpx.ReadError(PERSON),
    ],
)
def test_passing_trouble_is_tried_again_a_bounded_number_of_times(box: Any, trouble: Any) -> None:
    good = httpx.Response(200, json={"engagement_id": "x"})
    box.zoom.meddle = only_reads([trouble, trouble, good])
    assert fetch(box).body == good.content
    box.zoom.requests.clear()
    box.zoom.meddle = only_reads(trouble)
    with pytest.raises(TransientError) as caught:
        fetch(box)
    assert len(box.zoom.calls()) == 7
    assert_clean(caught.value)


def test_an_answer_that_drips_for_ever_is_given_up(box: Any) -> None:
    async def drip(request: httpx.Request) -> httpx.Response:
        if "/oauth/" in request.url.path:
            return box.zoom._give_token()
        await asyncio.sleep(1_000_000)
        raise AssertionError

    async def work() -> None:
        async with box.api(transport=httpx.MockTransport(drip)) as api:
            with pytest.raises(TransientError, match="TimeoutError"):
                await api.fetch(ENGAGEMENT_DETAIL, path_params={"engagement_id": "e"})
            assert box.clock.monotonic() < 400

    box.run(work())


def test_all_retries_together_are_bounded_in_time(box: Any) -> None:
    box.zoom.meddle = only_reads(httpx.Response(503, headers={"Retry-After": "100"}))
    with pytest.raises(TransientError) as caught:
        fetch(box)
    assert len(box.zoom.calls()) == 2
    assert caught.value.retry_after_seconds == 100


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"Retry-After": "2026-03-02T00:00:00Z"}, ""),
        ({"X-RateLimit-Type": "Daily-limit"}, ""),
        ({}, "You have reached the maximum daily rate limit for this API."),
        ({"Retry-After": "86400"}, ""),
    ],
)
def test_a_used_up_day_burns_no_retries_and_says_when_it_is_over(
    box: Any, headers: dict[str, str], message: str
) -> None:
    box.zoom.meddle = only_reads(httpx.Response(429, headers=headers, json={"code": 429, "message": message}))
    with pytest.raises(QuotaExhausted) as caught:
        fetch(box, plan="business")
    assert len(box.zoom.calls()) == 1
    assert caught.value.retry_after_seconds == pytest.approx(86_400, abs=2)
    assert box.budget.blocked_until[Label.LIGHT] == pytest.approx(box.start.timestamp() + 86_400, abs=2)


class Watched:
    """Progress that remembers what was begun and ended."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def start(self, task: str, total: int | None) -> None:
        self.said.append(task)

    def advance(self, task: str, amount: int = 1) -> None: ...

    def finish(self, task: str) -> None:
        self.said.append("on it goes")


def test_who_has_the_time_goes_on_once_the_quota_is_refilled(box: Any) -> None:
    refused = httpx.Response(429, headers={"Retry-After": "2026-03-02T00:00:00Z"})
    box.zoom.meddle = only_reads([refused, httpx.Response(200, json={"a": 1})])
    watched = Watched()

    async def work() -> bytes:
        async with box.api(plan="business", pause=QuotaPause(box.clock, watched)) as api:
            reply = await api.fetch(ENGAGEMENT_DETAIL, path_params={"engagement_id": "e"})
            assert 86_400 < box.clock.monotonic() < 86_500
            return bytes(reply.body)

    assert box.run(work()) == b'{"a":1}'
    assert len(box.zoom.calls()) == 2
    assert watched.said == ["Zoom's quota is used up, waiting until 2026-03-02 00:01 UTC", "on it goes"]


def test_what_all_wait_for_is_told_once_and_a_longer_wait_besides(box: Any, caplog: pytest.LogCaptureFixture) -> None:
    pause = QuotaPause(box.clock, Watched())

    async def refused_once(seconds: float) -> None:
        waits = [seconds]

        async def ask() -> None:
            if waits:
                raise QuotaExhausted("no more for now", retry_after_seconds=waits.pop())

        await pause.when_refilled(ask)

    async def work() -> None:
        await asyncio.gather(*map(refused_once, (120.0, 120.0, 80_000.0, 80_000.0)))

    box.run(work())
    assert [record.message.rpartition(" waiting until ")[2] for record in caplog.records] == [
        "2026-03-01 00:03 UTC",
        "2026-03-01 22:14 UTC",
    ]


def test_a_reset_time_stands_in_for_a_missing_retry_after(box: Any) -> None:
    reset = {"X-RateLimit-Reset": str(int(box.start.timestamp()) + 5)}
    box.zoom.meddle = only_reads([httpx.Response(429, headers=reset), httpx.Response(200, json={"a": 1})])

    async def work() -> None:
        async with box.api() as api:
            await api.fetch(ENGAGEMENT_DETAIL, path_params={"engagement_id": "e"})
            assert 5 <= box.clock.monotonic() < 6

    box.run(work())


@pytest.mark.parametrize("hostile", ["", ".", "..", "x" * 600])
def test_an_id_that_could_lead_to_another_path_is_never_sent(box: Any, hostile: str) -> None:
    with pytest.raises(PermanentError):
        fetch(box, engagement_id=hostile)
    assert not box.zoom.calls()


@pytest.mark.parametrize("odd", ["a/../../users", "a?b=c", "a#b", "ü 1", "%2e%2e", "a\r\nHost: evil", "++=="])
def test_ids_are_escaped_into_one_segment(box: Any, odd: str) -> None:
    box.zoom.meddle = only_reads(httpx.Response(200, json={"a": 1}))
    fetch(box, engagement_id=odd)
    path = box.zoom.calls()[0].url.raw_path.partition(b"?")[0].decode()
    prefix, _, last = path.rpartition("/")
    assert prefix == "/v2/contact_center/engagements"
    assert httpx.URL(f"https://x/{last}").path == f"/{odd}"


def test_calls_are_counted_by_label_and_the_clock_of_the_server_is_compared(box: Any) -> None:
    answer = httpx.Response(200, json={"a": 1}, headers={"Date": "Sun, 01 Mar 2026 00:01:37 GMT"})
    box.zoom.meddle = only_reads(answer)

    async def work() -> None:
        async with box.api() as api:
            assert api.clock_skew_seconds is None
            await api.fetch(ENGAGEMENT_DETAIL, path_params={"engagement_id": "e"})
            assert api.api_calls == {Label.LIGHT: 1, Label.MEDIUM: 0, Label.HEAVY: 0}
            assert api.clock_skew_seconds == 97

    box.run(work())


@pytest.mark.parametrize("date", ["yesterday", "", "Sun, 99 Mar 2026 00:00:00 GMT", "\x00"])
def test_a_strange_date_header_is_ignored(box: Any, date: str) -> None:
    box.zoom.meddle = only_reads(httpx.Response(200, json={"a": 1}, headers=[(b"Date", date.encode())]))
    fetch(box)


def test_no_more_calls_are_under_way_than_allowed(box: Any) -> None:
    under_way, most = 0, 0

    async def count(request: httpx.Request) -> httpx.Response:
        nonlocal under_way, most
        if "/oauth/" in request.url.path:
            return box.zoom._give_token()
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(1)
        under_way -= 1
        return httpx.Response(200, json={"a": 1})

    async def work() -> None:
        async with box.api(transport=httpx.MockTransport(count), max_concurrency=3) as api:
            await asyncio.gather(*(api.fetch(ENGAGEMENT_DETAIL, path_params={"engagement_id": "e"}) for _ in range(10)))

    box.run(work())
    assert most == 3


def test_nothing_secret_or_personal_is_logged_even_at_the_loudest(box: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    box.zoom.meddle = only_reads([httpx.Response(500), httpx.Response(200, json={"name": PERSON})])
    fetch(box)
    assert not [text for text in caplog.messages if "SECRET" in text or PERSON in text or "engagements/" in text]


def test_credentials_do_not_show_their_secret() -> None:
    shown = repr(ZoomCredentials("ACCOUNT", "CLIENT", "CLIENT-SECRET")) + repr(ZoomApiConfig())
    assert "CLIENT-SECRET" not in shown


def test_a_token_does_not_show_itself(box: Any) -> None:
    async def work() -> str:
        async with box.api() as api:
            return repr(await api._tokens.current()) + repr(vars(api._tokens)) + repr(api)

    assert "SECRET" not in box.run(work())


@pytest.mark.parametrize("share", [0, -1, 1.01])
def test_a_share_outside_its_range_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="rate_share"):
        ZoomApiConfig(rate_share=share)


def test_every_operation_of_the_datasets_has_a_label_and_scopes() -> None:
    for dataset in DATASETS.values():
        if dataset.endpoint is not None:
            assert dataset.endpoint.scopes
            assert dataset.endpoint.label in Label


def assert_clean(error: ZccPipelineError) -> None:
    """Neither the message nor anything that a traceback prints names people, ids, queries or tokens."""
    shown = "".join(traceback.format_exception(error))
    said = f"{error} {error!r} {error.args}"
    for secret in (PERSON, "SECRET-1", "CLIENT-SECRET", "jill.doe%40example.com", "q="):
        assert secret not in said
        assert secret not in [line for line in shown.splitlines() if not line.startswith("  ")]
