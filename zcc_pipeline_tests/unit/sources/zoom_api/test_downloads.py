"""Downloads: who sees the token, what is followed, how a file goes on, what it is called."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.domain.errors import NotFound, PermanentError, ScopeMissing, TransientError
from zcc_pipeline.sources.zoom_api import DownloadSource
from zcc_pipeline.sources.zoom_api.downloads import file_name_of
from zcc_pipeline.sources.zoom_api.trusted_hosts import TrustedHosts, split_address
from zcc_pipeline.transport import RequestRefused

URL = "https://api.zoom.test/v2/contact_center/recording/download/01bdb222-9984?type=voice&who=jill"
CONTENT = b"0123456789" * 1000


class Broken(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"01234"
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


def serve(answers: dict[str, Any]) -> Any:
    """Answers by host and path; a list answers in turn."""

    def meddle(request: httpx.Request) -> Any:
        if "/oauth/" in request.url.path:
            return None
        answer = answers[f"{request.url.host}{request.url.path}"]
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        return answer(request) if callable(answer) else answer

    return meddle


PATH = "api.zoom.test/v2/contact_center/recording/download/01bdb222-9984"


def file_answer(request: httpx.Request) -> httpx.Response:
    headers = {
        "ETag": '"v1"',
        "Content-Type": "audio/mpeg; charset=x",
        "Content-Disposition": 'attachment; filename="a.mp3"',
    }
    wanted = request.headers.get("range")
    if wanted is None or request.headers.get("if-range") != '"v1"':
        return httpx.Response(200, headers=headers, content=CONTENT)
    start = int(wanted.removeprefix("bytes=").removesuffix("-"))
    if start >= len(CONTENT):
        return httpx.Response(416, headers={"Content-Range": f"bytes */{len(CONTENT)}"})
    headers["Content-Range"] = f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"
    return httpx.Response(206, headers=headers, content=CONTENT[start:])


def download(box: Any, url: str = URL, *, offset: int = 0, etag: str | None = None, **config: Any) -> tuple[Any, bytes]:
    async def work() -> tuple[Any, bytes]:
        async with box.api(**config) as api, DownloadSource(api, url).open(offset, etag) as body:
            return body, b"".join([chunk async for chunk in body.chunks()])

    return box.run(work())


def tokens_by_host(box: Any) -> dict[str, bool]:
    return {f"{call.url.host}": "authorization" in call.headers for call in box.zoom.calls()}


def test_a_file_comes_whole_with_what_the_server_says_of_it(box: Any) -> None:
    box.zoom.meddle = serve({PATH: file_answer})
    body, content = download(box)
    assert content == CONTENT
    assert (body.status, body.total_size, body.etag, body.media_type) == (200, len(CONTENT), '"v1"', "audio/mpeg")
    assert (body.file_name, body.is_partial) == ("a.mp3", False)
    request = box.zoom.calls()[0]
    assert request.headers["authorization"] == "Bearer SECRET-1"
    assert request.headers["accept-encoding"] == "identity"
    assert str(request.url) == URL


def test_a_file_goes_on_where_it_stopped_if_it_is_still_the_same(box: Any) -> None:
    box.zoom.meddle = serve({PATH: file_answer})
    body, content = download(box, offset=4_000, etag='"v1"')
    assert (body.status, body.is_partial, body.total_size) == (206, True, len(CONTENT))
    assert content == CONTENT[4_000:]


@pytest.mark.parametrize("etag", ['"v0"', None, 'W/"v1"', "v1", ""])
def test_a_file_that_may_have_changed_comes_whole_again(box: Any, etag: str | None) -> None:
    box.zoom.meddle = serve({PATH: file_answer})
    body, content = download(box, offset=4_000, etag=etag)
    assert not body.is_partial
    assert content == CONTENT


@pytest.mark.parametrize("offset", [len(CONTENT), len(CONTENT) + 5])
def test_an_offset_past_the_end_begins_anew(box: Any, offset: int) -> None:
    box.zoom.meddle = serve({PATH: file_answer})
    body, content = download(box, offset=offset, etag='"v1"')
    assert not body.is_partial
    assert content == CONTENT


@pytest.mark.parametrize("content_range", ["", "bytes 0-9/10", "bytes x-y/z", "items 4000-9999/10000"])
def test_a_part_that_begins_elsewhere_is_not_taken(box: Any, content_range: str) -> None:
    wrong = httpx.Response(206, headers={"Content-Range": content_range, "ETag": '"v1"'}, content=b"wrong")
    box.zoom.meddle = serve({PATH: [wrong, file_answer]})
    body, content = download(box, offset=4_000, etag='"v1"')
    assert not body.is_partial
    assert content == CONTENT


def test_a_redirect_to_another_host_is_followed_without_the_token(box: Any) -> None:
    there = httpx.Response(302, headers={"Location": "https://files.example.net/x?signature=s"})
    back = httpx.Response(302, headers={"Location": URL.replace("01bdb222-9984", "again")})
    box.zoom.meddle = serve(
        {PATH: there, "files.example.net/x": back, PATH.replace("01bdb222-9984", "again"): file_answer}
    )
    _, content = download(box)
    assert content == CONTENT
    seen = [(call.url.host, "authorization" in call.headers) for call in box.zoom.calls()]
    assert seen == [("api.zoom.test", True), ("files.example.net", False), ("api.zoom.test", False)]


def test_a_redirect_within_the_named_hosts_keeps_the_token(box: Any) -> None:
    box.zoom.meddle = serve(
        {
            PATH: httpx.Response(307, headers={"Location": "https://eu.files.zoom.us/x"}),
            "eu.files.zoom.us/x": file_answer,
        }
    )
    download(box)
    assert tokens_by_host(box) == {"api.zoom.test": True, "eu.files.zoom.us": True}


@pytest.mark.parametrize(
    "location",
    [
        "ftp://zoom.us/x",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://zoom.us/x",
        "http://127.0.0.1/x",
        "https://zoom.us:99999/x",
    ],
)
def test_a_redirect_to_what_is_not_encrypted_or_not_http_is_refused(box: Any, location: str) -> None:
    box.zoom.meddle = serve({PATH: httpx.Response(302, headers={"Location": location})})
    with pytest.raises(PermanentError):
        download(box)
    assert len(box.zoom.calls()) == 1


@pytest.mark.parametrize("url", ["ftp://api.zoom.test/x", "http://api.zoom.test/x", "data:text/plain,x", "https://["])
def test_an_address_that_is_not_encrypted_or_not_http_is_refused(box: Any, url: str) -> None:
    with pytest.raises(PermanentError):
        download(box, url)
    assert not box.zoom.calls()


def test_redirects_in_a_circle_end(box: Any) -> None:
    box.zoom.meddle = serve({PATH: httpx.Response(302, headers={"Location": URL})})
    with pytest.raises(PermanentError, match="redirects"):
        download(box)
    assert len(box.zoom.calls()) == 6


def test_a_relative_address_is_that_of_the_api(box: Any) -> None:
    box.zoom.meddle = serve({PATH: file_answer})
    _, content = download(box, "/v2/contact_center/recording/download/01bdb222-9984")
    assert content == CONTENT


def test_a_stand_in_on_loopback_may_speak_plain_http(box: Any) -> None:
    box.zoom.meddle = serve(
        {
            "127.0.0.1/v2/f": httpx.Response(302, headers={"Location": "http://localhost:9/x"}),
            "localhost/x": file_answer,
        }
    )
    _, content = download(box, "http://127.0.0.1:8000/v2/f", api_url="http://127.0.0.1:8000/v2")
    assert content == CONTENT
    assert tokens_by_host(box) == {"127.0.0.1": True, "localhost": False}


def test_a_token_that_died_is_replaced_once(box: Any) -> None:
    refused = httpx.Response(401, json={"code": 124})
    box.zoom.meddle = serve({PATH: [refused, file_answer]})
    _, content = download(box)
    assert content == CONTENT
    assert box.zoom.tokens_given == 2
    box.zoom.meddle = serve({PATH: refused})
    with pytest.raises(RequestRefused, match="401"):
        download(box)


@pytest.mark.parametrize("status", [404, 410])
def test_a_file_that_is_gone_says_so_with_zooms_code(box: Any, status: int) -> None:
    box.zoom.meddle = serve({PATH: httpx.Response(status, json={"code": 2801, "message": "jill"})})
    with pytest.raises(NotFound) as caught:
        download(box)
    assert (caught.value.http_status, caught.value.code) == (status, 2801)
    assert str(caught.value) == f"GET https://api.zoom.test/v2/contact_center/recording/download/…: {status} code 2801"


def test_a_missing_scope_is_told_apart(box: Any) -> None:
    box.zoom.meddle = serve(
        {PATH: httpx.Response(403, json={"code": 4711, "message": "does not contain scopes:[a_b:read:admin]"})}
    )
    with pytest.raises(ScopeMissing) as caught:
        download(box)
    assert caught.value.scopes == ("a_b:read:admin",)


def test_a_missing_scope_that_zoom_does_not_name_is_one_of_those_of_the_listing(box: Any) -> None:
    box.zoom.meddle = serve({PATH: httpx.Response(403, json={"code": 4711, "message": "no scope"})})

    async def work() -> None:
        async with box.api() as api, DownloadSource(api, URL, ("c_d:read:admin",)).open(0, None):
            raise AssertionError("it is refused")

    with pytest.raises(ScopeMissing, match="what would do: c_d:read:admin"):
        box.run(work())


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.Response(500),
        httpx.Response(429),
        httpx.Response(200, html="<html>log in</html>"),
        httpx.Response(302),
        httpx.Response(503, headers={"Retry-After": "2"}),
    ],
)
def test_passing_trouble_is_tried_again(box: Any, trouble: httpx.Response) -> None:
    box.zoom.meddle = serve({PATH: [trouble, file_answer]})
    _, content = download(box)
    assert content == CONTENT
    box.zoom.requests.clear()
    box.zoom.meddle = serve({PATH: trouble})
    with pytest.raises(TransientError) as caught:
        download(box)
    assert len(box.zoom.calls()) == 7
    assert "jill" not in str(caught.value)
    assert "01bdb222" not in str(caught.value)


def test_a_body_that_breaks_off_is_an_error_and_not_the_end(box: Any) -> None:
    box.zoom.meddle = serve({PATH: httpx.Response(200, headers={"Content-Length": "10"}, stream=Broken())})
    with pytest.raises(TransientError, match="RemoteProtocolError") as caught:
        download(box)
    assert "01bdb222" not in str(caught.value)


def test_only_calls_to_the_api_itself_take_slots(box: Any) -> None:
    box.zoom.meddle = serve(
        {
            PATH: httpx.Response(302, headers={"Location": "https://files.example.net/x"}),
            "files.example.net/x": file_answer,
        }
    )

    async def work() -> None:
        async with box.api(plan="pro") as api:
            async with api.open_download(URL):
                pass
            assert sum(api.api_calls.values()) == 1

    box.run(work())


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("https://zoom.us/x", True),
        ("https://eu01.zoom.us/x", True),
        ("https://ZOOM.US./x", True),
        ("https://files.example.com:8443/x", True),
        ("https://files.example.com/x", False),
        ("https://api.zoom.test/x", True),
        ("https://api.zoom.test:444/x", False),
        ("https://zoom.us.evil.net/x", False),
        ("https://evilzoom.us/x", False),
        ("https://zoom.us@evil.net/x", False),
        ("https://evil.net/zoom.us", False),
        ("https://evil.net#zoom.us", False),
        ("http://zoom.us/x", False),
        ("http://api.zoom.test/x", False),
        ("https://sub.api.zoom.test/x", False),
    ],
)
def test_the_token_is_for_named_hosts_and_those_below_them(url: str, may: bool) -> None:
    hosts = TrustedHosts("https://api.zoom.test/v2", ("zoom.us", "*.example.org", "files.example.com:8443"))
    assert hosts.may_see_token(split_address(url, "x")) is may


@given(
    url=st.text(max_size=60)
    | st.builds("{}://{}/{}".format, st.text(max_size=6), st.text(max_size=20), st.text(max_size=20))
)
def test_no_address_whatever_gets_the_token_by_accident(url: str) -> None:
    hosts = TrustedHosts("https://api.zoom.test/v2", ("zoom.us",))
    try:
        parts = split_address(hosts.absolute(url), "x")
        hosts.check(parts, "x")
    except PermanentError:
        return
    assert parts.scheme == "https"
    if hosts.may_see_token(parts):
        host = (parts.hostname or "").rstrip(".")
        assert host in ("api.zoom.test", "zoom.us") or host.endswith(".zoom.us")


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('attachment; filename="GMT20221115-181507_x_VideoRecording.mp3"', "GMT20221115-181507_x_VideoRecording.mp3"),
        ("attachment; filename=plain.vtt", "plain.vtt"),
        ("attachment; filename=\"a.txt\"; filename*=UTF-8''%e2%82%ac%20rates.txt", "€ rates.txt"),
        ("attachment; filename*=iso-8859-1'en'%A3%20rates", "£ rates"),
        ("attachment; filename*=klingon''x; filename=\"fallback.txt\"", "fallback.txt"),
        ('attachment; filename="with \\"quotes\\".txt"', 'with "quotes".txt'),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="C:\\\\temp\\\\x.wav"', "x.wav"),
        ('attachment; filename=".."', None),
        ("attachment", None),
        ("", None),
    ],
)
def test_the_suggested_name_is_read_and_never_a_path(header: str, name: str | None) -> None:
    assert file_name_of(header) == name


@given(header=st.text(max_size=120) | st.builds('attachment; filename="{}"'.format, st.text(max_size=60)))
def test_no_header_whatever_yields_a_path(header: str) -> None:
    name = file_name_of(header)
    assert name is None or (name.isprintable() and "/" not in name and "\\" not in name and 0 < len(name) <= 255)
    assert name not in (".", "..")
