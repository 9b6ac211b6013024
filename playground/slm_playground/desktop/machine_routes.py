"""Routes for what belongs to this machine: icon in the tray, shortcut, the question for a newer version."""

from __future__ import annotations

from dataclasses import asdict

from flask import Flask, Response, request

from slm_playground.desktop import updates
from slm_playground.desktop.errors import DesktopError, told
from slm_playground.desktop.machine import Machine
from slm_playground.errors import error_response
from slm_playground.library.routes import answer


def add_machine(app: Flask, machine: Machine) -> None:
    """GET and PUT /api/desktop/machine, POST /api/desktop/update."""

    @app.errorhandler(DesktopError)
    def desktop_error(error: DesktopError) -> Response:
        return error_response(error.status, str(error), kind=error.kind, facts=error.facts)

    @app.get("/api/desktop/machine")
    def desktop_machine() -> Response:
        return answer(machine.facts())

    @app.put("/api/desktop/machine")
    def desktop_choose() -> Response:
        data = request.get_json(silent=True)
        return answer(machine.choose(data if isinstance(data, dict) else {}))

    @app.post("/api/desktop/update")
    def desktop_update() -> Response:
        url = updates.address()
        if url is None:
            raise told("update-no-address", 404)
        return answer(asdict(updates.ask(url)))
