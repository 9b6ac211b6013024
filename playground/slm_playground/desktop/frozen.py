"""The frozen app's program: `slm-playground` whose first word may be missing, and then is `desktop`."""

import sys

from slm_playground.desktop.second import is_done


def _starts(arguments: list[str]) -> list[str] | None:
    """The arguments of `desktop`; None where it may be another command that is meant."""
    if not arguments or arguments[0] == "desktop":
        return arguments[1:]
    return arguments if any(mark in arguments[0] for mark in ":/\\") else None


def main() -> None:
    """The app, or a command of `slm-playground`."""
    arguments = sys.argv[1:]
    starts = _starts(arguments)
    if starts is not None and is_done(starts):
        return
    from slm_playground.cli import main as command_line

    if not arguments or arguments[0] not in (*command_line.commands, "--help", "--version"):
        arguments.insert(0, "desktop")
    command_line(arguments, prog_name="slm-playground")


if __name__ == "__main__":
    main()
