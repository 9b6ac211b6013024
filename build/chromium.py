"""Finds a Chromium for the tests and installs one where there is none. `CHROMIUM` names the program for all tests."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from runner import Runner, SetupError, say

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Program: Debian's package.
WINDOW_TOOLS = {"Xvfb": "xvfb", "xdotool": "xdotool", "xclip": "xclip"}
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


def find(python: Path) -> str | None:
    """The browser named by CHROMIUM, else one on PATH, else the one that Playwright installed."""
    chosen = os.environ.get("CHROMIUM")
    if chosen:
        program = shutil.which(chosen)
        if program is None:
            raise SetupError(f"CHROMIUM is set to {chosen}, which is not a program. Correct it, or unset it to have one found.")
        return program
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found:
        return found
    if MAC.is_file():
        return str(MAC)
    script = "from playwright.sync_api import sync_playwright as s\nwith s() as p: print(p.chromium.executable_path)"
    done = subprocess.run([python, "-c", script], capture_output=True, text=True, check=False)
    own = Path(done.stdout.strip() or "missing")
    return str(own) if own.is_file() else None


def ensure(runner: Runner, python: Path) -> str:
    """The path of a Chromium; installs one by apt (as root, or by sudo without a password), else by Playwright.

    Raises: SetupError naming both failures.
    """
    found = find(python)
    if found:
        return found
    failures = []
    for log_name, commands in _ways(python):
        say(f"No Chromium found: installing one ({' '.join(map(str, commands[-1]))})")
        try:
            for command in commands:
                say(f"      done in {runner.run(log_name, command, env={'DEBIAN_FRONTEND': 'noninteractive'})}")
        except SetupError as error:
            failures.append(str(error))
            continue
        found = find(python)
        if found:
            return found
        failures.append(f"{commands[-1][0]} ended well, but no Chromium appeared.")
    raise SetupError(
        "\n".join(failures) + "\nThe tests need Chromium or Chrome, and none could be installed. Install one by hand and run the "
        "same command again, or set CHROMIUM to its program."
    )


def ensure_display(runner: Runner) -> None:
    """Install what the tests of real windows need, where apt can do that; elsewhere those tests are skipped and say so."""
    missing = [package for tool, package in WINDOW_TOOLS.items() if shutil.which(tool) is None]
    prefix = _root_prefix() if shutil.which("apt-get") else None
    if not missing or prefix is None:
        return
    say(f"Installing {', '.join(missing)}, for the tests of the desktop app's window")
    install: list[str | Path] = [*prefix, "apt-get", "install", "-y", "--no-install-recommends", *missing]
    try:
        for command in ([*prefix, "apt-get", "update"], install):
            runner.run("display-apt", command, env={"DEBIAN_FRONTEND": "noninteractive"})
    except SetupError as error:
        say(f"      not installed, so those tests are skipped: {error}")


def _ways(python: Path) -> list[tuple[str, list[list[str | Path]]]]:
    ways: list[tuple[str, list[list[str | Path]]]] = []
    if shutil.which("apt-get"):
        prefix = _root_prefix()
        if prefix is not None:
            install: list[str | Path] = [*prefix, "apt-get", "install", "-y", "--no-install-recommends", "chromium"]
            ways.append(("chromium-apt", [[*prefix, "apt-get", "update"], install]))
    ways.append(("chromium-playwright", [[python, "-m", "playwright", "install", "chromium"]]))
    return ways


def _root_prefix() -> list[str | Path] | None:
    """What to put in front of a command to run it as root without asking; None where that is not possible."""
    if not hasattr(os, "geteuid"):
        return None
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0:
        return ["sudo", "-n"]
    return None
