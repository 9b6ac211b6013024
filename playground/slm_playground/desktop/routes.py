"""What the page and a second start may ask of the app. All are writes, so the guard asks each for the server's token."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, request

from slm_playground.desktop.keep import SCHEMES, THEMES, Look, read_look
from slm_playground.desktop.machine import Machine
from slm_playground.desktop.machine_routes import add_machine
from slm_playground.errors import error_response
from slm_playground.library.routes import answer

LIST_OF_MODELS = "/api/models"
OUTSIDE = ("https://", "http://", "mailto:")
LONGEST = 4000


@dataclass(frozen=True, slots=True)
class Actions:
    """What the app does when asked; each returns at once. `facts`: what the page should know of its window."""

    facts: Callable[[], dict[str, Any]]
    alive: Callable[[], None]
    page_seen: Callable[[], None]
    show: Callable[[str | None], None]
    use_chrome: Callable[[], None]
    open_link: Callable[[str], None]
    keep_look: Callable[[Look], None]
    leave: Callable[[], None]
    machine: Machine


def add_desktop(app: Flask, actions: Actions) -> None:
    """Routes under /api/desktop, and an eye on the first thing that the page's script asks for."""
    add_machine(app, actions.machine)

    @app.after_request
    def desktop_look(response: Response) -> Response:
        actions.alive()
        # Browsers say so of requests that a page makes; the window's own first request is a navigation.
        if request.path == LIST_OF_MODELS and request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin":
            actions.page_seen()
        return response

    @app.post("/api/desktop/show")
    def desktop_show() -> Response:
        actions.show(_text("open"))
        return answer({})

    @app.post("/api/desktop/chrome")
    def desktop_chrome() -> Response:
        actions.use_chrome()
        return answer({})

    @app.post("/api/desktop/link")
    def desktop_link() -> Response:
        url = _text("url") or ""
        if not url.startswith(OUTSIDE) or len(url) > LONGEST or not url.isprintable():
            return error_response(400, "Only web addresses and mail addresses are opened outside of the app.")
        actions.open_link(url)
        return answer({})

    @app.post("/api/desktop/look")
    def desktop_look_changed() -> Response:
        look = read_look(request.get_json(silent=True))
        if look is None:
            return error_response(
                400, f"A look is a theme ({', '.join(THEMES)}) and what the system is ({' or '.join(SCHEMES)})."
            )
        actions.keep_look(look)
        return answer({})

    @app.post("/api/desktop/quit")
    def desktop_quit() -> Response:
        actions.leave()
        return answer({})


def _text(key: str) -> str | None:
    value = (request.get_json(silent=True) or {}).get(key)
    return value if isinstance(value, str) else None
