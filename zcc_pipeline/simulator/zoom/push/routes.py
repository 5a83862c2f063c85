"""Control of pushing; the bodies are described in ``control.py``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from zcc_pipeline.simulator.zoom.push.requests import parse_request, parse_wait

if TYPE_CHECKING:
    from zcc_pipeline.simulator.zoom.standin import ZoomStandIn

Body = dict[str, Any]


def build_push_routes(standin: ZoomStandIn) -> list[BaseRoute]:
    """What is asked with GET, and the WebSocket."""

    async def progress(request: Request) -> Response:
        jobs = standin.pusher.jobs
        wanted = request.query_params.get("job")
        if wanted is None:
            body = {"jobs": [job.as_json() for job in jobs], "is_settled": all(job.is_settled for job in jobs)}
            return JSONResponse(body)
        found = next((job for job in jobs if str(job.number) == wanted), None)
        if found is None:
            return JSONResponse({"error": f"there is no job {wanted}"}, status_code=404)
        return JSONResponse(found.as_json())

    async def truth(request: Request) -> Response:
        return JSONResponse(standin.pusher.ledger.as_json(request.query_params.get("event")))

    return [
        Route("/_control/push", progress, methods=["GET"]),
        Route("/_control/push-truth", truth, methods=["GET"]),
        WebSocketRoute("/ws", standin.hub.serve),
    ]


async def _push(standin: ZoomStandIn, body: Body) -> object:
    request, wait = parse_request(body, seed=standin.options.fault_seed), parse_wait(body)
    job = standin.pusher.push(request)
    if wait == "settled":
        await job.until_settled()
    elif wait == "first_tries":
        await job.until_tried()
    return job.as_json()


async def _challenge(standin: ZoomStandIn, body: Body) -> object:
    latest = standin.pusher.latest
    url = body.get("webhook_url") or (latest.webhook_url if latest else "")
    secret = body.get("secret") or (latest.secret if latest else "")
    if not (url and secret):
        raise ValueError("nothing was pushed yet: tell webhook_url and secret")
    return await standin.pusher.challenge(url, secret)


async def _websocket(standin: ZoomStandIn, body: Body) -> object:
    hub = standin.hub
    hub.is_down = bool(body.get("is_down", hub.is_down))
    if body.get("cut"):
        await hub.cut()
    return {"connections": hub.connections, "is_down": hub.is_down}


PUSH_COMMANDS: Mapping[str, Callable[[ZoomStandIn, Body], Awaitable[object]]] = {
    "push": _push,
    "challenge": _challenge,
    "websocket": _websocket,
}
