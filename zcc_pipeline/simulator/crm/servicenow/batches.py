"""The Batch API: requests within a request, one after the other, each with its own status.

A batch that takes longer than 30 seconds is cut off: what was not reached is listed as unserviced. The time each
request takes is declared, not measured, so that a test knows where the cut falls.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from zcc_pipeline.simulator.crm.base import Answer, Request, json_answer
from zcc_pipeline.simulator.crm.base.answers import MalformedBodyError
from zcc_pipeline.simulator.crm.servicenow.answering import refuse

_LONGEST_SECONDS = 30.0
_LARGEST_ITEM = 5 * 1024 * 1024


class BatchApi:
    """Handler of the Batch API. ``serves`` may be set to a number of requests after which a batch is cut off."""

    def __init__(self, inner: Callable[[Request], Answer], *, seconds_each: float) -> None:
        self._inner = inner
        self.seconds_each = seconds_each
        self.serves: int | None = None

    def answer(self, request: Request) -> Answer:
        """``POST /v1/batch``."""
        body = request.json_object()
        requests, batch_id = body.get("rest_requests"), body.get("batch_request_id")
        if not isinstance(requests, list) or batch_id is None:
            raise refuse(400, "Invalid batch request", "rest_requests and batch_request_id are required")
        most = int(_LONGEST_SECONDS / self.seconds_each) if self.seconds_each else len(requests)
        most = most if self.serves is None else min(most, self.serves)
        serviced: list[dict[str, object]] = []
        wrote = False
        while len(serviced) < min(most, len(requests)):
            each = requests[len(serviced)]
            content = _decoded(each)
            if len(content) > _LARGEST_ITEM:
                break
            answer = self._serve(request, each, content)
            method = str(each.get("method", "")).upper()
            wrote = wrote or (method != "GET" and answer.status < 400)
            serviced.append(_shown(each, answer))
        unserviced = [str(each.get("id")) for each in requests[len(serviced) :]]
        made = {"batch_request_id": str(batch_id), "serviced_requests": serviced, "unserviced_requests": unserviced}
        answer = json_answer(made)
        answer.wrote = wrote
        return answer

    def _serve(self, request: Request, each: dict[str, Any], content: bytes) -> Answer:
        headers = {str(header["name"]): str(header["value"]) for header in each.get("headers", ())}
        url = str(each.get("url", ""))
        if not url.startswith("/"):
            raise refuse(400, "Invalid batch request", "url has to be relative")
        return self._inner(request.inner(str(each.get("method", "")), url, headers=headers, body=content))


def holds_writes(request: Request) -> bool:
    """Whether a batch holds anything but reads; one that cannot be understood writes nothing."""
    try:
        items = request.json_object().get("rest_requests")
    except MalformedBodyError:
        return False
    return isinstance(items, list) and any(str(each.get("method", "")).upper() != "GET" for each in items)


def _decoded(each: dict[str, Any]) -> bytes:
    try:
        return base64.b64decode(str(each.get("body", "")), validate=True)
    except binascii.Error:
        raise refuse(400, "Invalid batch request", "body is not Base64") from None


def _shown(each: dict[str, Any], answer: Answer) -> dict[str, object]:
    headers = [] if each.get("exclude_response_headers") else [{"name": "Content-Type", "value": answer.media_type}]
    headers += (
        []
        if each.get("exclude_response_headers")
        else [{"name": name, "value": value} for name, value in answer.headers.items()]
    )
    return {
        "id": str(each.get("id")),
        "body": base64.b64encode(answer.body).decode(),
        "status_code": answer.status,
        "status_text": HTTPStatus(answer.status).phrase,
        "headers": headers,
        "execution_time": 1,
    }
