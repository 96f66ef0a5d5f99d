"""The server around the app: security headers, the address of finished documents, and a warm start."""

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pages.ui import documents, warm

DOCUMENT_POLICY = (
    "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; frame-ancestors 'self'"
)
"""For documents we made: they may draw themselves, but reach neither the app around them nor any host."""


@cache
def policy() -> str:
    """The content security policy of the app: its own scripts, and the inline ones of its start page by their hash."""
    page = (Path(st.__file__).parent / "static" / "index.html").read_text("utf-8")
    inline = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in inline)
    return (
        f"default-src 'self'; script-src 'self' {hashes}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; "
        "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; frame-src 'self'; "
        "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    )


class SecurityHeaders:
    """Adds the security headers to every answer that does not bring its own policy."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", policy())
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Referrer-Policy", "no-referrer")
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)


async def document(request: Request) -> Response:
    """A document that this server made, by its key."""
    html = documents.find(request.path_params["key"])
    if html is None:
        return HTMLResponse("This document is no longer kept. Build it again on the page Report.", status_code=404)
    return HTMLResponse(html, headers={"Content-Security-Policy": DOCUMENT_POLICY, "Cache-Control": "no-store"})


@asynccontextmanager
async def lifespan(app: object) -> AsyncIterator[dict]:
    """Begin to load what the first page needs while the browser still loads the frame."""
    del app
    warm.begin()
    yield {}


MIDDLEWARE = [Middleware(SecurityHeaders)]
ROUTES = [Route("/document/{key}", document)]
