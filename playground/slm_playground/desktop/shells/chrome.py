"""Chrome, Chromium, Edge or Brave in app mode: a window without tabs and address bar, a profile of its own, and the GPU.

The browser writes size and place of the window into that profile (profile.py).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from slm_playground.desktop.environment import system_environment
from slm_playground.desktop.keep import Look
from slm_playground.desktop.shells.base import ShellError, Surroundings, end, follow, start
from slm_playground.desktop.shells.devtools import DevTools, Gone
from slm_playground.desktop.shells.profile import free, place_flags, set_mode

VARIABLE = "SLM_PLAYGROUND_CHROME"
_ON_PATH = (
    "google-chrome-stable",
    "google-chrome",
    "chromium",
    "chromium-browser",
    "microsoft-edge-stable",
    "microsoft-edge",
    "brave-browser",
)
_ON_MAC = (
    "Google Chrome.app/Contents/MacOS/Google Chrome",
    "Chromium.app/Contents/MacOS/Chromium",
    "Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "Brave Browser.app/Contents/MacOS/Brave Browser",
)
_ON_WINDOWS = (
    r"Google\Chrome\Application\chrome.exe",
    r"Microsoft\Edge\Application\msedge.exe",
    r"BraveSoftware\Brave-Browser\Application\brave.exe",
)
# Nothing but our page is asked for: no accounts, no updates, no first-run pages, no keyring prompt for passwords we do not have.
_FLAGS = (
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-mode",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--hide-crash-restore-bubble",
    "--password-store=basic",
    # Where WebGPU is not on by default yet (Linux with older GPUs); the profile shows only our page.
    "--enable-unsafe-webgpu",
    # Or every start has a bar across the page that warns of the flag above.
    "--test-type",
)


def find_chrome() -> str | None:
    """The browser's program: the one that SLM_PLAYGROUND_CHROME names, else the first of the usual ones."""
    chosen = os.environ.get(VARIABLE)
    if chosen is not None:
        return shutil.which(chosen)
    if sys.platform == "win32":
        roots = [os.environ[name] for name in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA") if name in os.environ]
        return next((str(path) for part in _ON_WINDOWS for root in roots if (path := Path(root) / part).is_file()), None)
    if sys.platform == "darwin":
        places = (Path("/Applications"), Path.home() / "Applications")
        return next((str(path) for part in _ON_MAC for place in places if (path := place / part).is_file()), None)
    return next((path for name in _ON_PATH if (path := shutil.which(name))), None)


class ChromeShell:
    """An app-mode window of the browser `program`."""

    name = "chrome-app"

    def __init__(self, program: str, surroundings: Surroundings) -> None:
        self._program = program
        self._surroundings = surroundings
        self._process: subprocess.Popen[bytes] | None = None
        self._tools: DevTools | None = None
        self._url = ""

    def open(self, url: str) -> None:
        """Raises: ShellError."""
        profile = self._surroundings.profiles / "chrome"
        if sys.platform != "win32":
            free(profile)
        look = self._surroundings.look
        set_mode(profile, look.theme if look.is_against_system else "system")
        self._url = url
        command = [self._program, f"--user-data-dir={profile}", f"--app={url}", "--class=slm-playground", *_FLAGS]
        command += _told(look)
        command += place_flags(profile, url, self._surroundings.geometry)
        if sys.platform == "win32":  # Chrome takes the pipe's ends as handles there, which was never tried
            self._process = start(command, self._surroundings.output, stdout=subprocess.DEVNULL)
        else:
            self._process, self._tools = _with_pipe(command, self._surroundings.output, _coloured(look))
        follow(self._process, lambda: self._surroundings.ended(self))

    def show(self, url: str | None) -> None:
        """Raise the window; where that is not possible the browser opens another one."""
        try:
            self._raise(url)
        except Gone:
            with suppress(ShellError):
                profile = self._surroundings.profiles / "chrome"
                start([self._program, f"--user-data-dir={profile}", f"--app={url or self._url}"], self._surroundings.output)

    def close(self) -> None:
        tools, process = self._tools, self._process
        if tools:
            with suppress(Gone):
                tools.tell("Browser.close")  # keeps the window's place, which closing the pipe does not
        elif process:
            process.terminate()
        if process:
            end(process)
        if tools:
            tools.close()

    def _raise(self, url: str | None) -> None:
        tools = self._tools
        if tools is None:
            raise Gone("this system has no connection to the browser")
        targets = tools.ask("Target.getTargets")["targetInfos"]
        ours = next((target for target in targets if target["type"] == "page" and target["url"].startswith(self._url)), None)
        if ours is None:
            raise Gone("the window shows something else")
        target = ours["targetId"]
        window = tools.ask("Browser.getWindowForTarget", targetId=target)
        if window["bounds"].get("windowState") == "minimized":
            tools.ask("Browser.setWindowBounds", windowId=window["windowId"], bounds={"windowState": "normal"})
        tools.ask("Target.activateTarget", targetId=target)
        if url:
            session = tools.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            tools.ask("Page.navigate", session, url=url)
            tools.ask("Target.detachFromTarget", sessionId=session)


def _told(look: Look) -> list[str]:
    """What the page is told of the system, where its window has the other colour: dark is 0, light is 1 (Chromium's
    preferred_color_scheme.mojom). Else the page would take the profile's colour (`set_mode`) for the system's.
    """
    return [f"--blink-settings=preferredColorScheme={int(look.system == 'light')}"] if look.is_against_system else []


def _coloured(look: Look) -> dict[str, str]:
    """The environment for a browser whose window begins in the page's colour where that is not the system's.

    Until the first picture, half a second or more, the window has the colour of GTK's theme; no flag changes that (Chromium 156).
    From then to the first byte of the page it has the profile's (`set_mode`).
    """
    variables = system_environment()
    if look.is_against_system:
        variables["GTK_THEME"] = "Adwaita:dark" if look.theme == "dark" else "Adwaita"
    return variables


def _with_pipe(command: list[str], output: Path, environment: dict[str, str]) -> tuple[subprocess.Popen[bytes], DevTools]:
    """The browser with its end of the DevTools pipe as descriptors 3 and 4."""
    commands, ours_out = os.pipe()
    ours_in, answers = os.pipe()
    # Behind 4, or one of the two would be overwritten while it is still needed.
    theirs = tuple(_above(descriptor, 10) for descriptor in (commands, answers))

    def connect() -> None:
        os.dup2(theirs[0], 3)
        os.dup2(theirs[1], 4)

    full = [*command, "--remote-debugging-pipe"]
    options: dict[str, object] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "env": environment}
    try:
        process = start(full, output, preexec_fn=connect, pass_fds=(3, 4), **options)
    except ShellError:
        os.close(ours_out)
        os.close(ours_in)
        raise
    finally:
        for descriptor in theirs:
            os.close(descriptor)
    return process, DevTools(ours_out, ours_in)


def _above(descriptor: int, least: int) -> int:
    """The same file under a number of at least `least`."""
    import fcntl

    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, least)
    os.close(descriptor)
    return moved
