"""Which shells to try, in order. Pure: what the machine has comes in, names go out."""

from __future__ import annotations

from dataclasses import dataclass

INSTALL = 'Install the parts for a window of its own: pip install "slm-playground[desktop]". Or use --shell browser.'


class NoShell(Exception):
    """Nothing of what was asked for is possible here; the message says what is."""


@dataclass(frozen=True, slots=True)
class Machine:
    """`platform` as in sys.platform; the rest says what is there."""

    platform: str
    has_display: bool
    has_browser_command: bool
    has_chrome: bool
    has_qt: bool
    has_gtk: bool
    has_webview: bool


def shells_to_try(wanted: str, machine: Machine) -> tuple[str, ...]:
    """Of chrome-app, qt, gtk, webview, browser, none: the first one first, the others where it fails.

    On Linux no web view has WebGPU, so a Chrome-family browser comes first; on Windows and macOS the system's own one has it.
    Raises: NoShell.
    """
    if wanted == "none":
        return ("none",)
    if not machine.has_display and not (wanted in ("auto", "browser") and machine.has_browser_command):
        raise NoShell(
            "There is no display here (DISPLAY and WAYLAND_DISPLAY are not set), so no window can be opened. Start the server "
            "alone, and open its address where there is a browser: slm-playground desktop --shell none"
        )
    if wanted == "browser" or not machine.has_display:
        return ("browser",)
    chrome = ("chrome-app",) if machine.has_chrome else ()
    native = _native(machine)
    if wanted == "chrome-app" and not chrome:
        raise NoShell(
            "No Chrome, Chromium, Edge or Brave was found. Install one, name its program in SLM_PLAYGROUND_CHROME, or use "
            "--shell native or --shell browser."
        )
    if wanted == "native" and not native:
        raise NoShell(f"No web view is installed for a window. {INSTALL}")
    if wanted == "chrome-app":
        return (*chrome, "browser")
    if wanted == "native":
        return (*native, "browser")
    return (*chrome, *native, "browser") if machine.platform.startswith("linux") else (*native, *chrome, "browser")


def _native(machine: Machine) -> tuple[str, ...]:
    if not machine.platform.startswith("linux"):
        return ("webview",) if machine.has_webview else ()
    return (*(("qt",) if machine.has_qt else ()), *(("gtk",) if machine.has_gtk else ()))
