"""The stand-in's routes, put together as one ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from zcc_pipeline.simulator.zoom.answers import Answer, json_answer
from zcc_pipeline.simulator.zoom.control import build_control_routes
from zcc_pipeline.simulator.zoom.downloads import DOWNLOAD_ROUTES, DownloadGateway, FileHost
from zcc_pipeline.simulator.zoom.gateway import Gateway
from zcc_pipeline.simulator.zoom.operations import OPERATIONS
from zcc_pipeline.simulator.zoom.standin import ZoomStandIn


def build_app(standin: ZoomStandIn) -> Starlette:
    """Token endpoint, read operations, downloads, file host, control and the WebSocket."""

    async def issue_token(request: Request) -> Response:
        answer = standin.tokens.answer(
            authorization=request.headers.get("authorization", ""),
            form=await request.body(),
            query_string=request.scope["query_string"],
        )
        return _as_response(standin, answer)

    async def nothing_here(_request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        return _as_response(standin, json_answer({"code": status, "message": "Invalid api path."}, status=status))

    @asynccontextmanager
    async def pushing(_app: Starlette) -> AsyncIterator[None]:
        if standin.options.push is not None:
            standin.pusher.push(standin.options.push)
        try:
            yield
        finally:
            await standin.pusher.close()

    routes = [
        *(Route(operation.route, Gateway(standin, operation), methods=["GET"]) for operation in OPERATIONS),
        *(
            Route(f"/v2/contact_center/{download.path}", DownloadGateway(standin, download), methods=["GET"])
            for download in DOWNLOAD_ROUTES
        ),
        Route("/files/{kind}/{key}", FileHost(standin), methods=["GET"]),
        Route("/oauth/token", issue_token, methods=["POST"]),
        *build_control_routes(standin),
    ]
    return Starlette(routes=routes, exception_handlers={404: nothing_here, 405: nothing_here}, lifespan=pushing)


def _as_response(standin: ZoomStandIn, answer: Answer) -> Response:
    headers = {name.decode(): value.decode() for name, value in answer.headers}
    headers["date"] = standin.date_header().decode()
    return Response(answer.body, status_code=answer.status, media_type=answer.media_type.decode(), headers=headers)
