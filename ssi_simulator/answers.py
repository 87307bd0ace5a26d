"""JSON answers as the real servers head them."""

from starlette.responses import JSONResponse


class JsonAnswer(JSONResponse):
    """Compact JSON that names its character set."""

    media_type = "application/json; charset=utf-8"
