"""The data folder over HTTP. What shows or changes what a person wrote is a POST with the server's token; figures are free."""

from __future__ import annotations

import json
import logging
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeGuard

from flask import Flask, Response, g, request

from slm_playground.data import folder as folders
from slm_playground.data.errors import DataError, told
from slm_playground.data.place import DataPlace
from slm_playground.data.records import KINDS, PARENTS, Record, Records, Write
from slm_playground.errors import error_response
from slm_playground.guard import READ_METHODS
from slm_playground.headers import NEVER_STORE
from slm_playground.library.downloads import Downloads
from slm_playground.library.routes import answer

MOST_RECORDS = 500
MOST_RECORD_CHARACTERS = 3_500_000
MOST_ID_CHARACTERS = 4000
RESETTABLE = frozenset({"records", "models", "settings", "logs"})


def add_data(app: Flask, place: DataPlace, models: Path, downloads: Downloads) -> None:
    """Routes under /api/data."""

    @app.errorhandler(DataError)
    def data_error(error: DataError) -> Response:
        return error_response(error.status, str(error), kind=error.kind, facts=error.facts)

    @app.before_request
    def hold() -> None:
        changes = request.method not in READ_METHODS and request.path.startswith(
            ("/api/downloads", "/api/uploads", "/api/models")
        )
        if changes and place.mover.is_running:
            raise told("data-moving", 409)

    _add_records(app, place)
    _add_folder(app, place, models)
    _add_changes(app, place, models, downloads)


def _add_records(app: Flask, place: DataPlace) -> None:
    @app.get("/api/data/change")
    def change() -> Response:
        # Pages ask every few seconds; the log is for what happens.
        g.log_level = logging.DEBUG
        return answer({**asdict(place.use(Records.status)), "start": place.start_id})

    @app.post("/api/data/pull")
    def pull() -> Response:
        after = _number(_body(), "after")
        page = place.use(lambda records: records.pull(after))
        status = place.use(Records.status)
        return _raw({"epoch": status.epoch, "next": page.next, "more": page.more}, page.records)

    @app.post("/api/data/push")
    def push() -> Response:
        listed = _body().get("records")
        if not isinstance(listed, list) or len(listed) > MOST_RECORDS:
            raise DataError(f"`records` must be a list of at most {MOST_RECORDS}.")
        writes = [_write(item) for item in listed]
        found = place.use(lambda records: records.push(writes))
        return _raw({"epoch": place.use(Records.status).epoch}, found)

    @app.post("/api/data/switch")
    def switch() -> Response:
        body = _body()
        enabled, forget = body.get("enabled") is True, body.get("forget") is True
        place.use(lambda records: records.switch(enabled, forget=forget))
        return answer(asdict(place.use(Records.status)))


def _add_folder(app: Flask, place: DataPlace, models: Path) -> None:
    @app.get("/api/data")
    def describe() -> Response:
        return answer(
            {
                "folder": str(place.folder),
                "parts": [asdict(part) for part in folders.parts(place.folder, models)],
                "disk": _disk(place.folder),
                "can_open": folders.can_open(),
                "records": _records(place),
            }
        )

    @app.get("/api/data/move")
    def progress() -> Response:
        g.log_level = logging.DEBUG
        return answer({"move": asdict(place.mover.progress) if place.mover.progress else None})

    @app.post("/api/data/open")
    def show() -> Response:
        folders.open_folder(place.folder)
        return answer({})


def _add_changes(app: Flask, place: DataPlace, models: Path, downloads: Downloads) -> None:
    @app.post("/api/data/move")
    def move() -> Response:
        target = _body().get("folder")
        if not isinstance(target, str):
            raise DataError("`folder` must be the path of the new folder.")
        _no_downloads(downloads)
        parts = tuple(name for name in folders.PARTS if name != "models" or models == place.folder / "models")
        return answer({"move": asdict(place.mover.start(target.strip(), parts))})

    @app.delete("/api/data/move")
    def stop() -> Response:
        place.mover.cancel()
        return answer({})

    @app.post("/api/data/reset")
    def reset() -> Response:
        wanted = _body().get("parts")
        if not isinstance(wanted, list) or not wanted or not all(isinstance(part, str) and part in RESETTABLE for part in wanted):
            raise DataError(f"`parts` must name some of {', '.join(sorted(RESETTABLE))}.")
        if place.mover.is_running:
            raise told("data-moving", 409)
        if "models" in wanted:
            _no_downloads(downloads)
            _empty(models)
        if "records" in wanted:
            place.use(Records.erase)
            _empty(place.folder / "records" / "backups")
        if "settings" in wanted:
            _empty(place.folder / "settings")
        if "logs" in wanted:
            _empty_logs(place.folder / "logs")
        return answer({"deleted": sorted(set(wanted))})


