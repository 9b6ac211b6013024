"""The desktop app from start to end: port, window, server, then the app until it is left, then nothing of it is left."""

from __future__ import annotations

import logging
import secrets
import signal
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from slm_playground import paths
from slm_playground.desktop import keep
from slm_playground.desktop.app import App, Options, say
from slm_playground.desktop.environment import open_in_browser
from slm_playground.desktop.instance import Instance
from slm_playground.desktop.ports import open_remembered
from slm_playground.listen import bound_port, open_socket

if TYPE_CHECKING:
    from slm_playground.data.place import DataPlace

_log = logging.getLogger("slm_playground.desktop")


def run(options: Options, ours: Instance, folder: Path) -> int:
    """The whole app, for whom has the right to be the only one; the exit code. `folder` is for profiles.

    Raises: ListenError where the chosen port is taken.
    """
    kept = keep.load(options.settings)
    listener = open_socket(options.port) if options.port is not None else open_remembered(kept.port)
    port = bound_port(listener)
    url, token = f"http://127.0.0.1:{port}/", secrets.token_urlsafe(32)
    app = App(options, folder, replace(kept, port=kept.port or port))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: app.put(app.leave))
    print(url, flush=True)
    # The window starts while the server is being imported: its first request waits in the socket's queue.
    app.start(url)
    end_server, data = _serve(app, options, listener, token)
    try:
        ours.announce(url, token)
    except OSError as error:
        say(f"A second start will not find this one ({error}).")
    app.run()
    _log.info("stopping")
    app.close()
    end_server()
    data.close()
    ours.release()
    return 0


def _serve(app: App, options: Options, listener: socket.socket, token: str) -> tuple[Callable[[], None], DataPlace]:
    """Start the server in a thread of its own; gives its end and what it keeps its records in."""
    from slm_playground import __version__, log
    from slm_playground.data.place import DataPlace
    from slm_playground.desktop.routes import Actions
    from slm_playground.serve import make_server, run_in_thread
    from slm_playground.server import Config, create_app

    port = bound_port(listener)
    log.configure(options.logs, port)
    data = DataPlace(paths.data_dir())
    data.listen(lambda folder: app.put(lambda: app.follow(folder)))
    actions = Actions(
        facts=app.facts,
        alive=app.alive,
        page_seen=app.page_seen,
        show=lambda opening: app.put(lambda: app.show(opening)),
        use_chrome=lambda: app.put(app.use_chrome),
        open_link=lambda link: threading.Thread(target=open_in_browser, args=(link,), daemon=True).start(),
        keep_look=lambda look: app.put(lambda: app.keep_look(look)),
        leave=lambda: app.put(app.leave),
        machine=app.machine,
    )
    server = make_server(create_app(Config(port, token, options.models, options.static, data, actions)), listener)
    end = run_in_thread(server)
    _log.info("started", extra={"fields": {"version": __version__, "port": port, "shells": options.shells}})
    return end, data
