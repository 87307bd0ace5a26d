"""What developers look at: the description of the protocol, a page of it, and a playground. Nothing from elsewhere."""

from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from publisher_service.core import asyncapi
from publisher_service.http_routes import WEB

_FOLDER = WEB / "playground"
#: Scripts, styles and connections of our own only, and in no frame of another's.
PAGE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
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
async def docs() -> FileResponse:
    """Routes, channels and messages, for people."""
    return FileResponse(_FOLDER / "docs.html", headers=PAGE_HEADERS)


@router.head("/playground")
@router.get("/playground")
async def playground() -> FileResponse:
    """Choose a subscription, and see its frames."""
    return FileResponse(_FOLDER / "index.html", headers=PAGE_HEADERS)
