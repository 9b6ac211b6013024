"""`slm-playground [serve|desktop|doctor]`: the only place that prints, opens a browser or exits.

Exit codes: 0 fine, 1 the job failed (the message says why and what next), 2 wrong usage.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import NoReturn

import click

from slm_playground import paths
from slm_playground.guard import LOOPBACK_NAMES
from slm_playground.listen import PREFERRED_PORT, ListenError, bound_port, open_socket

PORT_HELP = f"Exactly this port, 0 for any free one [default: {PREFERRED_PORT}, else one of the next four]."
SHELLS = ("auto", "native", "chrome-app", "browser", "none")
MODELS_HELP = "Folder of bundles [default: the models folder of the data folder]."


class _ServeByDefault(click.Group):
    """A group whose first word may be missing: `slm-playground --port 8799` is `slm-playground serve --port 8799`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own_options = {name for parameter in self.get_params(ctx) for name in parameter.opts}
        if not args or (args[0].startswith("-") and args[0] not in own_options):
            args = ["serve", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_ServeByDefault)
@click.version_option(package_name="slm-playground", prog_name="slm-playground")
def main() -> None:
    """Small language models in the browser, on your own machine. Without a command: serve."""


@main.command()
@click.option("--host", default=LOOPBACK_NAMES[0], show_default=True, help="127.0.0.1 or localhost, nothing else.")
@click.option("--port", type=click.IntRange(0, 65535), help=PORT_HELP)
@click.option("--models", type=click.Path(path_type=Path, file_okay=False), help=MODELS_HELP)
@click.option("--no-browser", is_flag=True, help="Only print the address.")
def serve(host: str, port: int | None, models: Path | None, no_browser: bool) -> None:
    """Serve the playground on this machine and open it in the browser. Ctrl-C ends it."""
    _refuse_other_hosts(host)
    # From here on either signal ends the program with exit code 0, also in the middle of the start.
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    try:
        listener = open_socket(port)
    except ListenError as error:
        raise click.ClickException(str(error)) from error
    # Flask takes most of the start; a port that is taken is told without waiting for it.
    import logging
    import secrets

    from slm_playground import __version__, log
    from slm_playground.data.errors import DataError
    from slm_playground.data.folder import settle
    from slm_playground.data.place import DataPlace
    from slm_playground.serve import make_server
    from slm_playground.server import Config, create_app

    own_port = bound_port(listener)
    url = f"http://{host}:{own_port}/"
    try:
        data = DataPlace(settle())
    except DataError as error:
        raise click.ClickException(str(error)) from error
    data.listen(lambda folder: log.configure(folder / "logs", own_port))
    models_dir = (models or paths.models_dir()).absolute()
    log_file = log.configure(paths.logs_dir(), own_port)
    app = create_app(Config(own_port, secrets.token_urlsafe(32), models_dir, paths.static_dir(), data))
    server = make_server(app, listener)
    click.echo(url)
    sys.stdout.flush()
    _explain(port, own_port, models_dir, log_file)
    _show(url, no_browser)
    events = logging.getLogger("slm_playground.server")
    events.info("started", extra={"fields": {"version": __version__, "port": own_port, "models": str(models_dir)}})
    server.run()
    server.close()
    data.close()
    events.info("stopped")


@main.command()
@click.argument("opening", metavar="[FOLDER | slm://PAGE]", required=False)
@click.option("--shell", type=click.Choice(SHELLS), default="auto", show_default=True, help="What shows the page.")
@click.option(
    "--hidden", is_flag=True, help="Start without a window; the next start shows it. Closing it leaves the app running."
)
@click.option("--port", type=click.IntRange(0, 65535), help="Exactly this port [default: the one of the last time].")
@click.option("--models", type=click.Path(path_type=Path, file_okay=False), help=MODELS_HELP)
@click.option("--quit", "leave", is_flag=True, help="End the app that is running.")
def desktop(opening: str | None, shell: str, hidden: bool, port: int | None, models: Path | None, leave: bool) -> None:
    """The playground in a window of its own. A second start shows the window of the first.

    A FOLDER with a model is added to the models; slm://models opens that page.
    """
    from slm_playground.desktop import command

    try:
        if leave:
            click.echo("SLM Playground ends." if command.leave() else "SLM Playground is not running.")
            return
        sys.exit(command.start(shell, port=port, models=models, opening=opening, hidden=hidden))
    except command.CommandError as error:
        raise click.ClickException(str(error)) from error


@main.command("desktop-window", hidden=True)
def desktop_window() -> None:
    """The process of a native window; `desktop` starts it."""
    from slm_playground.desktop.shells.window import main as run_window

    sys.exit(run_window())


@main.command("desktop-tray", hidden=True)
def desktop_tray() -> None:
    """The process of the tray icon and the shortcut; `desktop` starts it."""
    from slm_playground.desktop.tray.process import main as run_tray

    sys.exit(run_tray())


@main.command()
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@click.option("--deep", is_flag=True, help="Also compare the SHA-256 of every model file (reads them all).")
@click.option("--models", type=click.Path(path_type=Path, file_okay=False), help=MODELS_HELP)
def doctor(as_json: bool, deep: bool, models: Path | None) -> None:
    """Say what is installed, what is wrong and what to do. Exit code 1 if something is wrong."""
    import json

    from slm_playground.doctor import examine, to_text

    report = examine((models or paths.models_dir()).absolute(), deep=deep)
    click.echo(json.dumps(report.to_json(), indent=2) if as_json else to_text(report))
    sys.exit(1 if report.problems else 0)


def _end(signal_number: int, frame: object) -> NoReturn:
    sys.exit(0)


def _refuse_other_hosts(host: str) -> None:
    if host not in LOOPBACK_NAMES:
        # Reading needs no token, and over plain http the page would lose WebGPU and threads (not a secure context) anyway.
        raise click.BadParameter(
            f"{host!r} would let in other machines, or web pages under another name. SLM Playground has no login and "
            f"answers only this machine: use {' or '.join(LOOPBACK_NAMES)}. From another machine, forward the port: "
            f"ssh -L {PREFERRED_PORT}:127.0.0.1:{PREFERRED_PORT} USER@MACHINE",
            param_hint="--host",
        )


def _explain(wanted_port: int | None, own_port: int, models: Path, log_file: Path | None) -> None:
    if wanted_port is None and own_port != PREFERRED_PORT:
        click.echo(
            f"Port {PREFERRED_PORT} is taken, so this is port {own_port}. To the browser that is another site: chats saved "
            f"under port {PREFERRED_PORT} are not shown here.",
            err=True,
        )
    click.echo(f"Models: {models}", err=True)
    if log_file:
        click.echo(f"Log: {log_file}", err=True)
    click.echo("Press Ctrl-C to stop.", err=True)


def _show(url: str, no_browser: bool) -> None:
    if no_browser:
        return
    # BROWSER counts as a display: editors that run on another machine set it to something that opens a tab here.
    if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")):
        click.echo("No display found: open the address above in a browser on this machine.", err=True)
        return
    # Some browsers' start-up commands block until they are closed.
    threading.Thread(target=_open_browser, args=(url,), daemon=True).start()


def _open_browser(url: str) -> None:
    import webbrowser

    if not webbrowser.open(url):
        click.echo("No browser could be started: open the address above yourself.", err=True)
