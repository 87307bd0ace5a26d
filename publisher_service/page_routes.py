"""What developers look at: the description of the protocol, a page of it, and a playground. Nothing from elsewhere."""

from typing import Final

from fastapi import APIRouter, Request, Response

from publisher_service.core import asyncapi
from publisher_service.http_routes import file_response
from publisher_service.web_files import WebFiles

#: Scripts, styles and connections of our own only, and in no frame of another's.
PAGE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}

router = APIRouter(include_in_schema=False)


@router.head("/asyncapi.json")
@router.get("/asyncapi.json")
async def protocol(request: Request) -> Response:
    """Messages and addresses of websockets and streams of events, as AsyncAPI 3."""
    body = asyncapi.document(needs_token=request.app.needs_token)
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-cache"})


@router.head("/docs")
@router.get("/docs")
async def docs(request: Request) -> Response:
    """Routes, channels and messages, for people."""
    return _page(request, "docs.html")


@router.head("/playground")
@router.get("/playground")
async def playground(request: Request) -> Response:
    """Choose a subscription, and see its frames."""
    return _page(request, "index.html")


def _page(request: Request, name: str) -> Response:
    files: WebFiles = request.app.state.web_files
    return file_response(request, files.page(f"playground/{name}"), dict(PAGE_HEADERS), is_for_ever=False)
