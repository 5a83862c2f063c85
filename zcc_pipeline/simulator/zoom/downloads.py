"""Files: the API's download addresses, which only redirect, and the file host they redirect to.

The API wants the bearer token and answers 302 to a signed address on another host name; the file host takes no token,
and counts each one that arrives there as leaked. Whether Zoom's redirects leave its own hosts is not documented: this
is the careful reading.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from starlette.types import Receive, Scope, Send

from zcc_pipeline.simulator.zoom.account.engagement import Recording
from zcc_pipeline.simulator.zoom.account.media import Media
from zcc_pipeline.simulator.zoom.answers import Answer, CallRefusedError, refuse, scopes_missing
from zcc_pipeline.simulator.zoom.connections import close_connection, reset_connection
from zcc_pipeline.simulator.zoom.faults import FaultKind
from zcc_pipeline.simulator.zoom.gateway import deliver, head_of, read_authorization, read_header
from zcc_pipeline.simulator.zoom.operations import ENGAGEMENT_LIST_SCOPES, INBOX_MESSAGE_SCOPES, RECORDING_SCOPES
from zcc_pipeline.simulator.zoom.query import Query
from zcc_pipeline.simulator.zoom.standin import ZoomStandIn

_CHUNK_BYTES = 256 * 1024
_DRIPS = 10
"""Pieces in which a file drips; the pauses between them last a quarter of what a dripping answer of the API takes."""
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_BENCH = re.compile(r"bench-(\d+)")


@dataclass(frozen=True, slots=True)
class DownloadRoute:
    """One download address of the API. Scopes are undocumented; those of the list that gave the address are asked
    for.
    """

    path: str
    kind: str
    scopes: tuple[str, ...]
    missing_code: int


DOWNLOAD_ROUTES: tuple[DownloadRoute, ...] = (
    DownloadRoute("recording/download/{key}", "recording", RECORDING_SCOPES, 2801),
    DownloadRoute("recording/playback/{key}", "recording", RECORDING_SCOPES, 2801),
    DownloadRoute("recording/transcripts/download/{key}", "recording_transcript", RECORDING_SCOPES, 2801),
    DownloadRoute("engagements/transcripts/download/{key}", "messaging_transcript", ENGAGEMENT_LIST_SCOPES, 2901),
    DownloadRoute("inbox/message/download/{key}", "voicemail", INBOX_MESSAGE_SCOPES, 3101),
    DownloadRoute("inbox/message/playback/{key}", "voicemail", INBOX_MESSAGE_SCOPES, 3101),
    DownloadRoute("inbox/message/transcripts/download/{key}", "voicemail_transcript", INBOX_MESSAGE_SCOPES, 3101),
    DownloadRoute("voicemail/transcripts/download/{key}", "voicemail_transcript", INBOX_MESSAGE_SCOPES, 3101),
)


class BenchFile:
    """A file of any size whose bytes are made while they are sent: 1 MiB of noise, over and over."""

    _BLOCK = b"".join(hashlib.blake2b(b"%d" % number).digest() for number in range(1024 * 1024 // 64))

    def __init__(self, size: int) -> None:
        self.size = size
        self.etag = f'"bench-{size}"'
        self.media_type = "audio/mpeg"
        self.file_name = f"bench-{size}.mp3"

    def chunks(self, start: int, end: int) -> Iterator[bytes]:
        """The bytes from ``start`` up to ``end``."""
        while start < end:
            begin = start % len(self._BLOCK)
            chunk = self._BLOCK[begin : begin + min(_CHUNK_BYTES, end - start)]
            yield chunk
            start += len(chunk)


class MediaFile:
    """A file of the account."""

    def __init__(self, media: Media) -> None:
        self._content = memoryview(media.body)
        self.size = len(media.body)
        self.etag = media.etag
        self.media_type = media.media_type
        self.file_name = media.file_name

    def chunks(self, start: int, end: int) -> Iterator[bytes]:
        """The bytes from ``start`` up to ``end``."""
        for begin in range(start, end, _CHUNK_BYTES):
            yield bytes(self._content[begin : min(end, begin + _CHUNK_BYTES)])


class DownloadGateway:
    """One download address of the API, as an ASGI application."""

    def __init__(self, standin: ZoomStandIn, route: DownloadRoute) -> None:
        self._standin = standin
        self._route = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        standin = self._standin
        standin.counters.by_route[f"/v2/contact_center/{self._route.path}"] += 1
        if standin.latency_seconds:
            await asyncio.sleep(standin.latency_seconds)
        try:
            answer = self._redirect(scope)
        except CallRefusedError as refused:
            answer = refused.answer
        await deliver(standin, answer, None, scope=scope, receive=receive, send=send)

    def _redirect(self, scope: Scope) -> Answer:
        standin, route = self._standin, self._route
        token = standin.tokens.find(read_authorization(scope))
        if not token.scopes.intersection(route.scopes):
            raise scopes_missing(route.scopes)
        key = scope["path_params"]["key"]
        is_missing = find_file(standin, route.kind, key) is None
        if is_missing or standin.faults.once(FaultKind.NOT_YET_THERE, _subject(standin, route.kind, key)):
            raise refuse(404, route.missing_code, f"File does not exist: {key}.")
        expires = str(int(standin.monotonic() + standin.options.file_link_lifetime_seconds))
        signature = sign(standin, route.kind, key, expires)
        address = f"{standin.file_url}/files/{route.kind}/{key}?expires={expires}&signature={signature}"
        return Answer(b"", status=302, headers=[(b"location", address.encode())])


class FileHost:
    """The file host, as an ASGI application."""

    def __init__(self, standin: ZoomStandIn) -> None:
        self._standin = standin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one file or a part of it."""
        standin = self._standin
        kind, key = scope["path_params"]["kind"], scope["path_params"]["key"]
        try:
            self._admit(scope, kind, key)
            file = find_file(standin, kind, key)
            if file is None:
                raise _storage_error(404, "NoSuchKey")
            start, end = _asked_range(scope, file)
            fault = self._strike(kind, key)
        except CallRefusedError as refused:
            await deliver(standin, refused.answer, None, scope=scope, receive=receive, send=send)
            return
        is_part = (start, end) != (0, file.size)
        answer = Answer(b"", status=206 if is_part else 200, media_type=file.media_type.encode())
        headers = [header for header in head_of(standin, answer) if header[0] != b"content-length"]
        headers += [
            (b"content-length", b"%d" % (end - start)),
            (b"content-disposition", f'attachment; filename="{file.file_name}"'.encode()),
            (b"accept-ranges", b"bytes"),
            (b"etag", file.etag.encode()),
        ]
        if is_part:
            headers.append((b"content-range", b"bytes %d-%d/%d" % (start, end - 1, file.size)))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        standin.counters.files_served += 1
        await self._send_bytes(file, start, end, fault, scope=scope, receive=receive, send=send)

    def _admit(self, scope: Scope, kind: str, key: str) -> None:
        standin = self._standin
        if read_authorization(scope):
            standin.counters.leaked_tokens += 1
            raise _storage_error(400, "Only one auth mechanism allowed")
        query = Query(scope["query_string"])
        expires = query.text("expires") or ""
        if not hmac.compare_digest(query.text("signature") or "", sign(standin, kind, key, expires)):
            raise _storage_error(403, "SignatureDoesNotMatch")
        if standin.monotonic() > int(expires):
            raise _storage_error(403, "Request has expired")

    def _strike(self, kind: str, key: str) -> FaultKind | None:
        call = _subject(self._standin, kind, key)
        fault = self._standin.faults.on_transport(call)
        if fault in (FaultKind.SERVER_ERROR, FaultKind.RATE_LIMITED_BY_OTHERS):
            raise _storage_error(self._standin.faults.server_error_status(call), "SlowDown")
        if fault is FaultKind.HTML_PAGE:
            raise CallRefusedError(
                Answer(b"<!DOCTYPE html><html><body>Please sign in</body></html>", media_type=b"text/html")
            )
        return fault

    async def _send_bytes(
        self,
        file: BenchFile | MediaFile,
        start: int,
        end: int,
        fault: FaultKind | None,
        *,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        breaks = fault in (FaultKind.CONNECTION_RESET, FaultKind.SHORT_BODY)
        sent_end = start + (end - start) // 2 if breaks else end
        drips = _DRIPS if fault is FaultKind.SLOW_DRIP else 1
        cuts = [start + (sent_end - start) * number // drips for number in range(drips + 1)]
        for begin, stop in pairwise(cuts):
            for chunk in file.chunks(begin, stop):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
                self._standin.counters.bytes_served += len(chunk)
            if fault is FaultKind.SLOW_DRIP:
                await asyncio.sleep(self._standin.drip_seconds / 4 / _DRIPS)
        if fault is FaultKind.CONNECTION_RESET:
            await asyncio.sleep(0.05)  # let half the file arrive before the reset drops what is in flight
            await reset_connection(scope, receive)
        elif fault is FaultKind.SHORT_BODY:
            await close_connection(scope, receive)
        else:
            await send({"type": "http.response.body", "body": b""})


def find_file(standin: ZoomStandIn, kind: str, key: str) -> BenchFile | MediaFile | None:
    """The file behind a download address as of the account's time; ``None`` where it is gone or was never there."""
    bench = _BENCH.fullmatch(key) if kind == "recording" else None
    if bench:
        return BenchFile(int(bench[1]))
    media = standin.media(kind, key)
    return None if media is None else MediaFile(media)


def _subject(standin: ZoomStandIn, kind: str, key: str) -> str:
    """What a download is about, whatever its address of today: faults are bounded by it."""
    item = None if _BENCH.fullmatch(key) else standin.account.resolve_download(kind, key)
    if isinstance(item, Recording):
        return f"file:{kind}:{item.recording_id}"
    return f"file:{kind}:{key}"


def sign(standin: ZoomStandIn, kind: str, key: str, expires: str) -> str:
    """Signature of a file address."""
    return hmac.digest(standin.secret, f"{kind}/{key}/{expires}".encode(), "sha256").hex()[:32]


def _asked_range(scope: Scope, file: BenchFile | MediaFile) -> tuple[int, int]:
    asked = read_header(scope, b"range")
    match = _RANGE.fullmatch(asked)
    if_range = read_header(scope, b"if-range")
    if match is None or (if_range and if_range != file.etag):
        return 0, file.size
    start = int(match[1])
    end = min(int(match[2]) + 1, file.size) if match[2] else file.size
    if start >= file.size or end <= start:
        unsatisfied = _storage_error(416, "InvalidRange")
        unsatisfied.answer.headers.append((b"content-range", b"bytes */%d" % file.size))
        raise unsatisfied
    return start, end


def _storage_error(status: int, code: str) -> CallRefusedError:
    body = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code></Error>'.encode()
    return CallRefusedError(Answer(body, status=status, media_type=b"application/xml"))
