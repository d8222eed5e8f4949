"""The web application around the page: exports, the report, and who may ask for them.

There are no logins, so the page must be out of reach for other sites that the person has open: only
loopback names are served (a foreign name that points here is refused), no other origin may send,
and the browser is told to load nothing from anywhere else.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import gradio as gr
from fastapi import FastAPI, HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from rag.errors import RagError
from ui.blocks import theme
from ui.measuring import REPORT_PAGE
from ui.store import ConversationNotFound, Store, export_json, export_markdown

__all__ = ["application"]

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Any, Send], Awaitable[None]]

# Gradio evaluates its templates and styles in the page; nothing comes from another host.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self'; frame-src 'self'; worker-src 'self' blob:; object-src 'none'; "
    "base-uri 'self'; form-action 'none'; frame-ancestors 'self'"
)
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; "
    "sandbox allow-scripts; frame-ancestors 'self'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

HEAD = """<meta name="color-scheme" content="light dark">
<style>{style}</style>
<script>{script}</script>"""
"""Dialogs and tips stand outside of Gradio's container, and Gradio confines `css_paths` to it."""


class Guard:
    """Refuses foreign host names and origins, and sends the headers that keep the page closed."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Any, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if not _is_loopback(host):
            refusal = PlainTextResponse(f"This page is not served as {host[:200]!r}.", 421)
            await refusal(scope, receive, send)
            return
        if origin and urlsplit(origin).netloc != host:
            await PlainTextResponse("Another site may not use this page.", 403)(
                scope, receive, send
            )
            return

        async def closed(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                sent = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    sent.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, closed)


def application(
    blocks: gr.Blocks, store: Store, reports: Path, *, static: Path, largest_file: str
) -> FastAPI:
    """The page at /, the store's conversations below /export/, the report from its folder."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/export/{conversation}.{form}")
    def export(conversation: str, form: str) -> Response:
        write = {"md": export_markdown, "json": export_json}.get(form)
        if write is None:
            raise HTTPException(404)
        try:
            kept, turns = store.get(conversation), store.turns(conversation)
        except ConversationNotFound as error:
            raise HTTPException(404, str(error)) from None
        except RagError as error:
            raise HTTPException(500, str(error)) from error
        kind = {"md": "text/markdown", "json": "application/json"}[form]
        name = quote(f"{kept.title or conversation}.{form}", safe="")
        disposition = f"attachment; filename*=UTF-8''{name}"
        return Response(
            write(kept, turns),
            media_type=f"{kind}; charset=utf-8",
            headers={"Content-Disposition": disposition},
        )

    @app.get(f"/evaluation/{REPORT_PAGE}")
    def report() -> Response:
        path = reports / REPORT_PAGE
        if not path.is_file():
            raise HTTPException(404)
        # Shown in a sandbox: the answers in it come from models.
        headers = {"Content-Security-Policy": REPORT_POLICY, "Cache-Control": "no-store"}
        return HTMLResponse(path.read_text(encoding="utf-8"), headers=headers)

    style, script = (
        (static / name).read_text(encoding="utf-8") for name in ("base.css", "page.js")
    )
    gr.mount_gradio_app(
        app,
        blocks,
        path="/",
        theme=theme(),
        css_paths=[static / "base.css", static / "page.css"],
        head=HEAD.format(style=style, script=script),
        footer_links=[],
        run_history=False,  # it would keep what is typed, keys too, in the browser
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        show_error=False,
        enable_monitoring=False,
        max_file_size=largest_file,
        app_kwargs={"docs_url": None, "redoc_url": None},
    )
    app.add_middleware(Guard)
    return app


def _is_loopback(host: str) -> bool:
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
