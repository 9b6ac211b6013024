"""The web application: the built UI, the bundles, the library's API.

Every request passes the guard first, every response gets the security headers last, whatever happened in between.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from pathlib import Path

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from slm_export.manifest import MANIFEST_NAME
from slm_playground import __version__, catalog
from slm_playground.data.place import DataPlace
from slm_playground.data.routes import add_data
from slm_playground.desktop.routes import Actions, add_desktop
from slm_playground.errors import error_response
from slm_playground.files import Answer, bundle_mime_type, content_etag, send
from slm_playground.guard import Guard
from slm_playground.headers import REVALIDATE, SECURITY_HEADERS
from slm_playground.library.listing import listing
from slm_playground.library.routes import add_library, answer
from slm_playground.ui import find_asset

# Files are sent in pieces; a bigger body is refused before it is read.
MAX_BODY_BYTES = 4 << 20
LOGGED_PATH_LENGTH = 300

_requests = logging.getLogger("slm_playground.requests")
_log = logging.getLogger("slm_playground.server")


@dataclass(frozen=True, slots=True)
class Config:
    """What the application needs to know: its own port (for the guard), the token for writes, and two folders."""

    port: int
    token: str
    models_dir: Path
    static_dir: Path
    # What all shells share; without it there are no routes under /api/data, and browsers keep everything themselves.
    data: DataPlace | None = None
    # What the desktop app does when it is asked.
    desktop: Actions | None = None


def create_app(config: Config) -> Flask:
    """Build the application. Everything it uses is in `config`; it starts nothing and logs through `logging` only.

    When the data folder is moved, the same application goes on with the new one.
    """
    app = _build(config)
    if config.data:
        before = config.data.folder

        def follow(folder: Path) -> None:
            models = folder / "models" if config.models_dir == before / "models" else config.models_dir
            app.wsgi_app = _build(replace(config, models_dir=models)).wsgi_app  # type: ignore[method-assign]

        config.data.listen(follow)
    return app


def _build(config: Config) -> Flask:
    app = Flask(__name__, static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=MAX_BODY_BYTES, PROVIDE_AUTOMATIC_OPTIONS=False)
    app.url_map.merge_slashes = False
    app.json.sort_keys = False  # type: ignore[attr-defined]  # of Flask's default provider
    _add_guard(app, config)
    _add_errors(app)
    _add_models(app, config)
    downloads = add_library(app, config.models_dir, config.token)
    if config.data:
        add_data(app, config.data, config.models_dir, downloads)
    if config.desktop:
        add_desktop(app, config.desktop)
    _add_pages(app, config)
    return app


def _add_guard(app: Flask, config: Config) -> None:
    guard = Guard(config.port, config.token)

    @app.before_request
    def check() -> Response | None:
        g.started = time.perf_counter()
        refusal = guard.check(request.method, request.path, request.headers)
        if refusal is None:
            return None
        # A link to our own page would only fail again for a foreign host, and a foreign page needs none.
        return error_response(refusal.status, refusal.message, link_home=False)

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers.update(SECURITY_HEADERS)
        _log_request(response)
        return response


def _log_request(response: Response) -> None:
    started: float = g.get("started", time.perf_counter())
    _requests.log(
        _level(response.status_code),
        "request",
        # The path only: a query may hold what a user typed.
        extra={
            "fields": {
                "method": request.method,
                "path": request.path[:LOGGED_PATH_LENGTH],
                "status": response.status_code,
                "problem": g.get("problem"),
                "bytes": None if request.method == "HEAD" or response.status_code == 304 else response.content_length,
                "handled_ms": round((time.perf_counter() - started) * 1000, 1),
                "host": request.headers.get("Host") if response.status_code == 421 else None,
                "origin": request.headers.get("Origin") if response.status_code == 403 else None,
            }
        },
    )


def _level(status: int) -> int:
    if status >= 500:
        return logging.ERROR
    # A route may say that its successes are no events (`g.log_level`).
    return logging.WARNING if status in (403, 421) else g.get("log_level", logging.INFO) if status < 400 else logging.INFO


def _add_errors(app: Flask) -> None:
    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        status = error.code or 500
        response = error_response(status, _MESSAGES.get(status) or error.description or error.name)
        for name, value in error.get_headers():
            # Allow of a 405, Content-Range of a 416.
            if name not in ("Content-Type", "Content-Length"):
                response.headers[name] = value
        return response

    @app.errorhandler(catalog.BundleError)
    def bundle_error(error: catalog.BundleError) -> Response:
        return error_response(404 if error.missing else 500, str(error))

    @app.errorhandler(Exception)
    def any_error(error: Exception) -> Response:
        _log.error(
            "%s %s failed: %s: %s", request.method, request.path[:LOGGED_PATH_LENGTH], type(error).__name__, error, exc_info=error
        )
        return error_response(
            500,
            "The server failed on this request; its log has the details (`slm-playground doctor` says where). Please report it.",
        )


_MESSAGES = {
    404: "There is nothing at this address. The playground itself is at /, the list of models at /api/models.",
    405: "This address does not take requests of that kind.",
    413: f"The request is too big: at most {MAX_BODY_BYTES:,} bytes are accepted.",
    416: "The range asked for lies outside the file, or asks for several parts. Ask for one range inside the file.",
}


def _add_models(app: Flask, config: Config) -> None:
    @app.get("/api/health")
    def health() -> Response:
        return answer({"status": "ok", "version": __version__})

    @app.get("/api/models")
    def models() -> Response:
        shell = {"shell": config.desktop.facts()} if config.desktop else {}
        # `records`: this server keeps a copy of chats and settings (/api/data).
        return answer({**listing(config.models_dir), "records": config.data is not None, **shell})

    @app.get("/models/<bundle_id>/<path:path>")
    def model_file(bundle_id: str, path: str) -> Response:
        if path == MANIFEST_NAME:
            # Sent as it is, valid or not: the browser has its own reader and says what is wrong.
            file = catalog.bundle_folder(config.models_dir, bundle_id) / path
            return send(Answer(file, file.stat().st_size, content_etag(file), "application/json", REVALIDATE))
        file, entry = catalog.find_file(config.models_dir, bundle_id, path)
        # The name may get new content with the next export, so it is checked each time; the digest makes that a 304.
        # With the time of the last change: the page hashes a file once and trusts it for as long as this stays the same.
        etag = f"{entry.sha256}-{file.stat().st_mtime_ns:x}"
        return send(Answer(file, entry.size_bytes, etag, bundle_mime_type(path), REVALIDATE))


def _add_pages(app: Flask, config: Config) -> None:
    @app.get("/")
    def index() -> Response:
        asset = find_asset(config.static_dir, "index.html", request.headers)
        if asset is None:
            return error_response(
                503,
                f"The user interface is not built: {config.static_dir} has no index.html. "
                "Run `make run`, or `npm ci` and `npm run build` in the checkout, then reload this page.",
                title="The user interface is not built yet",
                link_home=False,
            )
        return send(asset)

    @app.get("/<path:path>")
    def asset(path: str) -> Response:
        found = find_asset(config.static_dir, path, request.headers)
        return send(found) if found else error_response(404, _MESSAGES[404])
