"""A plugin that lets these tests move the time of a running server."""

from __future__ import annotations

from litestar import post

from credenza import AnyRequest, AnyResponse, hookimpl, json_response, query_parameters, server_of


@post("/clock", status_code=200)
async def move(request: AnyRequest) -> AnyResponse:
    clock = server_of(request).clock
    clock.move(int(query_parameters(request)["seconds"]))
    return json_response({"now": clock.now()})


@hookimpl
def register_routes() -> object:
    return move