def _records(place: DataPlace) -> dict[str, Any]:
    """How the shared records are; `problem` says why there are none."""
    try:
        status, counts = place.use(Records.status), place.use(Records.counts)
    except DataError as error:
        return {"problem": error.sentence()}
    return {"problem": None, "enabled": status.enabled, "change": status.change, "counts": counts}


def _no_downloads(downloads: Downloads) -> None:
    if any(job["state"] == "running" for job in downloads.jobs()):
        raise told("data-downloads", 409)


def _empty(place: Path) -> None:
    try:
        for path in place.iterdir() if place.is_dir() else ():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    except OSError as error:
        raise told("data-not-deleted", 409, path=str(error.filename), said=str(error.strerror)) from error


def _empty_logs(place: Path) -> None:
    """Old ones go; those that servers write into now are cut to nothing (they are written at their end)."""
    for path in place.rglob("*") if place.is_dir() else ():
        if path.is_file() and path.suffix == ".log":
            path.write_bytes(b"")
        elif path.is_file():
            path.unlink()


def _disk(place: Path) -> dict[str, int] | None:
    try:
        total, _, free = shutil.disk_usage(place)
    except OSError:
        return None
    return {"total_bytes": total, "free_bytes": free}


def _raw(head: dict[str, Any], records: list[Record] | tuple[Record, ...]) -> Response:
    """JSON in which the bodies go out as they are kept: nothing is parsed to be written again."""
    items = (
        f'{{"kind":{json.dumps(record.kind)},"id":{json.dumps(record.id)},"parent":{json.dumps(record.parent)},'
        f'"version":{record.version},"written_at":{record.written_at},"body":{record.body or "null"}}}'
        for record in records
    )
    text = f'{json.dumps(head)[:-1]},"records":[{",".join(items)}]}}'
    response = Response(text, content_type="application/json")
    response.headers["Cache-Control"] = NEVER_STORE
    return response


def _write(item: Any) -> Write:
    """One record of a push, checked.

    Raises: DataError.
    """
    if not isinstance(item, dict):
        raise DataError("Each record must be an object.")
    kind, name, parent, body = item.get("kind"), item.get("id"), item.get("parent"), item.get("body")
    if not isinstance(kind, str) or kind not in KINDS:
        raise DataError(f"`kind` must be one of {', '.join(sorted(KINDS))}.")
    if not _is_name(name) or not (parent is None or _is_name(parent)):
        raise DataError(f"`id` and `parent` must be texts of at most {MOST_ID_CHARACTERS} characters.")
    if (parent is None) != (kind in PARENTS or kind == "setting"):
        raise DataError("A message or a version needs the `parent` it belongs to; the others have none.")
    if not (body is None or isinstance(body, dict)):
        raise DataError("`body` must be an object, or null for a deleted record.")
    try:
        # In ASCII: what JavaScript calls a text may hold halves of a character, which UTF-8 cannot.
        text = None if body is None else json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except ValueError as error:
        raise DataError("`body` must be JSON: no NaN, no infinity.") from error
    if text is not None and len(text) > MOST_RECORD_CHARACTERS:
        raise DataError(f"A record of {len(text):,} characters is too large: at most {MOST_RECORD_CHARACTERS:,}.", 413)
    return Write(kind, name, parent, _number(item, "base"), _number(item, "written_at"), text)


def _is_name(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value) <= MOST_ID_CHARACTERS and value.isprintable()


def _number(data: dict[str, Any], key: str) -> int:
    value = data.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 53:
        raise DataError(f"`{key}` must be a whole number from 0 on.")
    return value


def _body() -> dict[str, Any]:
    data = request.get_json(silent=True)
    if not isinstance(data, dict):
        raise DataError("The request needs a JSON object.")
    return data
