"""The library over HTTP. Reading is free; whatever changes something needs the server's token, which the guard asks for.

`GET /api/session` gives the token to our own page alone: browsers say in Sec-Fetch-Site who asks, and no page can fake that.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, request

from slm_playground import catalog
from slm_playground.errors import error_response
from slm_playground.headers import NEVER_STORE
from slm_playground.library import plan
from slm_playground.library.downloads import Downloads
from slm_playground.library.errors import LibraryError, told
from slm_playground.library.trash import Trash
from slm_playground.library.uploads import Uploads


def add_library(app: Flask, models: Path, token: str) -> Downloads:
    """Routes under /api; unfinished downloads of an earlier server are listed as paused. Gives the downloads."""
    downloads, uploads = Downloads(models), Uploads(models)

    @app.errorhandler(LibraryError)
    def library_error(error: LibraryError) -> Response:
        return error_response(error.status, str(error), kind=error.kind, facts=error.facts)

    @app.get("/api/session")
    def session() -> Response:
        if request.headers.get("Sec-Fetch-Site") != "same-origin":
            return error_response(403, "Only SLM Playground's own page is told this server's token. Open the page itself.")
        return answer({"token": token})

    _add_models(app, models, downloads, Trash(models))
    _add_downloads(app, downloads)
    _add_uploads(app, uploads)
    return downloads


def _add_models(app: Flask, models: Path, downloads: Downloads, trash: Trash) -> None:
    @app.delete("/api/models/<bundle_id>")
    def remove(bundle_id: str) -> Response:
        return answer({"freed_bytes": trash.put(_existing(models, bundle_id))})

    @app.post("/api/models/<bundle_id>/restore")
    def restore_model(bundle_id: str) -> Response:
        trash.restore(bundle_id)
        return answer({})

    @app.post("/api/models/<bundle_id>/check")
    def check(bundle_id: str) -> Response:
        path = _text(_body(), "path")
        return answer({"path": path, "problem": catalog.check_file(models, bundle_id, path)})

    @app.post("/api/models/<bundle_id>/repair")
    def repair(bundle_id: str) -> Response:
        return answer(downloads.repair(_existing(models, bundle_id).name, _texts(_body(), "paths")))


def _add_downloads(app: Flask, downloads: Downloads) -> None:
    @app.get("/api/downloads")
    def jobs() -> Response:
        return answer({"downloads": downloads.jobs()})

    @app.post("/api/lookups")
    def look_up() -> Response:
        return answer(plan.look_up(_text(_body(), "source")).to_json())

    @app.post("/api/downloads")
    def start() -> Response:
        body = _body()
        found = plan.look_up(_text(body, "source"))
        return answer(downloads.add(found.chosen(_texts(body, "variants") if "variants" in body else None)))

    def change(rule: str, act: Callable[[str], dict[str, Any]]) -> None:
        def view(job_id: str) -> Response:
            return answer(act(job_id))

        app.add_url_rule(f"/api/downloads/<job_id>/{rule}", rule, view, methods=["POST"])

    change("pause", downloads.pause)
    change("resume", downloads.resume)

    @app.delete("/api/downloads/<job_id>")
    def cancel(job_id: str) -> Response:
        downloads.cancel(job_id)
        return answer({})


def _add_uploads(app: Flask, uploads: Uploads) -> None:
    @app.post("/api/uploads/<bundle_id>")
    def begin(bundle_id: str) -> Response:
        files = _body().get("files")
        if not isinstance(files, dict) or not all(isinstance(size, int) and size >= 0 for size in files.values()):
            raise LibraryError("`files` must say the size in bytes of each file, by its path.")
        return answer({"received": uploads.begin(bundle_id, files)})

    @app.put("/api/uploads/<bundle_id>/<path:path>")
    def upload_piece(bundle_id: str, path: str) -> Response:
        offset = request.args.get("offset", type=int)
        if offset is None or offset < 0:
            raise LibraryError("`offset` must say where the piece belongs.")
        return answer({"size_bytes": uploads.write(bundle_id, path, offset, request.get_data())})

    @app.post("/api/uploads/<bundle_id>/finish")
    def finish(bundle_id: str) -> Response:
        return answer({"id": uploads.finish(bundle_id)})

    @app.delete("/api/uploads/<bundle_id>")
    def cancel_upload(bundle_id: str) -> Response:
        uploads.cancel(bundle_id)
        return answer({})


def answer(data: dict[str, Any]) -> Response:
    """JSON about this moment: never kept."""
    response = jsonify(data)
    response.headers["Cache-Control"] = NEVER_STORE
    return response


def _existing(models: Path, bundle_id: str) -> Path:
    """A model's folder, broken ones too."""
    folder = models / bundle_id
    if not catalog.is_folder_name(bundle_id) or not folder.is_dir():
        raise told("no-model", 404)
    return folder


def _body() -> dict[str, Any]:
    data = request.get_json(silent=True)
    if not isinstance(data, dict):
        raise LibraryError("The request needs a JSON object.")
    return data


def _text(body: dict[str, Any], key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value:
        raise LibraryError(f"`{key}` must be a text.")
    return value


def _texts(body: dict[str, Any], key: str) -> list[str]:
    value = body.get(key)
    if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
        raise LibraryError(f"`{key}` must be a list of texts.")
    return value
