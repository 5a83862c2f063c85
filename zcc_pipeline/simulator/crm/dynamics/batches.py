"""``$batch``: multipart/mixed in, multipart/mixed out, one status for each request.

https://learn.microsoft.com/en-us/power-apps/developer/data-platform/webapi/execute-batch-operations-using-web-api:
lines end in CRLF, at most 1,000 requests, GET never inside a change set, processing stops at the first error unless
``Prefer: odata.continue-on-error`` is sent. A change set is all or nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from http import HTTPStatus
from urllib.parse import urlsplit

from zcc_pipeline.simulator.crm.base import Answer, Part, RefusedError, Request, parse_multipart
from zcc_pipeline.simulator.crm.base.answers import MalformedBodyError
from zcc_pipeline.simulator.crm.dynamics.refusals import GENERIC, bad_payload, refuse

_MOST = 1_000


class Batches:
    """Answers batches with the answers of whoever serves single requests."""

    def __init__(
        self,
        serve: Callable[[Request], Answer],
        transaction: Callable[[], AbstractContextManager[None]],
        api_path: str,
    ) -> None:
        self._serve = serve
        self._transaction = transaction
        self._api_path = api_path
        self._count = 0

    def answer(self, request: Request) -> Answer:
        """Carry a batch out."""
        parts = request.multipart()
        self._check_size(parts)
        goes_on = "odata.continue-on-error" in request.header("prefer")
        self._count += 1
        boundary = f"batchresponse_{self._count:08d}"
        rendered: list[bytes] = []
        wrote, failed = False, False
        for part in parts:
            answers, did_write = self._carry_out(request, part)
            rendered += [_render(answer, content_id) for answer, content_id in answers]
            wrote = wrote or did_write
            failed = any(answer.status >= 400 for answer, _ in answers)
            if failed and not goes_on:
                break
        body = b"".join(b"--%s\r\n%s\r\n" % (boundary.encode(), each) for each in rendered)
        return Answer(
            body + b"--%s--\r\n" % boundary.encode(),
            status=400 if failed and not goes_on else 200,
            media_type=f"multipart/mixed; boundary={boundary}",
            headers={"OData-Version": "4.0"},
            wrote=wrote,
        )

    def _check_size(self, parts: list[Part]) -> None:
        number = sum(len(_change_set(part)) if _is_change_set(part) else 1 for part in parts)
        if number > _MOST:
            raise refuse(400, GENERIC, f"Batch requests are limited to {_MOST} operations; this one has {number}.")

    def _carry_out(self, outer: Request, part: Part) -> tuple[list[tuple[Answer, str]], bool]:
        if not _is_change_set(part):
            inner = self._read(outer, part)
            answer = self._serve(inner)
            return [(answer, part.headers.get("content-id", ""))], answer.status < 400 and inner.method != "GET"
        answers = []
        try:
            with self._transaction():
                for each in _change_set(part):
                    inner = self._read(outer, each)
                    if inner.method == "GET":
                        raise refuse(400, GENERIC, "GET is not allowed inside a change set.")
                    answer = self._serve(inner)
                    if answer.status >= 400:
                        raise RefusedError(answer)
                    answers.append((answer, each.headers.get("content-id", "")))
        except RefusedError as refused:
            return [(refused.answer, "")], False
        return answers, True

    def _read(self, outer: Request, part: Part) -> Request:
        if part.media_type != "application/http":
            raise bad_payload("A part of a batch must be of type application/http.")
        head, separator, body = part.content.partition(b"\r\n\r\n")
        first, *lines = head.decode("utf-8", "replace").split("\r\n")
        words = first.split(" ")
        if not separator or len(words) != 3 or not words[2].startswith("HTTP/"):
            raise MalformedBodyError("a part of the batch does not begin with a request line")
        address = urlsplit(words[1])
        path = address.path if address.path.startswith("/") else f"{self._api_path}/{address.path}"
        url = f"{path}?{address.query}" if address.query else path
        headers = dict(line.split(":", 1) for line in lines if ":" in line)
        trimmed = {name.strip(): value.strip() for name, value in headers.items()}
        return outer.inner(words[0], url, headers=trimmed, body=body.removesuffix(b"\r\n"))


def _is_change_set(part: Part) -> bool:
    return part.media_type == "multipart/mixed"


def _change_set(part: Part) -> list[Part]:
    return parse_multipart(part.headers["content-type"], part.content)


def _render(answer: Answer, content_id: str) -> bytes:
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    if content_id:
        lines.append(f"Content-ID: {content_id}")
    headers = {**answer.headers, "OData-Version": "4.0"}
    if answer.body:
        headers["Content-Type"] = answer.media_type
    lines += ["", f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + answer.body
