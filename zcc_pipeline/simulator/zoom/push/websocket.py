"""The WebSocket that events are pushed over: ``/ws?subscriptionId=...&access_token=...``.

Heartbeats are answered; events that come while nobody is connected are gone; one connection for each subscription, a
new one ends the old. What Zoom sends as close codes is not documented.
"""

from __future__ import annotations

import contextlib
import json

from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from zcc_pipeline.simulator.zoom.answers import CallRefusedError
from zcc_pipeline.simulator.zoom.oauth import Tokens

_POLICY, _GOING_AWAY = 1008, 1001


class WebSocketHub:
    """The connections that are open."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._open: dict[str, WebSocket] = {}
        self.is_down = False
        """Refuses whoever wants to connect with HTTP 503."""

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._open)

    async def serve(self, websocket: WebSocket) -> None:
        """One connection, from its handshake to its end."""
        if self.is_down:
            await websocket.send_denial_response(Response(status_code=503))
            return
        await websocket.accept()
        problem = self._refusal(websocket)
        if problem is not None:
            await websocket.send_text(_frame("build_connection", is_success=False, content=problem))
            await websocket.close(_POLICY)
            return
        subscription = websocket.query_params["subscriptionId"]
        before = self._open.pop(subscription, None)
        self._open[subscription] = websocket
        if before is not None:
            await _close(before)
        try:
            await websocket.send_text(_frame("build_connection", is_success=True, content="ok"))
            await self._listen(websocket)
        except WebSocketDisconnect:
            pass
        finally:
            if self._open.get(subscription) is websocket:
                del self._open[subscription]

    async def send(self, body: bytes, *, as_object: bool) -> int:
        """Send an event to everybody connected; how many that were."""
        frame = _message(body, as_object=as_object)
        reached = 0
        for websocket in list(self._open.values()):
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # it has just gone
                await websocket.send_text(frame)
                reached += 1
        return reached

    async def cut(self) -> None:
        """End every connection."""
        for websocket in list(self._open.values()):
            await _close(websocket)
        self._open.clear()

    def _refusal(self, websocket: WebSocket) -> str | None:
        query = websocket.query_params
        if not query.get("subscriptionId"):
            return "Invalid subscriptionId"
        try:
            self._tokens.find(f"Bearer {query.get('access_token', '')}")
        except CallRefusedError:
            return "Invalid Token"
        return None

    async def _listen(self, websocket: WebSocket) -> None:
        while True:
            text = await websocket.receive_text()
            if _module_of(text) == "heartbeat":
                await websocket.send_text(_frame("heartbeat", is_success=True, content="live"))


async def _close(websocket: WebSocket) -> None:
    if websocket.application_state is WebSocketState.CONNECTED:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # it has just gone by itself
            await websocket.close(_GOING_AWAY)


def _module_of(text: str) -> object:
    try:
        message = json.loads(text)
    except ValueError:
        return None
    return message.get("module") if isinstance(message, dict) else None


def _frame(module: str, *, is_success: bool, content: str) -> str:
    return json.dumps({"module": module, "success": is_success, "content": content, "header": {}})


def _message(body: bytes, *, as_object: bool) -> str:
    text = body.decode("utf-8", "replace")
    content: object = text
    if as_object:
        with contextlib.suppress(ValueError):  # garbage stays a string
            content = json.loads(text)
    return json.dumps({"module": "message", "content": content, "header": {}}, ensure_ascii=False)
