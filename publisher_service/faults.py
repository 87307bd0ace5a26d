"""What is answered over HTTP to what cannot be done, always in one form: a code for programs, a sentence for people."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from publisher_service.core.requests import InvalidRequest

#: Of what the framework refuses by itself.
_CODES: Final = {HTTPStatus.NOT_FOUND: "unknown_address", HTTPStatus.METHOD_NOT_ALLOWED: "wrong_method"}


class Fault(BaseModel):
    """Why there is no answer."""

    detail: str = Field(description="for people")
    code: str = Field(description="for programs; docs/protocol.md lists them")


class CannotAnswer(HTTPException):
    """Raised by a route."""

    def __init__(self, status: int, code: str, text: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, text, headers)
        self.code = code


def fault_body(code: str, text: str) -> bytes:
    """As `Fault` has it."""
    return orjson.dumps({"detail": text, "code": code})


def fault(status: int, code: str, text: str, headers: Mapping[str, str] | None = None) -> Response:
    """The answer."""
    return Response(fault_body(code, text), status, headers, media_type="application/json")


def answer_faults(app: FastAPI) -> None:
    """Give all faults of its routes this form; what clients have asked wrongly is counted."""

    async def failed(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 (it is registered for these)
        code = getattr(error, "code", None) or _CODES.get(HTTPStatus(error.status_code), "refused")
        # The framework names the methods of one route only, and each address has one for either.
        headers = {"Allow": "GET, HEAD"} if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED else error.headers
        return fault(error.status_code, code, error.detail, headers)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, InvalidRequest)  # noqa: S101 (as above)
        request.app.state.metrics.invalid_messages.labels(error.code).inc()
        return fault(error.http_status, error.code, error.text)

    async def malformed(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 (as above)
        first = error.errors()[0]
        name = str(first["loc"][-1])
        said = f" must be {first['ctx']['expected']}" if first["type"] == "literal_error" else f": {first['msg']}"
        return await invalid(request, InvalidRequest(f"invalid_{name}", name + said))

    app.add_exception_handler(HTTPException, failed)
    app.add_exception_handler(InvalidRequest, invalid)
    app.add_exception_handler(RequestValidationError, malformed)
